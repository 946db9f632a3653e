"""Session credentials that run out during a job: five retries with what is written now, then error."""
import json
import re
import signal

from penstock import PATIENCE_SECONDS, wait_for
from test_resume import load_config, put_objects, target

EXPIRED = {"status": 400, "code": "ExpiredToken", "message": "The provided token has expired."}


def session(s3):
    return dict(zip(("access_key_id", "secret_access_key", "session_token"), s3.session_token()),
                auth_method="session")


def log_of(penstock, name="engine.log"):
    return "".join(content.decode() for path, content in penstock.files() if path.endswith("jobs/1/" + name))


def expect_loaded(penstock, proxy, ids):
    """As after a resume, but all in one attempt of the job."""
    assert penstock.ids() == ids
    job = json.loads(penstock.run("--json", "job:show", 1).out)
    assert (job["status"], job["records"], job["rejected"], job["attempt"]) == ("success", len(ids), 4, 1)
    rejects = [json.loads(line)["raw"] for line in penstock.run("job:rejects", 1).out.splitlines()]
    assert rejects == ["bad%d,x" % number for number in range(4)]
    assert sum("list-type=2" in request for _, request, _ in proxy.requests) == 1
    assert penstock.unreferenced() == []


def test_job_goes_on_with_the_credentials_that_are_written_now(through_proxy, proxy, s3, bucket):
    ids = put_objects(s3, bucket)
    old, new = session(s3), session(s3)
    config = load_config(through_proxy, **old)
    proxy.before(lambda: load_config(through_proxy, **new), key="/in/1.csv")
    expired = proxy.error(key="/in/2.csv", times=1, **EXPIRED)
    through_proxy.run("connector:issue", config, *target())
    assert expired.fired == 1
    expect_loaded(through_proxy, proxy, ids)
    last = "\n".join(proxy.requests[-1][2])
    assert new["session_token"] in last and old["session_token"] not in last
    # finished tasks are kept: the first two objects were fetched by the first try only
    assert [proxy.count("GET", "/in/%d.csv" % number) for number in (0, 1)] == [1, 1]
    assert len(re.findall(r"retrying 1/5 in 0.0 s .*: ExpiredToken", log_of(through_proxy))) == 1


def test_retries_end_after_five_with_status_error(through_proxy, proxy, s3, bucket):
    put_objects(s3, bucket)
    expired = proxy.error(key="/in/2.csv", times=100, **EXPIRED)
    result = through_proxy.run("connector:issue", load_config(through_proxy, **session(s3)), *target(), status=77)
    assert result.has("ExpiredToken", "session_token")
    assert expired.fired == 6
    assert re.findall(r"retrying (\d)/5", log_of(through_proxy)) == ["1", "2", "3", "4", "5"]
    assert "still expired after 5 retries" in log_of(through_proxy)
    assert through_proxy.run("job:status", 1).out.strip() == "error"
    assert through_proxy.unreferenced() == []


def test_listing_is_retried_too(through_proxy, proxy, s3, bucket):
    ids = put_objects(s3, bucket)
    expired = proxy.error(key="list-type=2", times=2, **EXPIRED)
    through_proxy.run("connector:issue", load_config(through_proxy, **session(s3)), *target())
    assert expired.fired == 2
    assert through_proxy.ids() == ids
    assert re.findall(r"retrying (\d)/5", log_of(through_proxy)) == ["1", "2"]


def test_file_that_became_another_load_is_not_followed(through_proxy, proxy, s3, bucket):
    ids = put_objects(s3, bucket)
    credentials = session(s3)
    config = load_config(through_proxy, **credentials)
    proxy.before(lambda: through_proxy.config(path_prefix="elsewhere/", **credentials), key="/in/1.csv")
    proxy.error(key="/in/2.csv", times=1, **EXPIRED)
    through_proxy.run("connector:issue", config, *target())
    expect_loaded(through_proxy, proxy, ids)
    assert "is another load by now" in log_of(through_proxy)


def test_interrupt_ends_the_wait(through_proxy, proxy, s3, bucket):
    put_objects(s3, bucket)
    proxy.error(key="/in/2.csv", times=100, **EXPIRED)
    config = load_config(through_proxy, **session(s3), initial_retry_interval_millis=600_000,
                         maximum_retry_interval_millis=600_000)
    process = through_proxy.start("connector:issue", config, *target())
    wait_for("the first retry", lambda: "retrying 1/5" in log_of(through_proxy), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 130
    assert through_proxy.run("job:status", 1).out.strip() == "killed"


def test_wrong_keys_are_not_retried(through_proxy, proxy, s3, bucket):
    put_objects(s3, bucket)
    refused = proxy.error(403, "InvalidAccessKeyId", key="list-type=2", times=100)
    through_proxy.run("connector:issue", load_config(through_proxy), *target(), status=77)
    assert refused.fired == 1
    assert "retrying" not in log_of(through_proxy)
