"""Runs build/penstock as a user would, with a home folder of its own, and looks at what it left.

The catalog is read with Python's own SQLite, the rows through `penstock query`.
"""
import contextlib
import json
import os
import sqlite3
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("PENSTOCK_BINARY", os.path.join(ROOT, "build", "penstock"))
# What a failed job may leave in the catalog: its own record. Everything else stays as it was.
JOB_TABLES = ("job", "job_object", "job_task", "job_part", "job_part_column", "sqlite_sequence")
# For what must come some time: no test waits so long unless something hangs, however slow the machine.
PATIENCE_SECONDS = 600
FAST_RETRIES = {"maximum_retries": 2, "initial_retry_interval_millis": 10, "maximum_retry_interval_millis": 20}


def wait_for(what, condition, process=None):
    """Until condition() is true. Fails when it does not come, or when a process that must live on has ended."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, "this did not come: %s" % what
        assert process is None or process.poll() is None, "the process ended before this: %s" % what
        time.sleep(0.02)


class Result:
    def __init__(self, command, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.text = "$ %s\nstatus %d\n%s%s" % (" ".join(command), self.status, self.out, self.err)

    def has(self, *words):
        """Whether the output says all of the words, in any case."""
        text = (self.out + self.err).lower()
        return all(word.lower() in text for word in words)


class Penstock:
    def __init__(self, folder, endpoint, bucket, credentials):
        self.folder = str(folder)
        self.home = os.path.join(self.folder, "home")
        self.endpoint, self.bucket, self.credentials = endpoint, bucket, credentials
        self.api_key = None  # of its server, once there is one

    def env(self, extra=None):
        """Nothing of the caller's but the path; a zone and a locale that must not matter."""
        env = {"PATH": os.environ["PATH"], "HOME": self.folder, "TZ": "America/New_York", "LC_ALL": "C",
               "PENSTOCK_HOME": self.home, "AWS_EC2_METADATA_DISABLED": "true"}
        env.update(extra or {})
        return env

    def run(self, *arguments, env=None, status=0, timeout=PATIENCE_SECONDS):
        """Runs one command; fails unless it exits with `status` (None: any)."""
        command = [BINARY, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, env=self.env(env), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False,
                              encoding="utf-8", errors="replace")
        result = Result(command, done)
        assert status is None or result.status == status, result.text
        return result

    def start(self, *arguments, env=None):
        """Starts one command and does not wait for it."""
        return subprocess.Popen([BINARY, *map(str, arguments)], cwd=self.folder, env=self.env(env),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    # -- configurations

    def source(self, **changes):
        """The `in` mapping for two columns of CSV; None removes a key."""
        access, secret = self.credentials[:2]
        options = {"type": "s3", "endpoint": self.endpoint, "bucket": self.bucket, "path_prefix": "",
                   "access_key_id": access, "secret_access_key": secret, **FAST_RETRIES,
                   "parser": {"type": "csv", "skip_header_lines": 1,
                              "columns": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]}}
        options.update(changes)
        return {key: value for key, value in options.items() if value is not None}

    def write(self, text, name="load.yml"):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def config(self, name="load.yml", out=None, filters=None, exec_options=None, **changes):
        """Writes a configuration (JSON is YAML); returns its name."""
        document = {"in": self.source(**changes), "out": out or {"mode": "append"}}
        if exec_options is not None:
            document["exec"] = exec_options
        if filters is not None:
            document["filters"] = filters
        return self.write(json.dumps(document, ensure_ascii=False, indent=1), name)

    def issue(self, config, *arguments, table="tab", create=True, env=None, status=0,
              timeout=PATIENCE_SECONDS):
        create_words = ["--auto-create-table"] if create else []
        return self.run("connector:issue", config, "--database", "test_db", "--table", table, *create_words,
                        *arguments, env=env, status=status, timeout=timeout)

    def load(self, *arguments, table="tab", env=None, **changes):
        """Issues a load with changed `in` options; it must succeed."""
        return self.issue(self.config(**changes), *arguments, table=table, env=env)

    # -- what is there

    def query(self, sql):
        """The rows as dictionaries."""
        out = self.run("query", "-d", "test_db", "-f", "jsonl", sql).out
        return [json.loads(line) for line in out.splitlines()]

    def ids(self, table="tab"):
        return [row["id"] for row in self.query("SELECT id FROM %s ORDER BY id" % table)]

    def state(self):
        """Everything but the records of jobs: catalog tables row by row, and the lake's referenced files."""
        path = os.path.join(self.home, "catalog.sqlite")
        if not os.path.exists(path):
            return {}
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=60)) as catalog:
            names = [row[0] for row in catalog.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            state = {name: sorted(map(repr, catalog.execute('SELECT * FROM "%s"' % name)))
                     for name in names if name not in JOB_TABLES}
        files = {}
        for folder, _, file_names in os.walk(os.path.join(self.home, "lake")):
            for file_name in file_names:
                if file_name in repr(state.get("ducklake_data_file")):
                    full = os.path.join(folder, file_name)
                    files[full] = os.path.getsize(full)
        state["files"] = files
        return state

    def sql(self, statement):
        """The first value that the catalog answers; None while there is no catalog."""
        path = os.path.join(self.home, "catalog.sqlite")
        if not os.path.exists(path):
            return None
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=60)) as catalog:
            try:
                row = catalog.execute(statement).fetchone()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return None
                raise
        return None if row is None else row[0]

    def files(self):
        """All files of the home: (path, content)."""
        for folder, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    yield os.path.join(folder, name), file.read()

    def remove(self, name):
        os.unlink(os.path.join(self.home, name))

    def unreferenced(self):
        """Part files that no catalog row names."""
        known = repr(self.state().get("ducklake_data_file"))
        return [name for _, _, names in os.walk(os.path.join(self.home, "lake")) for name in names
                if name.endswith(".parquet") and name not in known]
