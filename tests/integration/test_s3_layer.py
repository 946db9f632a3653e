"""src/s3 and src/net against a real server: signing, odd keys, pages, ranges, versions, faults."""
import hashlib
import os
import subprocess

import pytest

from penstock import BINARY, PATIENCE_SECONDS

PROBE = os.path.join(os.path.dirname(BINARY), "tests", "integration", "s3_probe")

ODD_KEYS = [
    " leading and trailing ", "a+b%2Bc", "caf\u00e9/\u65e5\u672c\u8a9e/\U0001f600.csv", "new\nline\ttab",
    "//double//slash/", "/leading/slash", "dots/../x/./y", "..", "q?x=1&y#frag;:@$,=!*'()", "~tilde-_.",
    "control\x01\x1f\x7f", "back\\slash", "quote\"<&>'", "percent%", "percent%zz", "%00", "a" * 1024, "folder/",
    "trailing/.", "\u0430\u0301", "\uffff", "plus + space", "[brackets]{braces}|^`",
]


class Probe:
    def __init__(self, endpoint, credentials, **environment):
        self.environment = {"PATH": os.environ["PATH"], "PROBE_ENDPOINT": endpoint}
        if credentials:
            self.environment.update(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
                                        credentials))
        self.environment.update(environment)

    def run(self, *arguments, check=True):
        done = subprocess.run([PROBE, *map(os.fsencode, map(str, arguments))], env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=PATIENCE_SECONDS)
        self.log = done.stderr.decode("utf-8", "replace")
        if check and done.returncode != 0:
            raise AssertionError(self.log)
        if not check:
            assert done.returncode == 1, self.log
            return self.log.splitlines()[-1]
        return done.stdout

    def keys(self, bucket, prefix="", start_after="", max_keys=0):
        lines = self.run("list", bucket, prefix, start_after, max_keys).decode().splitlines()
        return [bytes.fromhex(line.split(" ")[0]).decode() for line in lines]

    def read(self, bucket, key, version="", range_bytes=0):
        return self.run("read", bucket, key, version, range_bytes)


@pytest.fixture
def probe(gateway):
    return Probe(gateway.endpoint, (gateway.access, gateway.secret))


def pattern(size, seed=b""):
    block = b"".join(hashlib.sha256(seed + str(i).encode()).digest() for i in range(4096))
    return (block * (size // len(block) + 1))[:size]


def test_every_legal_key_lists_and_reads(s3, bucket, probe):
    for number, key in enumerate(ODD_KEYS):
        s3.put(bucket, key, "content %d" % number)
    assert probe.keys(bucket) == sorted(ODD_KEYS, key=str.encode)
    for number, key in enumerate(ODD_KEYS):
        assert probe.read(bucket, key) == b"content %d" % number, repr(key)


def test_every_legal_key_works_in_virtual_host_style(gateway, s3, bucket):
    for number, key in enumerate(ODD_KEYS):
        s3.put(bucket, key, "content %d" % number)
    host = "http://%s:%d" % (gateway.dns_name, gateway.port)
    probe = Probe(host, (gateway.access, gateway.secret), PROBE_STYLE="off")
    assert probe.keys(bucket) == sorted(ODD_KEYS, key=str.encode)
    for number, key in enumerate(ODD_KEYS):
        assert probe.read(bucket, key) == b"content %d" % number, repr(key)


def test_pages_prefix_and_start_after(s3, bucket, probe):
    keys = ["%s/%04d" % (folder, i) for folder in ("a", "a b", "a+", "b") for i in range(30)]
    for key in keys:
        s3.put(bucket, key, "x")
    ordered = sorted(keys)
    assert probe.keys(bucket, max_keys=7) == ordered
    assert probe.keys(bucket, "a b/", max_keys=7) == [k for k in ordered if k.startswith("a b/")]
    assert probe.keys(bucket, "a+/", max_keys=30) == [k for k in ordered if k.startswith("a+/")]
    assert probe.keys(bucket, "", "a+/0010", 7) == [k for k in ordered if k > "a+/0010"]
    assert probe.keys(bucket, "a+/", "a+/0010x", 7) == [k for k in ordered if k.startswith("a+/") and k > "a+/0010x"]
    assert probe.keys(bucket, "a+/", "0", 7) == [k for k in ordered if k.startswith("a+/")]
    assert probe.keys(bucket, "a+/", "z", 7) == []
    assert probe.keys(bucket, "nothing/") == []


def test_listing_says_etag_size_and_time(s3, bucket, probe):
    etag = s3.put(bucket, "k", "12345")
    _, got_etag, size, time_us = probe.run("list", bucket, "", "", 0).decode().split()
    assert (got_etag, size) == (etag, "5")
    assert int(time_us) > 1_500_000_000_000_000
    assert probe.run("head", bucket, "k", "").decode() == "5 %s  1\n" % etag


def test_big_objects_come_whole_by_ranges_and_in_one(s3, bucket, probe):
    data = pattern(20_000_003)
    s3.put(bucket, "big", data)
    for range_bytes in (0, 1 << 20, 3_000_017, 1 << 30):
        assert probe.read(bucket, "big", range_bytes=range_bytes) == data
        assert "Open S3Object with bucket [%s], key [big], with size [20000003]" % bucket in probe.log
    assert probe.run("at", bucket, "big", 19_999_000, 1003) == data[-1003:]
    assert probe.run("at", bucket, "big", 0, 1) == data[:1]
    assert "error corrupt" in probe.run("at", bucket, "big", 19_999_000, 1004, check=False)


def test_empty_object(s3, bucket, probe):
    s3.put(bucket, "empty", "")
    assert probe.read(bucket, "empty") == b""


def test_versions_are_read_by_their_id(s3, bucket, probe):
    s3.request("PUT", s3.path(bucket), {"versioning": ""},
               b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    ids = [s3.request("PUT", s3.path(bucket, "k"), payload=text)[0]["x-amz-version-id"] for text in (b"one", b"two")]
    assert probe.read(bucket, "k") == b"two"
    assert probe.read(bucket, "k", ids[0]) == b"one"
    assert ids[0] in probe.run("head", bucket, "k", ids[0]).decode()
    s3.delete(bucket, "k")
    assert "error not_found s3://%s/k" % bucket in probe.run("head", bucket, "k", "", check=False)
    assert probe.read(bucket, "k", ids[1]) == b"two"


def test_changed_object_is_a_conflict(s3, bucket, probe):
    s3.put(bucket, "k", "old")
    probe.environment["PROBE_ETAG"] = hashlib.md5(b"new").hexdigest()
    assert ("error conflict s3://%s/k: object changed while it was being read" % bucket
            in probe.run("read", bucket, "k", "", 0, check=False))


def test_session_tokens_and_anonymous_access(gateway, s3, bucket):
    s3.put(bucket, "k", "v")
    assert Probe(gateway.endpoint, s3.session_token()).read(bucket, "k") == b"v"
    nobody = Probe(gateway.endpoint, None)
    assert "error auth" in nobody.run("read", bucket, "k", "", 0, check=False)
    s3.allow_public_read(bucket)
    assert nobody.read(bucket, "k") == b"v"
    assert nobody.keys(bucket) == ["k"]


def test_errors_say_what_is_wrong(gateway, s3, bucket, probe):
    wrong_secret = Probe(gateway.endpoint, (gateway.access, "wrong-secret"))
    text = wrong_secret.run("list", bucket, "", "", 0, check=False)
    assert "error auth s3://%s: SignatureDoesNotMatch" % bucket in text
    assert "status 403" in text and "request id " in text and "check secret_access_key" in text
    assert "wrong-secret" not in wrong_secret.log
    unknown = Probe(gateway.endpoint, ("NOBODYSKEY", "x")).run("list", bucket, "", "", 0, check=False)
    assert "InvalidAccessKeyId" in unknown
    missing = probe.run("list", "no-such-bucket-here", "", "", 0, check=False)
    assert "error not_found s3://no-such-bucket-here: NoSuchBucket" in missing
    assert "Retrying" not in probe.log
    assert "error not_found s3://%s/nope" % bucket in probe.run("head", bucket, "nope", "", check=False)


def test_faults_on_the_way_are_survived(s3, bucket, proxy):
    data = pattern(3_000_000)
    s3.put(bucket, "k", data)
    probe = Probe(proxy.endpoint, s3.credentials)
    faults = [proxy.slow_down(retry_after=0, key="/k"), proxy.cut(after=1_000_000, key="/k"),
              proxy.cut(after=0, key="/k")]
    assert probe.read(bucket, "k") == data
    assert all(fault.fired == 1 for fault in faults)
    assert "Retrying GET request with 1,000,000 bytes offset" in probe.log
    assert "Getting object 'k' failed. Retrying 1/5 after 0 seconds. Message: SlowDown" in probe.log


def test_corrupted_bytes_are_found(s3, bucket, proxy):
    s3.put(bucket, "k", pattern(300_000))
    proxy.corrupt(at=200_000, key="/k")
    text = Probe(proxy.endpoint, s3.credentials).run("read", bucket, "k", "", 0, check=False)
    assert "error corrupt s3://%s/k: received bytes have the MD5" % bucket in text


def test_wrong_length_is_survived(s3, bucket, proxy):
    data = pattern(300_000)
    s3.put(bucket, "k", data)
    proxy.wrong_length(off_by=5, key="/k")
    text = Probe(proxy.endpoint, s3.credentials).run("read", bucket, "k", "", 0, check=False)
    assert "error conflict" in text  # the reply contradicts the size that HEAD gave
