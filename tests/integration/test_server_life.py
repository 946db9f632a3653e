"""The server as a service: start, stop, reload, death, and who else may run."""
import os
import signal
import socket
import time

import pytest

from api import DEADLINE_SECONDS, Server, TdClient
from penstock import wait_for
from test_api import SLOW



def test_only_one_server_has_a_home(penstock):
    with Server(penstock):
        second = penstock.run("server", "--listen", "127.0.0.1:0", status=1)
        assert second.has("server runs over", "pid")
    with Server(penstock):
        pass


def test_other_addresses_need_tls_or_a_proxy(penstock):
    refused = penstock.run("server", "--listen", "0.0.0.0:0", status=1)
    assert refused.has("refusing to listen", "server_tls_certificate", "server_behind_proxy")


def test_port_that_is_taken_is_named(penstock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        refused = penstock.run("server", "--listen", address, status=1)
        assert refused.has(address, "in use")


def test_wrong_settings_stop_the_start(penstock):
    os.makedirs(penstock.home)
    with open(os.path.join(penstock.home, "penstock.yml"), "w", encoding="utf-8") as file:
        file.write("server_lisen: 127.0.0.1:1\n")
    assert penstock.run("server", status=1).has("server_lisen", "server_listen")


def test_systemd_hears_ready_watchdog_reload_and_stop(penstock, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(path)
        heard.settimeout(DEADLINE_SECONDS)
        server = Server(penstock, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}).start()

        def until(word):
            while True:
                text = heard.recv(4096).decode()
                if word in text:
                    return text

        assert server.url in until("READY=1")
        until("WATCHDOG=1")
        until("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in until("RELOADING=1")
        until("READY=1")
        server.stop()
        until("STOPPING=1")


def test_hangup_rereads_settings_or_keeps_the_old(penstock):
    settings = os.path.join(penstock.home, "penstock.yml")
    with Server(penstock) as server:
        with open(settings, "w", encoding="utf-8") as file:
            file.write("server_log_level: debug\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("reread", lambda: "settings are reread" in server.log())
        server.ask("GET", "/healthz")
        wait_for("debug lines", lambda: "/healthz 200" in server.log())
        with open(settings, "w", encoding="utf-8") as file:
            file.write("no_such_key: 1\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("refused", lambda: "the old ones stay" in server.log())
        assert server.ask("GET", "/healthz").status == 200


def test_term_lets_a_running_job_end(penstock, s3, bucket):
    with Server(penstock) as server:
        td = TdClient(server)
        td.create_database("test_db")
        job_id = td.query("SELECT count(*) FROM range(40000) a, range(40000) b", "test_db")
        wait_for("running", lambda: td.job_status(job_id) != "queued")
    assert penstock.run("job:status", job_id).out.strip() == "success"


def test_job_is_claimed_after_kill_9_of_its_server(penstock):
    penstock.run("db:create", "test_db")
    for size in (60_000, 120_000, 240_000, 480_000):  # a fast machine may be done with a query before the kill
        server = Server(penstock).start()
        td = TdClient(server)
        job_id = td.query("SELECT count(*) FROM range(%d) a, range(%d) b" % (size, size), "test_db")
        wait_for("taken", lambda: td.job_status(job_id) != "queued")  # noqa: B023 (called at once)
        server.kill()
        if penstock.run("job:status", job_id).out.strip() != "success":
            break
    else:
        raise AssertionError("no query was still running when its server was killed")
    with Server(penstock) as again:
        assert TdClient(again).wait(job_id) == "success"
        assert TdClient(again).rows(job_id) == [[size * size]]


@pytest.mark.parametrize("rounds", [2])
def test_load_survives_kill_9_of_its_server(penstock, s3, bucket, rounds):
    """However often the server dies, the rows are there once."""
    for i in range(8):
        s3.put(bucket, "part%d.csv" % i, "id,name\n" + "".join("%d,n\n" % (i * 20000 + n) for n in range(20000)))
    server = Server(penstock).start()
    td = TdClient(server)
    td.create_database("test_db")
    td.create_table("test_db", "tab")
    config = {"in": penstock.source(min_task_size=0), "out": {"mode": "append"}}
    job_id = td.issue("test_db", "tab", config)
    for _ in range(rounds):
        wait_for("begun", lambda: td.job_status(job_id) != "queued")
        time.sleep(0.05)
        server.kill()
        server = Server(penstock).start()
        td = TdClient(server)
    assert td.wait(job_id) == "success", td.show_job(job_id)
    server.stop()
    assert penstock.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM tab") == [{"n": 160000, "d": 160000}]


# -- connector:issue beside a server


def test_issue_hands_its_job_to_the_server(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\nx,bad\n")
    with Server(penstock) as server:
        done = penstock.issue(penstock.config(), "-w")
        assert "Job 1 is queued." in done.out and "Status     : success" in done.out
        assert done.has("  committed snapshot", "Skipped line", "1 row loaded")
        job = TdClient(server).show_job("1")
        assert (job["status"], job["num_records"]) == ("success", 1)
        wait_for("its line in the log", lambda: "job 1: success" in server.log())  # it comes after the job's end


def test_issue_without_wait_returns_at_once(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    with Server(penstock) as server:
        done = penstock.issue(penstock.config())
        assert "Job 1 is queued." in done.out and "Status" not in done.out
        assert TdClient(server).wait("1") == "success"


def test_issue_tells_how_the_servers_job_failed(penstock):
    with Server(penstock):
        failed = penstock.issue(penstock.config(bucket="no-such-bucket-here"), "-w", status=1)
        assert failed.has("no-such-bucket-here") and "Status     : error" in failed.out


def test_issue_goes_on_here_when_the_server_dies(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    with Server(penstock, "--workers", 1) as server:
        td = TdClient(server)
        td.create_database("test_db")
        busy = td.query(SLOW, "test_db")
        wait_for("busy", lambda: td.job_status(busy) == "running")
        waiting = penstock.start("connector:issue", penstock.config(), "--database", "test_db", "--table", "tab",
                                 "--auto-create-table", "-w")
        wait_for("queued", lambda: len(td.list_jobs()) == 2)
        server.kill()
        _, errors = waiting.communicate(timeout=DEADLINE_SECONDS)
        assert waiting.returncode == 0, errors
        assert b"The server is gone" in errors
    assert penstock.ids() == [1]
