"""What people try who are not meant to get far."""
import contextlib
import json
import socket

import pytest

from api import DEADLINE_SECONDS, Server, TdClient
from test_api import config_of, refused


def key_of(penstock, name, role):
    penstock.run("user:create", name, "--role", role)
    return penstock.run("key:create", "--user", name).out.split()[-1]


@pytest.fixture
def operator(penstock, server, td):
    return TdClient(server, key_of(penstock, "olaf", "operator"))


# -- files of the machine


def file_source(tmp_path):
    (tmp_path / "local.csv").write_text("id\n1\n")
    return {"type": "file", "path_prefix": str(tmp_path / "local"),
            "parser": {"type": "csv", "skip_header_lines": 1, "columns": [{"name": "id", "type": "long"}]}}


def test_config_diff_gets_no_operator_to_the_machines_files(penstock, td, operator, tmp_path):
    words = {"name": "nightly", "cron": "", "database": "sample_db", "table": "tab"}
    assert "files of the server" in refused(403, operator.create_session, **words,
                                            config={"in": file_source(tmp_path)})
    td.create_session(**words, config={"in": file_source(tmp_path)})
    for diff in ({"path_prefix": "/etc/"}, {"type": "file"}, {"profile_file": "/etc/shadow"},
                 {"last_path": "a", "path_prefix": "/etc/"}, {"parser": None}):
        assert "only admins" in refused(403, operator.update_session, "nightly", config_diff={"in": diff})
        assert "only admins" in refused(403, operator.create_session, **dict(words, name="mine"),
                                        config=config_of(penstock), config_diff={"in": diff})
    assert td.show_session("nightly")["config_diff"] == {}
    assert [each["name"] for each in td.sessions()] == ["nightly"]
    assert operator.update_session("nightly", config_diff={"in": {"last_path": "a"}})["config_diff"] == \
        {"in": {"last_path": "a"}}
    assert operator.update_session("nightly", config_diff=None)["config_diff"] == {}
    assert td.update_session("nightly", config_diff={"in": {"path_prefix": "/x"}})["config_diff"] == \
        {"in": {"path_prefix": "/x"}}


# -- bodies that are not what they say

BOUNDARY = "multipart/form-data; boundary=xyz"


@pytest.mark.parametrize("content_type, body, words", [
    (BOUNDARY, "", "required"),
    (BOUNDARY, "query=SELECT 1", "does not begin"),
    (BOUNDARY, "--xyz", "does not end its line"),
    (BOUNDARY, "--xyz\r\n", "does not end with"),
    (BOUNDARY, "--xyz\r\nContent-Disposition: form-data; name=query\r\n\r\nSELECT 1", "does not end with"),
    (BOUNDARY, "--xyz\r\nContent-Disposition: form-data\r\n\r\nSELECT 1\r\n--xyz--", "without a name"),
    (BOUNDARY, "--xyz\r\nSELECT 1\r\n--xyz--", "without a value"),
    (BOUNDARY, b"--xyz\r\nContent-Disposition: form-data; name=query\r\n\r\n\xff\r\n--xyz--", "UTF-8"),
    (BOUNDARY, "--xyz--", "required"),
    ("multipart/form-data", "--xyz--", "boundary"),
    ("multipart/form-data; boundary=" + "x" * 71, "--xyz--", "boundary"),
    ("application/x-www-form-urlencoded", "query=%zz", "percent"),
    ("application/x-www-form-urlencoded", "query=a%00b", "NUL"),
    ("application/x-www-form-urlencoded", "query=%ff", "UTF-8"),
    ("application/json", "{", "request body:1"),
    ("application/json", b"\xff", "UTF-8"),
    ("application/json", "[]", "object"),
    ("application/json", '{"query": "a\\u0000b"}', "NUL"),
    ("application/json", '{"query": ["a"]}', "text"),
    ("application/json", '{"query": "a", "query": "b"}', "duplicate"),
])
def test_query_in_a_broken_body_is_refused(server, td, content_type, body, words):
    reply = server.ask("POST", "/v3/job/issue/presto/sample_db", body, {"Content-Type": content_type})
    assert reply.status == 400 and words in reply.json["error"], reply
    assert td.list_jobs() == []


@pytest.mark.parametrize("body", [
    '--xyz\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--xyz--\r\n',
    "--xyz\r\ncontent-disposition: form-data; filename=q; name=query\r\n\r\nSELECT 1\r\n--xyz--",
    '--xyz\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n'
    '--xyz\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 2\r\n--xyz--',
])
def test_query_comes_as_a_multipart_form(server, td, body):
    reply = server.ask("POST", "/v3/job/issue/presto/sample_db", body, {"Content-Type": BOUNDARY})
    assert td.show_job(reply.json["job_id"])["query"] == "SELECT 1"


@pytest.mark.parametrize("path, body", [("/v3/bulk_loads/guess", json.dumps({"config": {}})),
                                        ("/v3/job/issue/presto/sample_db", json.dumps({"query": "SELECT 1"}))])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_body_is_no_other_body(server, td, path, body, encoding):
    reply = server.ask("POST", path, body, {"Content-Type": "application/json", "Content-Encoding": encoding})
    assert reply.status == 415 and encoding in reply.json["error"]
    assert reply.headers["Accept-Encoding"] == "identity"


# -- the wire


def talk(server, request):
    """All that comes back until the server closes; what it had not read by then makes the close a reset."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as connection:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return received


@pytest.mark.parametrize("request_head, status", [
    (b"GET /healthz HTTP/1.1", 400),  # without Host
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000, 431),
    (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x", 414),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(b"X%d: 1" % i for i in range(3000)), 431),
    (b"POST /v3/bulk_loads HTTP/1.1\r\nHost: x\r\nContent-Length: many", 400),
    (b"POST /v3/bulk_loads HTTP/1.1\r\nHost: x\r\nContent-Length: -1", 400),
    (b"POST /v3/bulk_loads HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999", 413),
    (b"POST /v3/bulk_loads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2", 400),
    (b"GET /healthz HTTP/9.9\r\nHost: x", 505),
])
def test_head_that_is_none_is_refused_and_the_connection_closed(server, request_head, status):
    reply = talk(server, request_head + b"\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 %d " % status), reply[:200]
    assert server.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/v3/job/result/..%2f..%2fsecret.key", "//healthz",
                                  "/v3/bulk_loads/..%2f..%2fx/jobs", "/setup/../healthz"])
def test_paths_lead_nowhere_else(server, path):
    assert server.ask("GET", path).status == 404


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "PROPFIND", "CONNECT"])
def test_methods_that_a_path_does_not_have(server, method):
    reply = server.ask(method, "/v3/job/list")
    assert reply.status == 405 and reply.headers["Allow"] == "GET"


def test_head_is_a_get_without_its_body(server, td):
    job_id = td.query("SELECT 1", "sample_db")
    td.wait(job_id)
    for path in ("/healthz", "/metrics", "/v3/job/show/" + job_id, "/v3/job/result/" + job_id):
        reply = server.ask("HEAD", path)
        assert reply.status == 200 and reply.body == b"", path


# -- roles

ROLES = ["nobody", "viewer", "operator", "admin"]
OPEN = {"GET /healthz", "GET /readyz", "GET /v3/system/server_status", "GET /setup", "POST /api/v1/setup",
        "POST /api/v1/login"}
ADMINS = ("/api/v1/users", "/api/v1/audit", "/api/v1/settings")
ONES_OWN = {"POST /api/v1/logout", "POST /api/v1/password", "POST /api/v1/keys", "DELETE /api/v1/keys/:id"}


def least_role(method, pattern):
    """As docs/access.md has it."""
    if "%s %s" % (method, pattern) in OPEN:
        return "nobody"
    if pattern.startswith(ADMINS):
        return "admin"
    return "viewer" if method == "GET" or "%s %s" % (method, pattern) in ONES_OWN else "operator"


def test_every_call_asks_for_its_role(penstock, server, td):
    """All routes with all roles; whoever may gets past the check and to an error about the words."""
    keys = {"nobody": None, "admin": penstock.api_key,
            "viewer": key_of(penstock, "vera", "viewer"), "operator": key_of(penstock, "olaf", "operator")}
    before = penstock.state()
    for line in penstock.run("server", "--routes").out.splitlines():
        method, pattern = line.split("\t")[:2]
        path = "/".join("No-Such" if part.startswith(":") else part for part in pattern.split("/"))
        needed = ROLES.index(least_role(method, pattern))
        for role, key in keys.items():
            authorization = "" if key is None else "TD1 " + key
            reply = server.ask(method, path, None if method == "GET" else "{}",
                               {"Authorization": authorization, "Content-Type": "application/json"})
            if ROLES.index(role) < needed:
                assert reply.status == (401 if key is None else 403), (method, pattern, role, reply)
            else:
                assert reply.status not in (401, 403) and reply.status < 500, (method, pattern, role, reply)
    after = penstock.state()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"access_token", "audit"}, changed  # keys' first use, the attempts


# -- sessions


def log_in(server, name, password, cookie=None):
    headers = {"Content-Type": "application/json", "Authorization": ""}
    if cookie is not None:
        headers["Cookie"] = cookie
    return server.ask("POST", "/api/v1/login", json.dumps({"name": name, "password": password}), headers)


def cookies_of(reply):
    return dict(each.split(";")[0].split("=", 1) for each in reply.headers.get_all("Set-Cookie"))


def test_login_takes_no_session_that_somebody_chose(server):
    chosen = "penstock_session=pen_" + "A" * 43
    reply = log_in(server, "root", "correct horse battery", chosen)
    session = cookies_of(reply)["penstock_session"]
    assert reply.status == 200 and chosen != "penstock_session=" + session
    assert session != cookies_of(log_in(server, "root", "correct horse battery"))["penstock_session"]
    assert server.ask("GET", "/api/v1/session", headers={"Authorization": "", "Cookie": chosen}).status == 401


def test_change_by_cookie_needs_the_token_of_that_very_session(server):
    first, second = (cookies_of(log_in(server, "root", "correct horse battery")) for _ in range(2))
    headers = {"Authorization": "", "Content-Type": "application/json",
               "Cookie": "penstock_session=" + first["penstock_session"]}

    def change(**more):
        return server.ask("POST", "/v3/database/create/made_by_cookie", "", dict(headers, **more)).status

    assert change() == 403
    assert change(**{"X-CSRF-Token": second["penstock_csrf"]}) == 403
    assert change(**{"X-CSRF-Token": first["penstock_csrf"][:-1]}) == 403
    # the cookie alone is no proof: another site's page has it sent, but cannot read it
    headers["Cookie"] += "; penstock_csrf=" + first["penstock_csrf"]
    assert change() == 403
    assert change(**{"X-CSRF-Token": first["penstock_csrf"]}) == 200


def test_session_ends_with_logout_password_and_user(penstock, server, td):
    penstock.run("user:create", "vera", "--role", "viewer")
    patch = {"Content-Type": "application/json"}

    def session():
        assert server.ask("PATCH", "/api/v1/users/vera", json.dumps({"password": "her own words"}), patch).status == 200
        cookies = cookies_of(log_in(server, "vera", "her own words"))
        return {"Authorization": "", "Cookie": "penstock_session=" + cookies["penstock_session"],
                "X-CSRF-Token": cookies["penstock_csrf"]}

    def is_open(headers):
        return server.ask("GET", "/api/v1/session", headers=headers).status == 200

    headers = session()
    assert is_open(headers)
    assert server.ask("POST", "/api/v1/logout", "", headers).status == 200 and not is_open(headers)
    headers = session()
    other = session()  # which sets the password
    assert is_open(other) and not is_open(headers)
    assert server.ask("PATCH", "/api/v1/users/vera", '{"is_disabled": true}', patch).status == 200
    assert not is_open(other)
    assert server.ask("PATCH", "/api/v1/users/vera", '{"is_disabled": false}', patch).status == 200
    headers = session()
    assert server.ask("DELETE", "/api/v1/users/vera").status == 200 and not is_open(headers)


# -- schedules while they run


def test_deleted_schedule_lets_its_run_end_and_a_namesake_starts_anew(through_proxy, proxy, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    with Server(through_proxy) as server:
        td = TdClient.with_table(server)
        words = {"name": "nightly", "cron": "", "database": "sample_db", "table": "tab",
                 "config": config_of(through_proxy)}
        td.create_session(**words)
        waiting = []

        def replaced():
            waiting.append(td.run_session("nightly"))
            td.delete_session("nightly")
            td.create_session(**words)

        proxy.before(replaced, key="a.csv")
        running = td.run_session("nightly")
        assert td.wait(running) == "success" and td.show_job(running)["num_records"] == 1
        assert td.job_status(waiting[0]) == "killed"
        assert td.history("nightly") == [] and td.show_session("nightly")["config_diff"] == {}
        assert td.wait(td.run_session("nightly")) == "success"
        assert [run["records"] for run in td.history("nightly")] == [1]


# -- secrets


def test_secrets_come_out_of_no_call_log_or_file(penstock, s3, bucket):
    """Whatever went in as a secret: by a connection, a configuration, a schedule, a password, a key."""
    s3.put(bucket, "a.csv", "id,name\n1,one\nx,bad\n")
    access, secret = penstock.credentials[:2]
    password = "open sesame and more"
    with Server(penstock) as server:
        with open(penstock.home + "/penstock.yml", "w", encoding="utf-8") as file:
            file.write("server_log_level: debug\n")
    with Server(penstock) as server:
        td = TdClient.with_table(server)
        json_type = {"Content-Type": "application/json"}
        replies = []

        def ask(method, path, body=None, status=(200, 201)):
            reply = server.ask(method, path, None if body is None else json.dumps(body), json_type)
            assert reply.status in status, reply
            replies.append((method, path, reply.body + str(reply.headers).encode()))
            return reply

        settings = {"access_key_id": access, "secret_access_key": secret, "endpoint": penstock.endpoint}
        ask("POST", "/api/v1/connections", {"name": "prod", "settings": settings})
        ask("PUT", "/api/v1/connections/prod", {"settings": dict(settings, secret_access_key="***")})
        ask("POST", "/api/v1/connections/prod/test", {"bucket": bucket})
        by_name = penstock.source(connection="prod", access_key_id=None, secret_access_key=None, endpoint=None)
        seed = {key: value for key, value in by_name.items() if key != "parser"}
        ask("POST", "/v3/bulk_loads/guess", {"config": {"in": seed}})
        ask("POST", "/v3/bulk_loads/preview", {"config": {"in": by_name}})
        jobs = [td.issue("sample_db", "tab", config) for config in
                ({"in": by_name}, config_of(penstock), config_of(penstock, bucket="no-such-bucket-here"))]
        assert [td.wait(job) for job in jobs] == ["success", "success", "error"]
        ask("POST", "/v3/bulk_loads", {"name": "nightly", "cron": "", "database": "sample_db", "table": "tab",
                                       "config": config_of(penstock)})
        ask("POST", "/v3/bulk_loads", {"name": "n", "config": {"in": {"secret_access_key": secret}}}, status=(400,))
        td.wait(td.run_session("nightly"))
        ask("POST", "/api/v1/users", {"name": "vera", "role": "viewer", "password": password})
        ask("POST", "/api/v1/login", {"name": "vera", "password": password + "!"}, status=(401,))
        for line in penstock.run("server", "--routes").out.splitlines():
            method, pattern = line.split("\t")[:2]
            if method == "GET":
                path = pattern.replace(":job_id", jobs[0]).replace(":database", "sample_db").replace(":table", "tab")
                path = path.replace("bulk_loads/:name", "bulk_loads/nightly").replace(":name", "prod")
                assert ":" not in path, pattern
                ask("GET", path, status=(200, 404))  # a load has no result
        for job in jobs:
            ask("GET", "/v3/job/show/" + job)
            ask("GET", "/api/v1/jobs/%s/log" % job)
        key = penstock.api_key
    log = server.log()
    assert "/v3/job/show/" in log  # the lines of every call are there
    for word in (secret, password, key):
        assert [each[:2] for each in replies if word.encode() in each[2]] == [], word
        assert word not in log
        assert [path for path, content in penstock.files() if word.encode() in content] == []


def test_source_that_does_not_answer_holds_nobody_else_up(penstock, server, td):
    """Previews of a server that takes connections and says nothing, more of them than there are workers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        silent.settimeout(DEADLINE_SECONDS)
        config = config_of(penstock, endpoint="http://127.0.0.1:%d" % silent.getsockname()[1])
        body = json.dumps({"config": config}).encode()
        waiting = []
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(("POST /v3/bulk_loads/preview HTTP/1.1\r\nHost: x\r\nAuthorization: TD1 %s\r\n"
                                "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                % (penstock.api_key, len(body))).encode() + body)
            waiting.append(connection)
        taken = [silent.accept()[0] for _ in range(8)]  # all workers of that kind wait now
        assert server.ask("GET", "/readyz").status == 200
        assert log_in(server, "root", "correct horse battery").status == 200
        td.create_database("other_db")
        job_id = td.query("SELECT 1", "sample_db")
        assert td.wait(job_id) == "success" and td.rows(job_id) == [[1]]
        for connection in waiting + taken:
            connection.close()
