"""The server as a process of its own, and a client that asks it what Treasure Data's own client asks.

`TdClient` sends the requests of td-client-ruby 1.x as spec and source describe them: the same
methods, paths, headers and body encodings, with its reading of the replies: names in paths are escaped
as forms are (a space is +), calls under bulk_loads have the type JSON even without a body, a POST
without parameters is empty. Nothing is shared with the program. test_td_client.py runs Treasure Data's
own client for Python besides.
"""
import http.client
import json
import os
import signal
import subprocess
import time
import urllib.parse

import msgpack

import openapi_check
from penstock import BINARY, PATIENCE_SECONDS

DEADLINE_SECONDS = PATIENCE_SECONDS


class Reply:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.content_type = response.headers.get("Content-Type", "")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %s %r" % (self.status, self.content_type, self.body[:500])


class Server:
    """`penstock server` over the home of a Penstock of penstock.py; tls: what its clients trust, an
    ssl.SSLContext, when its settings name a certificate."""

    def __init__(self, penstock, *arguments, env=None, tls=None):
        self.penstock, self.arguments, self.env, self.tls = penstock, arguments, env, tls
        self.process, self.port = None, None
        self.error_path = os.path.join(penstock.folder, "server.err")

    def start(self):
        with open(self.error_path, "ab") as errors:
            self.process = subprocess.Popen(
                [BINARY, "server", "--listen", "127.0.0.1:0", *map(str, self.arguments)],
                cwd=self.penstock.folder, env=self.penstock.env(self.env), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors)
        line = self.process.stdout.readline().decode()
        assert line.startswith("listening on %s://127.0.0.1:" % self.scheme), (line, self.log())
        self.port = int(line.rsplit(":", 1)[1])
        if self.penstock.api_key is None:
            self.become_admin()
        return self

    def become_admin(self):
        """Uses the one-time link of the first start, and makes an API key with the login."""
        link = self.process.stdout.readline().decode()
        assert "first admin" in link, link
        json_headers = {"Content-Type": "application/json"}
        reply = self.ask("POST", "/api/v1/setup", json.dumps(
            {"token": link.strip().rsplit("#", 1)[1], "name": "root", "password": "correct horse battery"}),
            json_headers)
        assert reply.status == 200, reply
        cookies = dict(cookie.split(";")[0].split("=", 1) for cookie in reply.headers.get_all("Set-Cookie"))
        headers = dict(json_headers, Cookie="; ".join("%s=%s" % pair for pair in cookies.items()))
        headers["X-CSRF-Token"] = cookies["penstock_csrf"]
        reply = self.ask("POST", "/api/v1/keys", json.dumps({"label": "tests"}), headers)
        assert reply.status in (200, 201), reply
        self.penstock.api_key = reply.json["key"]

    @property
    def scheme(self):
        return "http" if self.tls is None else "https"

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % (self.scheme, self.port)

    def connect(self):
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS, context=self.tls)

    def log(self):
        with open(self.error_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, status=0):
        """SIGTERM, and its exit status."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=DEADLINE_SECONDS)
        self.process.stdout.close()
        self.process = None
        assert code == status, self.log()

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait(timeout=DEADLINE_SECONDS)
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process is not None and kind is not None:
            self.kill()
        self.stop()

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        headers = dict(headers or {})
        if self.penstock.api_key is not None and "Authorization" not in headers:
            headers["Authorization"] = "TD1 " + self.penstock.api_key
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            reply = Reply(response, response.read())
            openapi_check.check(method, path, reply)
            return reply
        finally:
            connection.close()


class TdError(Exception):
    def __init__(self, reply):
        super().__init__(repr(reply))
        self.status, self.reply = reply.status, reply


class TdClient:
    """Endpoint and API key as `td -e ENDPOINT -k KEY` has them."""

    def __init__(self, server, key=None):
        self.server, self.key = server, key or server.penstock.api_key

    @classmethod
    def with_table(cls, server):
        """A client, and the table sample_db.tab."""
        client = cls(server)
        client.create_database("sample_db")
        client.create_table("sample_db", "tab")
        return client

    def request(self, method, path, params=None, body=None, expect=200):
        headers = {"Authorization": "TD1 " + self.key, "User-Agent": "TD-Client-Ruby: 1.0.8",
                   "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
                   "Accept-Encoding": "deflate, gzip"}
        if path.startswith("/v3/bulk_loads") or body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            body = None if body is None else json.dumps(body)
        elif method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(params or {})
            headers["Content-Length"] = str(len(body))
        elif params:
            path += "?" + urllib.parse.urlencode(params)
        reply = self.server.ask(method, path, body, headers)
        if reply.status != expect:
            raise TdError(reply)
        return reply

    @staticmethod
    def e(name):
        return urllib.parse.quote_plus(str(name))

    def server_status(self):
        """What `td -e` asks before its command, without a key."""
        reply = self.server.ask("GET", "/v3/system/server_status", headers={"Authorization": ""})
        return reply.json["status"] if reply.status == 200 else "Server is down (%d)" % reply.status

    # -- databases and tables: form parameters

    def list_databases(self):
        return self.request("GET", "/v3/database/list").json["databases"]

    def create_database(self, name):
        self.request("POST", "/v3/database/create/%s" % self.e(name))

    def delete_database(self, name):
        self.request("POST", "/v3/database/delete/%s" % self.e(name))

    def list_tables(self, database):
        tables = self.request("GET", "/v3/table/list/%s" % self.e(database)).json["tables"]
        return {table["name"]: dict(table, schema=json.loads(table["schema"])) for table in tables}

    def create_table(self, database, table):
        self.request("POST", "/v3/table/create/%s/%s/log" % (self.e(database), self.e(table)))

    def delete_table(self, database, table):
        return self.request("POST", "/v3/table/delete/%s/%s" % (self.e(database), self.e(table))).json["type"]

    def swap_table(self, database, one, other):
        self.request("POST", "/v3/table/swap/%s/%s/%s" % tuple(map(self.e, (database, one, other))))

    def update_table(self, database, table, **params):
        self.request("POST", "/v3/table/update/%s/%s" % (self.e(database), self.e(table)), params)

    def update_schema(self, database, table, schema):
        self.request("POST", "/v3/table/update-schema/%s/%s" % (self.e(database), self.e(table)),
                     {"schema": json.dumps(schema)})

    def tail(self, database, table, count):
        reply = self.request("GET", "/v3/table/tail/%s/%s" % (self.e(database), self.e(table)),
                             {"format": "msgpack", "count": count})
        return unpack(reply.body)

    # -- jobs

    def query(self, sql, database, kind="presto", **params):
        reply = self.request("POST", "/v3/job/issue/%s/%s" % (kind, self.e(database)),
                             dict(params, query=sql))
        return str(reply.json["job_id"])

    def list_jobs(self, first=0, last=None, **params):
        params = {key: value for key, value in params.items() if value is not None}
        params.update({"from": first} if last is None else {"from": first, "to": last})
        return self.request("GET", "/v3/job/list", params).json["jobs"]

    def show_job(self, job_id):
        return self.request("GET", "/v3/job/show/%s" % self.e(job_id)).json

    def job_status(self, job_id):
        return self.request("GET", "/v3/job/status/%s" % self.e(job_id)).json["status"]

    def kill(self, job_id):
        return self.request("POST", "/v3/job/kill/%s" % self.e(job_id)).json["former_status"]

    def result(self, job_id, form="msgpack"):
        """The bytes, decoded as Content-Encoding says and checked against Content-Length, if there are such."""
        reply = self.request("GET", "/v3/job/result/%s" % self.e(job_id), {"format": form})
        assert reply.headers.get("Content-Encoding") is None and \
            reply.headers.get("Content-Length", len(reply.body)) == len(reply.body)
        return reply.body

    def rows(self, job_id):
        """As the client reads them to print them."""
        return unpack(self.result(job_id))

    def wait(self, job_id):
        """Polls as `td job:show -w` does, only faster; the final status."""
        until = time.monotonic() + DEADLINE_SECONDS
        while True:
            status = self.job_status(job_id)
            if status in ("success", "error", "killed"):
                return status
            assert time.monotonic() < until, (status, self.server.log())
            time.sleep(0.02)

    # -- bulk loads: JSON bodies

    def guess(self, config):
        return self.request("POST", "/v3/bulk_loads/guess", body={"config": config}).json["config"]

    def preview(self, config):
        return self.request("POST", "/v3/bulk_loads/preview", body={"config": config}).json

    def issue(self, database, table, config, **members):
        body = dict(members, config=config, database=database, table=table)
        return str(self.request("POST", "/v3/job/issue/bulkload/%s" % self.e(database),
                                body=body).json["job_id"])

    def sessions(self):
        return self.request("GET", "/v3/bulk_loads").json

    def create_session(self, **members):
        return self.request("POST", "/v3/bulk_loads", body=members).json

    def show_session(self, name):
        return self.request("GET", "/v3/bulk_loads/%s" % self.e(name)).json

    def update_session(self, session, /, **members):
        return self.request("PUT", "/v3/bulk_loads/%s" % self.e(session), body=members).json

    def delete_session(self, name):
        return self.request("DELETE", "/v3/bulk_loads/%s" % self.e(name)).json

    def history(self, name):
        return self.request("GET", "/v3/bulk_loads/%s/jobs" % self.e(name)).json

    def run_session(self, name, scheduled_time=None):
        body = {} if scheduled_time is None else {"scheduled_time": str(scheduled_time)}
        return str(self.request("POST", "/v3/bulk_loads/%s/jobs" % self.e(name), body=body).json["job_id"])


def unpack(data):
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(data)
    return list(unpacker)
