"""Jobs whose process died: taken up by job:resume and by the next connector:issue, ended by job:kill."""
import json
import signal

import pytest

from penstock import PATIENCE_SECONDS, wait_for

OBJECTS = 4
ROWS = 2000
STALL = {"seconds": PATIENCE_SECONDS, "key": "/in/2.csv"}


def put_objects(s3, bucket, prefix="in/"):
    """Four objects, each with one record that is rejected. Returns the ids that can be loaded."""
    for number in range(OBJECTS):
        rows = "".join("%d,%s\n" % (number * ROWS + i, "x" * 40) for i in range(ROWS))
        s3.put(bucket, "%s%d.csv" % (prefix, number), "id,name\nbad%d,x\n%s" % (number, rows))
    return list(range(OBJECTS * ROWS))


def load_config(penstock, name="load.yml", **changes):
    """Each object is a task of its own; one is fetched at a time."""
    return penstock.config(name, exec_options={"task_bytes": 1, "max_threads": 1}, path_prefix="in/", **changes)


def target(table="tab"):
    return ["--database", "test_db", "--table", table, "--auto-create-table"]


def wait_until_halted(penstock, stall, process):
    wait_for("the third task", lambda: stall.fired and tasks_done(penstock) == 2, process)


def tasks_done(penstock):
    return penstock.sql("SELECT count(*) FROM job_task WHERE status = 'done'")


@pytest.fixture
def halted(through_proxy, proxy, s3, bucket):
    """A load that has finished two of four tasks and hangs in the third: (penstock, process, ids)."""
    ids = put_objects(s3, bucket)
    stall = proxy.stall(after=1000, **STALL)
    process = through_proxy.start("connector:issue", load_config(through_proxy), *target())
    wait_until_halted(through_proxy, stall, process)
    yield through_proxy, process, ids
    if process.poll() is None:
        process.kill()
    process.wait()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def status_of(penstock, job=1):
    return penstock.run("job:status", job).out.strip()


def check_loaded(penstock, proxy, ids):
    """All rows once, the listing once, finished objects fetched once, rejects of each object once."""
    assert penstock.ids() == ids
    rejects = [json.loads(line) for line in penstock.run("job:rejects", 1, "-f", "jsonl").out.splitlines()]
    assert [reject["raw"] for reject in rejects] == ["bad%d,x" % number for number in range(OBJECTS)]
    assert [reject["line"] for reject in rejects] == [2] * OBJECTS
    job = json.loads(penstock.run("--json", "job:show", 1).out)
    assert (job["status"], job["records"], job["rejected"], job["attempt"]) == ("success", len(ids), OBJECTS, 2)
    assert sum("list-type=2" in request for _, request, _ in proxy.requests) == 1
    assert [proxy.count("GET", "/in/%d.csv" % number) for number in (0, 1)] == [1, 1]
    assert penstock.unreferenced() == []


def test_resume_keeps_finished_tasks_and_the_list(halted, proxy, s3, bucket):
    penstock, process, ids = halted
    kill(process)
    s3.put(bucket, "in/9.csv", "id,name\n999999,late\n")
    result = penstock.run("job:resume", 1)
    assert result.has("Job 1 is resumed")
    check_loaded(penstock, proxy, ids)


def test_same_load_issued_again_goes_on_instead_of_loading_twice(halted, proxy):
    penstock, process, ids = halted
    kill(process)
    result = penstock.run("connector:issue", load_config(penstock), *target())
    assert result.has("Job 1 is resumed", "left job 1 unfinished")
    check_loaded(penstock, proxy, ids)


def test_same_load_goes_on_with_the_credentials_of_now(through_proxy, proxy, s3, bucket):
    ids = put_objects(s3, bucket)
    keys = ("access_key_id", "secret_access_key", "session_token")
    old = dict(zip(keys, s3.session_token()))
    stall = proxy.stall(after=1000, **STALL)
    process = through_proxy.start("connector:issue", load_config(through_proxy, auth_method="session", **old),
                                  *target())
    wait_until_halted(through_proxy, stall, process)
    kill(process)
    new = dict(zip(keys, s3.session_token()))
    assert new["session_token"] != old["session_token"]
    before = len(proxy.requests)
    through_proxy.run("connector:issue", load_config(through_proxy, auth_method="session", **new), *target())
    check_loaded(through_proxy, proxy, ids)
    heads = "\n".join("\n".join(head) for _, _, head in proxy.requests[before:])
    assert new["session_token"] in heads and old["session_token"] not in heads


def test_other_load_first_finishes_what_was_left(halted, s3, bucket):
    penstock, process, ids = halted
    kill(process)
    s3.put(bucket, "more/a.csv", "id,name\n1,x\n")
    result = penstock.run("connector:issue", penstock.config(path_prefix="more/"), *target("other"))
    assert result.has("left job 1 (test_db.tab) unfinished, 2 of 4 tasks done; it goes on here first", "Job 1: success",
                      "Job 2 is queued")
    assert penstock.ids() == ids and penstock.ids("other") == [1]


def test_killed_dead_job_is_not_resumed(halted):
    penstock, process, _ = halted
    kill(process)
    assert penstock.run("job:kill", 1).has("Job 1 is killed")
    assert status_of(penstock) == "killed"
    assert penstock.run("job:resume", 1, status=1).has("job 1 is finished (killed)")
    penstock.run("job:list")
    assert penstock.sql("SELECT count(*) FROM job_task") == 0


def test_kill_from_another_process_stops_a_running_job(halted):
    penstock, process, _ = halted
    assert penstock.run("job:kill", 1).has("Job 1 is killed")
    assert process.wait(PATIENCE_SECONDS) == 130
    assert status_of(penstock) == "killed"
    assert penstock.unreferenced() == []


def test_running_job_cannot_be_resumed_by_another_process(halted):
    penstock, process, _ = halted
    result = penstock.run("job:resume", 1, status=1)
    assert result.has("job 1 cannot be claimed: it is running by")
    assert process.poll() is None and status_of(penstock) == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_kills_the_job_for_good(halted, number):
    penstock, process, _ = halted
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 130
    assert status_of(penstock) == "killed"
    assert penstock.unreferenced() == []


def test_secrets_of_unfinished_jobs_are_sealed(halted):
    penstock, process, _ = halted
    kill(process)
    secret = penstock.credentials[1].encode()
    for name, content in penstock.files():
        assert secret not in content, name
    sealed = penstock.sql("SELECT length(sealed_config) FROM job")
    assert sealed > 0
    penstock.run("job:resume", 1)
    assert penstock.sql("SELECT length(sealed_config) FROM job") is None


def test_job_without_its_key_ends_as_error(halted):
    penstock, process, _ = halted
    kill(process)
    penstock.remove("secret.key")
    assert penstock.run("job:resume", 1, status=1).has("cannot be opened", "secret.key")
    assert status_of(penstock) == "error"
