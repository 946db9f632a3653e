#!/usr/bin/env python3
"""200 clients poll a job's status while the server runs four loads at once.

    bench/server_load.py [--seconds 20] [--clients 200] [--workers 4] [--pause-ms 100]

Each client asks again --pause-ms after its reply (0: at once, which measures throughput; the
original's client waits two seconds).

A server of its own over a throw-away home loads generated CSV files from disk; `wrk` (Debian) asks.
Prints requests a second, the latency's percentiles and errors; exit 1 when a request failed, when
p99 is over --limit-ms, or when no job ran at the beginning or the end.
"""
import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PENSTOCK = os.path.join(ROOT, "build", "penstock")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pause-ms", type=int, default=100)
    parser.add_argument("--limit-ms", type=float, default=50)
    return parser.parse_args()


class Api:
    def __init__(self, port):
        self.port, self.key = port, ""

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = dict(headers or {}, Authorization="TD1 " + self.key)
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        if reply.status >= 300:
            sys.exit("%s %s: %d %s" % (method, path, reply.status, text.decode()))
        return json.loads(text)

    def running(self):
        return sum(1 for job in self.ask("GET", "/v3/job/list?from=0&to=99")["jobs"] if job["status"] == "running")


def write_data(folder):
    """Files whose load takes some seconds on this machine."""
    line = "%d,2026-01-02 03:04:05,some text of ordinary length,1234.5678,true\n"
    for number in range(8):
        with open(os.path.join(folder, "part%d.csv" % number), "w", encoding="ascii") as file:
            for start in range(0, 400000, 10000):
                file.write("".join(line % (number * 400000 + start + i) for i in range(10000)))


def start_server(home, workers):
    env = dict(os.environ, PENSTOCK_HOME=home)
    subprocess.run([PENSTOCK, "user:create", "bench", "--role", "admin"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    key = subprocess.run([PENSTOCK, "key:create", "--user", "bench", "--label", "load"], env=env, check=True,
                         stdout=subprocess.PIPE).stdout.decode().split()[-1]
    server = subprocess.Popen([PENSTOCK, "server", "--listen", "127.0.0.1:0", "--workers", str(workers)], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    api = Api(int(server.stdout.readline().decode().rsplit(":", 1)[1]))
    api.key = key
    return server, api


def issue(api, folder, count):
    column = [{"name": "id", "type": "long"},
              {"name": "at", "type": "timestamp", "format": "%Y-%m-%d %H:%M:%S"},
              {"name": "name", "type": "string"}, {"name": "x", "type": "double"}, {"name": "ok", "type": "boolean"}]
    config = {"in": {"type": "file", "path_prefix": os.path.join(folder, "part"),
                     "parser": {"type": "csv", "columns": column}}, "out": {"mode": "append"}}
    api.ask("POST", "/v3/database/create/bench_db")
    for number in range(count):
        api.ask("POST", "/v3/table/create/bench_db/tab%d/log" % number)
        api.ask("POST", "/v3/job/issue/bulkload/bench_db", {"config": config, "table": "tab%d" % number})


def measure(api, options, folder):
    script = os.path.join(folder, "pause.lua")
    with open(script, "w", encoding="ascii") as file:
        if options.pause_ms > 0:
            file.write("function delay() return %d end\n" % options.pause_ms)
    wrk = subprocess.run(["wrk", "-t2", "-c%d" % options.clients, "-d%ds" % options.seconds, "--latency", "-s", script,
                          "-H", "Authorization: TD1 " + api.key,
                          "http://127.0.0.1:%d/v3/job/status/1" % api.port],
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    print(wrk)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", wrk).groups()
    p99_ms = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return p99_ms, "Non-2xx" in wrk or "Socket errors" in wrk


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        write_data(folder)
        server, api = start_server(os.path.join(folder, "home"), options.workers)
        try:
            issue(api, folder, 60)
            until = time.monotonic() + 30
            while api.running() < options.workers and time.monotonic() < until:
                time.sleep(0.1)
            before = api.running()
            p99_ms, has_errors = measure(api, options, folder)
            after = api.running()
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
    print("p99 %.1f ms, %s; jobs running before %d, after %d" %
          (p99_ms, "ERRORS" if has_errors else "no errors", before, after))
    return 1 if has_errors or p99_ms > options.limit_ms or min(before, after) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
