"""The test bed itself: the server checks signatures, ranges and conditions, and faults fire."""
import http.client

import pytest

from s3_client import S3Client, S3Error


def test_server_returns_what_was_put(s3, bucket):
    etag = s3.put(bucket, "a/b c.csv", "x\n1\n")
    assert s3.get(bucket, "a/b c.csv") == b"x\n1\n"
    assert [(item["Key"], item["ETag"].strip('"')) for item in s3.list(bucket)] == [("a/b c.csv", etag)]


def test_server_refuses_a_wrong_signature(gateway, s3, bucket):
    s3.put(bucket, "k", "v")
    with pytest.raises(S3Error) as refused:
        S3Client(gateway.endpoint, (gateway.access, "not the secret")).get(bucket, "k")
    assert refused.value.status == 403 and b"SignatureDoesNotMatch" in refused.value.body


def test_server_checks_range_and_if_match(s3, bucket):
    etag = s3.put(bucket, "k", "0123456789")
    assert s3.get(bucket, "k", {"range": "bytes=3-5", "if-match": etag}) == b"345"
    s3.put(bucket, "k", "changed")
    with pytest.raises(S3Error) as refused:
        s3.get(bucket, "k", {"if-match": etag})
    assert refused.value.status == 412


def test_server_hands_out_session_tokens(gateway, s3, bucket):
    s3.put(bucket, "k", "v")
    assert S3Client(gateway.endpoint, s3.session_token()).get(bucket, "k") == b"v"


def test_proxy_passes_unbroken_traffic(gateway, s3, bucket, proxy):
    s3.put(bucket, "k", b"v" * 300_000)
    client = S3Client(proxy.endpoint, s3.credentials)
    assert client.get(bucket, "k") == b"v" * 300_000
    assert client.keys(bucket) == ["k"]
    assert proxy.count("GET", "/k") == 1


def test_proxy_breaks_exactly_what_was_asked(s3, bucket, proxy):
    s3.put(bucket, "k", b"v" * 300_000)
    client = S3Client(proxy.endpoint, s3.credentials)
    slow = proxy.slow_down(retry_after=1, key="/k")
    cut = proxy.cut(after=100_000, key="/k")
    length = proxy.wrong_length(off_by=5, key="/k")
    flip = proxy.corrupt(at=200_000, key="/k")
    with pytest.raises(S3Error) as refused:
        client.get(bucket, "k")
    assert refused.value.status == 503
    with pytest.raises(http.client.IncompleteRead) as short:
        client.get(bucket, "k")
    assert len(short.value.partial) == 100_000
    with pytest.raises(http.client.IncompleteRead):
        client.get(bucket, "k")
    assert client.get(bucket, "k") == b"v" * 200_000 + b"w" + b"v" * 99_999
    assert client.get(bucket, "k") == b"v" * 300_000
    assert [fault.fired for fault in (slow, cut, length, flip)] == [1, 1, 1, 1]
