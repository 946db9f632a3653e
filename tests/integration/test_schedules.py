"""Schedules on the real server: the scheduler is told the time, the jobs run as they always do."""
import calendar
import json
import os
import subprocess
import time

import pytest

from penstock import BINARY, PATIENCE_SECONDS

PROBE = os.path.join(os.path.dirname(BINARY), "tests", "integration", "sched_probe")


class Schedules:
    """A database, a table and what is done with schedules; `now` is the scheduler's clock."""

    def __init__(self, penstock):
        self.penstock = penstock
        penstock.run("db:create", "test_db")
        penstock.run("table:create", "test_db", "tab")
        self.now = None

    def create(self, cron="10 * * * *", *words, name="hourly", **changes):
        config = self.penstock.config(**changes)
        self.penstock.run("connector:create", name, cron, "test_db", "tab", config, *words)
        if cron:
            self.now = self.next_time(name)

    def show(self, name="hourly"):
        return json.loads(self.penstock.run("--json", "connector:show", name).out)

    def next_time(self, name="hourly"):
        return calendar.timegm(time.strptime(self.show(name)["next_start"], "%Y-%m-%dT%H:%M:%SZ"))

    def diff(self, name="hourly"):
        return self.show(name)["config_diff"]

    def probe(self, *words):
        done = subprocess.run([PROBE, self.penstock.home, *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE_SECONDS, check=False, encoding="utf-8",
                              env=self.penstock.env())
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1]

    def tick(self, *words):
        return int(self.probe("tick", self.now, *words)[0])

    def work(self):
        """What ran: (job, status, records)."""
        return [(int(job), status, int(records)) for job, status, records in
                (line.split() for line in self.probe("work"))]

    def next_run(self):
        """The next hour comes and its job runs to its end."""
        self.tick()
        ran = self.work()
        self.now += 3600
        return ran

    def history(self, name="hourly"):
        out = self.penstock.run("connector:history", name, "-f", "json").out
        return [(row["JobID"], row["Status"], row["Records"]) for row in json.loads(out)]


@pytest.fixture
def schedules(penstock):
    return Schedules(penstock)


def put(s3, bucket, key, *ids):
    s3.put(bucket, key, "id,name\n" + "".join("%d,x\n" % number for number in ids))


def test_scheduled_runs_continue_behind_the_last_path(schedules, penstock, s3, bucket):
    put(s3, bucket, "day/b", 1, 2)
    put(s3, bucket, "day/c", 3)
    schedules.create(path_prefix="day/")
    assert schedules.diff() == {}
    assert schedules.next_run() == [(1, "success", 3)]
    assert schedules.diff() == {"in": {"last_path": "day/c"}}
    put(s3, bucket, "day/d", 4)
    put(s3, bucket, "day/a", 99)  # before the position: name mode never sees it
    assert schedules.next_run() == [(2, "success", 1)]
    assert schedules.next_run() == [(3, "success", 0)]
    assert penstock.ids() == [1, 2, 3, 4]
    assert schedules.diff() == {"in": {"last_path": "day/d"}}
    assert schedules.history() == [(3, "success", 0), (2, "success", 1), (1, "success", 3)]


def test_scheduled_runs_take_what_was_modified_since(schedules, penstock, s3, bucket):
    put(s3, bucket, "day/b", 1)
    schedules.create(path_prefix="day/", use_modified_time=True)
    assert schedules.next_run() == [(1, "success", 1)]
    first = schedules.diff()["in"]["last_modified_time"]
    assert list(schedules.diff()["in"]) == ["last_modified_time"]
    put(s3, bucket, "day/a", 2)  # a smaller name is no obstacle here
    assert schedules.next_run() == [(2, "success", 1)]
    second = schedules.diff()["in"]["last_modified_time"]
    put(s3, bucket, "day/b", 3)  # an overwritten object is new
    assert schedules.next_run() == [(3, "success", 1)]
    assert schedules.next_run() == [(4, "success", 0)]
    assert penstock.ids() == [1, 2, 3]
    assert first < second < schedules.diff()["in"]["last_modified_time"]


def test_the_position_can_be_rewound_and_survives_a_new_configuration(schedules, penstock, s3, bucket):
    for number in (1, 2, 3):
        put(s3, bucket, "k%d" % number, number)
    schedules.create()
    schedules.next_run()
    penstock.run("connector:update", "hourly", penstock.config(min_task_size=1))
    assert schedules.diff() == {"in": {"last_path": "k3"}}
    assert schedules.next_run() == [(2, "success", 0)]
    penstock.run("connector:update", "hourly", "--config-diff", penstock.write("in: {last_path: k1}\n", "diff.yml"))
    assert schedules.next_run() == [(3, "success", 2)]
    penstock.run("connector:update", "hourly", "--config-diff", penstock.write("in: {}\n", "diff.yml"))
    assert schedules.next_run() == [(4, "success", 3)]
    assert penstock.ids() == [1, 1, 2, 2, 2, 3, 3, 3]


def test_a_failing_run_leaves_position_and_table(schedules, penstock, s3, bucket):
    put(s3, bucket, "k1", 1)
    schedules.create(parser={"type": "csv", "skip_header_lines": 1, "stop_on_invalid_record": True,
                             "columns": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]})
    schedules.next_run()
    put(s3, bucket, "k2", 2)
    s3.put(bucket, "k3", "id,name\nbroken,x\n")
    assert schedules.next_run() == [(2, "error", 0)]
    assert schedules.diff() == {"in": {"last_path": "k1"}}
    assert penstock.ids() == [1]
    put(s3, bucket, "k3", 3)
    assert schedules.next_run() == [(3, "success", 2)]
    assert penstock.ids() == [1, 2, 3]
    assert [status for _, status, _ in schedules.history()] == ["success", "error", "success"]


def test_a_schedule_never_runs_twice_at_once(through_proxy, proxy, s3, bucket):
    put(s3, bucket, "k1", 1)
    schedules = Schedules(through_proxy)
    schedules.create()
    seen = []

    def meanwhile():
        schedules.now += 7200
        seen.append(schedules.tick() - schedules.now)
        seen.append(through_proxy.run("connector:run", "hourly", status=1).err)
        seen.append([status for _, status, _ in schedules.history()])

    proxy.before(meanwhile, key="k1")
    through_proxy.run("connector:run", "hourly", "-w")
    assert seen[0] == 1  # it looks again in a second
    assert "has a job that runs already: conflicts_with job:1" in seen[1]
    assert seen[2] == ["running"]
    # when it is over, the latest of the missed times runs, and only that one
    assert schedules.next_run() == [(2, "success", 0)]
    assert [job for job, _, _ in schedules.history()] == [2, 1]
    assert schedules.next_time() == schedules.now


def test_a_killed_run_leaves_nothing_and_goes_on_later(through_proxy, proxy, s3, bucket):
    put(s3, bucket, "k1", 1)
    schedules = Schedules(through_proxy)
    schedules.create("")
    running = []
    proxy.before(lambda: (running[0].kill(), running[0].wait()), key="k1")
    running.append(through_proxy.start("connector:run", "hourly"))
    running[0].wait(PATIENCE_SECONDS)
    running[0].stderr.close()
    assert running[0].returncode == -9
    assert schedules.diff() == {}
    assert through_proxy.query("SELECT count(*) n FROM tab") == [{"n": 0}]
    assert [job for job, _, _ in schedules.history()] == [1]
    result = through_proxy.run("connector:run", "hourly")
    assert "Job 1 of this schedule waits already; it runs now." in result.err
    assert schedules.diff() == {"in": {"last_path": "k1"}}
    assert through_proxy.ids() == [1]
    assert schedules.history() == [(1, "success", 1)]


def test_nothing_that_is_printed_or_stored_shows_the_secret(schedules, penstock, s3, bucket):
    put(s3, bucket, "k1", 1)
    secret = penstock.credentials[1]
    schedules.create()
    schedules.next_run()
    for words in (["connector:list", "-f", "json"], ["connector:show", "hourly"], ["--json", "connector:show", "hourly"],
                  ["connector:history", "hourly"], ["job:show", "1", "-v"], ["connector:delete", "hourly"]):
        result = penstock.run(*words)
        assert secret not in result.out + result.err, words
    for folder, _, names in os.walk(penstock.home):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert secret.encode() not in file.read(), name
