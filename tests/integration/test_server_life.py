"""The server as a service: start, stop, reload, death, and who else may run."""
import os
import resource
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


# -- signals and clients in the middle of things


def test_second_term_ends_the_process_and_the_next_start_goes_on(penstock):
    server = Server(penstock).start()
    td = TdClient(server)
    td.create_database("test_db")
    running = td.query(SLOW, "test_db")
    wait_for("running", lambda: td.job_status(running) == "running")
    server.process.send_signal(signal.SIGTERM)
    wait_for("stopping", lambda: server.ask("GET", "/readyz").status == 503)
    queued = td.query("SELECT 42", "test_db")  # what is taken while stopping is kept
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=DEADLINE_SECONDS) != 0
    server.process.stdout.close()
    server.process = None
    with Server(penstock) as again:
        td = TdClient(again)
        assert td.wait(queued) == "success" and td.rows(queued) == [[42]]
        wait_for("taken up", lambda: td.show_job(running)["debug"]["stderr"].count("query on database") == 2)
        assert td.kill(running) == "running"
        assert td.wait(running) == "killed"


def test_hangups_during_a_load_change_nothing_about_it(through_proxy, proxy, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n" + "".join("%d,n\n" % i for i in range(1000)))
    with Server(through_proxy) as server:
        td = TdClient(server)
        td.create_database("test_db")
        td.create_table("test_db", "tab")

        def reread():
            for _ in range(20):
                server.process.send_signal(signal.SIGHUP)
            wait_for("reread", lambda: "settings are reread" in server.log())

        proxy.before(reread, key="a.csv")
        job_id = td.issue("test_db", "tab", {"in": through_proxy.source(), "out": {"mode": "append"}})
        assert td.wait(job_id) == "success"
        assert td.show_job(job_id)["num_records"] == 1000


def test_log_followers_that_vanish_are_forgotten(penstock):
    """Many clients open a job's log and leave without a word; the server has their connections no longer than
    until it next has something to say to them."""
    with Server(penstock) as server:
        td = TdClient(server)
        td.create_database("test_db")
        job_id = td.query(SLOW, "test_db")
        wait_for("running", lambda: td.job_status(job_id) == "running")
        descriptors = "/proc/%d/fd" % server.process.pid
        before = len(os.listdir(descriptors))
        request = ("GET /api/v1/jobs/%s/log HTTP/1.1\r\nHost: x\r\nAuthorization: TD1 %s\r\n\r\n"
                   % (job_id, penstock.api_key)).encode()
        followers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for follower in followers:
            follower.sendall(request)
        for follower in followers:
            assert follower.recv(12) == b"HTTP/1.1 200"
        assert len(os.listdir(descriptors)) >= before + 200
        assert server.ask("GET", "/readyz").status == 200
        for follower in followers:
            follower.close()
        assert td.kill(job_id) == "running"
        assert td.wait(job_id) == "killed"
        wait_for("connections are closed", lambda: len(os.listdir(descriptors)) <= before + 10)


def test_connections_past_the_limit_wait_for_their_turn(penstock):
    with Server(penstock) as server:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1000)]
        late = [socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) for _ in range(5)]
        for connection in late:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[0].recv(12) == b"HTTP/1.1 200"
        for connection in idle:
            connection.close()
        for connection in late:
            assert connection.recv(12) == b"HTTP/1.1 200"
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert server.ask("GET", "/healthz").status == 200


def test_files_are_left_for_jobs_however_many_clients_come(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    server = Server(penstock)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with open("/proc/%d/limits" % server.process.pid, encoding="ascii") as file:
        limit = int(next(line for line in file if line.startswith("Max open files")).split()[3])
    assert limit == min(hard, 65536)
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
    penstock.run("db:create", "test_db")
    penstock.run("table:create", "test_db", "tab")
    td = TdClient(server)
    assert td.wait(td.issue("test_db", "tab", {"in": penstock.source(), "out": {"mode": "append"}})) == "success"
    for client in clients:
        client.close()
    server.stop()


def test_slow_readers_of_a_large_result_hold_nobody_up(penstock):
    """The result is made while it is read: neither memory nor a worker waits for them."""
    with Server(penstock) as server:
        td = TdClient(server)
        td.create_database("test_db")
        job_id = td.query("SELECT i, repeat('x', 1000) AS s FROM range(100000) t(i) ORDER BY i", "test_db")
        assert td.wait(job_id) == "success"
        readers = []
        for _ in range(40):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.settimeout(DEADLINE_SECONDS)
            reader.connect(("127.0.0.1", server.port))
            reader.sendall(("GET /v3/job/result/%s?format=csv HTTP/1.1\r\nHost: x\r\nAuthorization: TD1 %s\r\n\r\n"
                            % (job_id, penstock.api_key)).encode())
            assert reader.recv(12) == b"HTTP/1.1 200"
            readers.append(reader)
        with open("/proc/%d/status" % server.process.pid, encoding="ascii") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        assert resident < 40 * 100 * 1024 / 4  # in KiB: a quarter of what they have asked for
        assert server.ask("GET", "/readyz").status == 200
        assert td.result(job_id, "csv").count(b"\n") == 100000
        for reader in readers:
            reader.close()
