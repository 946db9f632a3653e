"""What goes wrong in the world: each gives an error that says what to do, and leaves no trace.

Every test starts from a table with two loaded rows; after the error the table and the catalog are as
before (`unchanged`).
"""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from penstock import PATIENCE_SECONDS, Penstock, wait_for

ROWS = "id,name\n1,x\n2,y\n"
BIG_ROWS = "id,name\n" + "".join("%d,some text to make it longer %d\n" % (i, i) for i in range(100_000))


@contextlib.contextmanager
def unchanged(penstock):
    """The catalog, the rows and the referenced files are the same after the block."""
    before, rows = penstock.state(), penstock.ids()
    yield
    assert penstock.ids() == rows
    assert penstock.state() == before
    assert penstock.unreferenced() == []


def with_table(penstock, s3):
    s3.put(penstock.bucket, "base/a.csv", ROWS)
    penstock.load(path_prefix="base/")
    assert penstock.ids() == [1, 2]
    return penstock


@pytest.fixture
def loaded(penstock, s3):
    return with_table(penstock, s3)


@pytest.fixture
def loaded_through_proxy(through_proxy, s3):
    return with_table(through_proxy, s3)


def refuse(penstock, *words, status=1, arguments=(), env=None, timeout=PATIENCE_SECONDS, create=True, **changes):
    """A load that must fail with that status, say all of the words, and leave everything as it was."""
    with unchanged(penstock):
        result = penstock.issue(penstock.config(**changes), *arguments, status=status, env=env, timeout=timeout,
                                create=create)
        assert result.has(*words), result.text
    assert penstock.credentials[1] not in result.text
    return result


# -- the server says no

def test_missing_bucket_is_named(loaded):
    refuse(loaded, "no-such-bucket", bucket="no-such-bucket")


def test_missing_key_is_named(loaded):
    refuse(loaded, "no/such/key.csv", path_prefix=None, path="no/such/key.csv")


def test_no_permission_says_so(loaded, gateway):
    gateway.create_user("stranger%s" % loaded.bucket, "STRANGER%s" % loaded.bucket, "stranger-secret-0001")
    refuse(loaded, "AccessDenied", loaded.bucket, status=77, access_key_id="STRANGER%s" % loaded.bucket,
           secret_access_key="stranger-secret-0001")


def test_wrong_secret_says_so(loaded):
    result = refuse(loaded, "SignatureDoesNotMatch", "secret", status=77, secret_access_key="wrong/secret+key")
    assert "wrong/secret+key" not in result.text


def test_unknown_access_key_says_so(loaded):
    refuse(loaded, "InvalidAccessKeyId", status=77, access_key_id="NOBODY")


def test_wrong_region_is_followed_to_the_right_one(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "more/b.csv", "id,name\n3,z\n")
    wrong = proxy.error(301, "PermanentRedirect", "use another endpoint", ["x-amz-bucket-region: eu-west-1"],
                        key="more/")
    loaded_through_proxy.load(path_prefix="more/", region="us-east-1")
    assert wrong.fired == 1
    assert loaded_through_proxy.ids() == [1, 2, 3]
    assert any("/eu-west-1/s3/" in line for request in proxy.requests for line in request[2])


def test_wrong_region_that_stays_wrong_is_named(loaded_through_proxy, proxy):
    proxy.error(301, "PermanentRedirect", "use another endpoint", ["x-amz-bucket-region: eu-west-1"],
                key="base/", times=100)
    refuse(loaded_through_proxy, "eu-west-1", path_prefix="base/", region="us-east-1")


def test_expired_token_says_so(loaded_through_proxy, proxy, s3):
    access, secret, token = s3.session_token()
    proxy.error(400, "ExpiredToken", "The provided token has expired.", key="base/", times=100)
    result = refuse(loaded_through_proxy, "ExpiredToken", status=77, path_prefix="base/", auth_method="session",
                    access_key_id=access, secret_access_key=secret, session_token=token)
    assert token not in result.text


def test_clock_skew_says_so(loaded_through_proxy, proxy):
    proxy.error(403, "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
                ["Date: Thu, 01 Jan 2015 00:00:00 GMT"], key="base/", times=100)
    refuse(loaded_through_proxy, "RequestTimeTooSkewed", "clock", status=77, path_prefix="base/")


def test_glacier_like_refusal_is_not_retried(loaded_through_proxy, proxy):
    refused = proxy.error(403, "InvalidObjectState", "the object is archived", key="/base/a.csv", times=100)
    refuse(loaded_through_proxy, "InvalidObjectState", "base/a.csv", status=77, path_prefix="base/")
    assert refused.fired == 1


# -- the network breaks

def test_refused_connection_names_the_endpoint(loaded):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = "http://127.0.0.1:%d" % unused.getsockname()[1]
        refuse(loaded, endpoint.split("//")[1], status=None, endpoint=endpoint)


def test_unknown_host_names_it(loaded):
    refuse(loaded, "no-such-host.invalid", status=None, endpoint="http://no-such-host.invalid:9000")


def test_slow_down_is_retried_after_the_time_asked_for(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "more/b.csv", "id,name\n3,z\n")
    slow = proxy.slow_down(retry_after=1, key="more/", times=2)
    start = time.monotonic()
    loaded_through_proxy.load(path_prefix="more/", maximum_retry_interval_millis=5000)
    assert slow.fired == 2 and time.monotonic() - start >= 2
    assert loaded_through_proxy.ids() == [1, 2, 3]


def test_slow_down_for_ever_gives_up_with_try_later(loaded_through_proxy, proxy):
    slow = proxy.slow_down(key="/base/a.csv", times=100)
    refuse(loaded_through_proxy, "SlowDown", status=75, path_prefix="base/", exec_options={"task_retries": 0})
    assert slow.fired == 3  # once and maximum_retries


@pytest.mark.parametrize("kind", ["cut", "reset", "stall_short"])
def test_broken_body_resumes_where_it_broke(loaded_through_proxy, proxy, s3, bucket, kind):
    s3.put(bucket, "big/b.csv", BIG_ROWS)
    size = len(BIG_ROWS)
    places = (1, size // 3, size - 1)
    for after in places:
        if kind == "stall_short":
            proxy.stall(after=after, seconds=0.3, key="big/b.csv")
        else:
            getattr(proxy, kind)(after=after, key="/big/b.csv")
    loaded_through_proxy.load(path_prefix="big/", table="big", **{"maximum_retries": 7})
    assert loaded_through_proxy.query("SELECT count(*) AS n, sum(id) AS s FROM big") == [
        {"n": 100_000, "s": 100_000 * 99_999 // 2}]
    ranges = [line.lower() for _, target, lines in proxy.requests if "b.csv" in target for line in lines
              if line.lower().startswith("range:")]
    # a reset may take with it what was sent last but not read yet
    resumed = [int(line.split("=")[1].split("-")[0]) for line in ranges]
    assert any(0 < offset <= size // 3 for offset in resumed), ranges


def test_trickle_arrives_whole(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "more/b.csv", "id,name\n3,z\n4,w\n")
    proxy.trickle(chunk=1, pause=0.01, key="/more/b.csv")
    loaded_through_proxy.load(path_prefix="more/")
    assert loaded_through_proxy.ids() == [1, 2, 3, 4]


@pytest.mark.parametrize("off_by", [7, -7])
def test_wrong_length_is_found(loaded_through_proxy, proxy, off_by):
    proxy.wrong_length(off_by=off_by, key="/base/a.csv", times=100)
    refuse(loaded_through_proxy, "base/a.csv", status=None, path_prefix="base/")


def test_flipped_byte_is_found_by_the_digest(loaded_through_proxy, proxy):
    proxy.corrupt(at=len(ROWS) - 2, key="/base/a.csv", times=100)
    refuse(loaded_through_proxy, "base/a.csv", status=None, path_prefix="base/")


def test_changed_etag_is_a_conflict(loaded_through_proxy, proxy):
    proxy.changed_etag("0123456789abcdef0123456789abcdef", key="/base/a.csv", times=100)
    refuse(loaded_through_proxy, "base/a.csv", status=None, path_prefix="base/")


def test_object_overwritten_between_list_and_get_is_not_mixed(loaded_through_proxy, proxy, s3, bucket):
    overwrite = proxy.before(lambda: s3.put(bucket, "base/a.csv", "id,name\n9,other\n"), key="/base/a.csv")
    refuse(loaded_through_proxy, "base/a.csv", "changed", status=None, path_prefix="base/")
    assert overwrite.fired == 1


def test_object_overwritten_in_mid_read_is_not_mixed(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "big/b.csv", BIG_ROWS)
    proxy.cut(after=len(BIG_ROWS) // 2, key="/big/b.csv")
    proxy.before(lambda: s3.put(bucket, "big/b.csv", BIG_ROWS.replace("some", "SOME")), key="/big/b.csv")
    refuse(loaded_through_proxy, "big/b.csv", "changed", status=None, path_prefix="big/")


def test_truncated_gzip_is_an_error(loaded, s3, bucket):
    import gzip
    s3.put(bucket, "gz/a.csv.gz", gzip.compress(ROWS.encode())[:-9])
    refuse(loaded, "gz/a.csv.gz", "gzip", path_prefix="gz/", decoders=[{"type": "gzip"}])


# -- the configuration is wrong

def refuse_text(penstock, text, *words):
    """A configuration text that must be refused with all of the words."""
    with unchanged(penstock):
        result = penstock.issue(penstock.write(text), status=1)
        assert result.has(*words), result.text


def test_bad_yaml_names_line_and_column(loaded):
    refuse_text(loaded, "in:\n  type: s3\n  bucket: [unclosed\nout: {}\n", "load.yml:")


def test_tab_in_yaml_names_its_line(loaded):
    refuse_text(loaded, "in:\n\ttype: s3\n", "load.yml:2")


def test_unknown_option_gets_a_suggestion(loaded):
    refuse_text(loaded, "in:\n  type: s3\n  bucket: b\n  path_prefx: x\n", "load.yml:4:3", "path_prefx",
                "did you mean 'path_prefix'")


def test_missing_bucket_option_is_named(loaded):
    refuse_text(loaded, "in:\n  type: s3\n  path_prefix: x\n  parser: {type: csv, columns: []}\n", "bucket")


def test_missing_file_is_named(loaded):
    with unchanged(loaded):
        result = loaded.issue("no-such.yml", status=1)
        assert result.has("configuration file: no-such.yml not found")


def test_pattern_that_does_not_compile_is_refused_before_any_request(loaded_through_proxy, proxy):
    count = len(proxy.requests)
    refuse(loaded_through_proxy, "path_match_pattern", path_match_pattern="(unclosed")
    assert len(proxy.requests) == count


def test_pattern_that_explodes_is_stopped(loaded, s3, bucket):
    s3.put(bucket, "boom/" + "a" * 200, ROWS)
    refuse(loaded, "path_match_pattern", path_prefix="boom/", path_match_pattern="^boom/(a+)+$x|(a|aa)+b")


def test_missing_table_needs_auto_create(loaded):
    with unchanged(loaded):
        result = loaded.issue(loaded.config(), table="missing_table", create=False, status=1)
        assert result.has("missing_table", "--auto-create-table"), result.text


def test_missing_database_needs_auto_create(loaded):
    with unchanged(loaded):
        result = loaded.run("connector:issue", loaded.config(), "--database", "missing_db", "--table", "tab", status=1)
        assert result.has("missing_db"), result.text


def test_time_column_of_the_wrong_type_is_refused(loaded):
    refuse(loaded, "Type of 'name' column must be long or timestamp but got string",
           arguments=("--time-column", "name"))


def test_time_column_that_does_not_exist_is_refused(loaded):
    refuse(loaded, "A specified time_column 'nowhere' does not exist", arguments=("--time-column", "nowhere"))


def test_invalid_record_stops_the_job_when_asked(loaded, s3, bucket):
    s3.put(bucket, "bad/a.csv", "id,name\n5,ok\nnot a number,x\n")
    parser = dict(loaded.source()["parser"], stop_on_invalid_record=True)
    refuse(loaded, "bad/a.csv", "3", path_prefix="bad/", parser=parser)


def test_too_many_rejected_records_fail_the_job_before_commit(loaded, s3, bucket):
    s3.put(bucket, "bad/a.csv", "id,name\n5,ok\nnot a number,x\nneither,x\n")
    refuse(loaded, "rejected", path_prefix="bad/", exec_options={"max_rejected_records": 1})


# -- the machine fails

def test_full_disk_is_named_and_leaves_no_trace(s3, bucket, gateway, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        small = with_table(Penstock(disk, gateway.endpoint, bucket, s3.credentials), s3)
        rows = "".join("%d,%s\n" % (i, os.urandom(60).hex()) for i in range(60_000))
        s3.put(bucket, "big/b.csv", "id,name\n" + rows)
        refuse(small, "space", status=None, path_prefix="big/")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_kill_in_mid_run_leaves_the_table_as_before(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "big/b.csv", BIG_ROWS)
    before, rows = loaded_through_proxy.state(), loaded_through_proxy.ids()
    stall = proxy.stall(after=len(BIG_ROWS) // 2, seconds=PATIENCE_SECONDS, key="/big/b.csv")
    process = loaded_through_proxy.start("connector:issue", loaded_through_proxy.config(path_prefix="big/"),
                                         "--database", "test_db", "--table", "tab")
    wait_for("its request", lambda: stall.fired, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert stall.fired == 1
    assert loaded_through_proxy.ids() == rows
    assert loaded_through_proxy.state() == before
    loaded_through_proxy.load(path_prefix="big/")
    assert len(loaded_through_proxy.ids()) == len(rows) + 100_000


def test_interrupt_ends_the_job_with_130_and_no_trace(loaded_through_proxy, proxy, s3, bucket):
    s3.put(bucket, "big/b.csv", BIG_ROWS)
    with unchanged(loaded_through_proxy):
        stall = proxy.stall(after=len(BIG_ROWS) // 2, seconds=PATIENCE_SECONDS, key="/big/b.csv")
        process = loaded_through_proxy.start("connector:issue", loaded_through_proxy.config(path_prefix="big/"),
                                             "--database", "test_db", "--table", "tab")
        wait_for("its request", lambda: stall.fired, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 130


def test_rejected_records_are_counted_and_can_be_seen(loaded, s3, bucket):
    s3.put(bucket, "bad/a.csv", "id,name\n5,ok\nnot a number,x\n6\n")
    result = loaded.load(path_prefix="bad/")
    assert loaded.ids() == [1, 2, 5]
    assert result.has("rejected")
    job = max(row for row in range(1, 3))
    rejects = loaded.run("job:rejects", job)
    assert rejects.has("bad/a.csv", "not a number")
