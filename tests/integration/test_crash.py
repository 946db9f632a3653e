"""kill -9 at any instant: the table is as before or as after, and the next run brings it to the end.

Half of the kills are at a chosen change of the disk (before it, after it, in the middle of a write), so that
every stage including the commit is met; half are at a random time. The checks are lake_checker's.
"""
import collections
import os
import random
import signal
import subprocess
import time

import pytest

from lake_checker import FINISHED, LakeChecker
from torture_bed import (FILTERS, IS_LONG, PARSER, Input, check_loaded, count_changes, new_seed, rows_of,
                         run_broken)

pytestmark = pytest.mark.torture
KILLS = {"append": (13, 100), "replace": (8, 70), "replace_on_new_data": (4, 40)}
COMMIT_CHANGES = 60  # about as many changes of the disk belong to the commit: every fourth kill goes there
HOWS = ("kill", "killed", "torn")


class CrashLoop:
    def __init__(self, penstock, s3, mode, seed):
        self.penstock, self.s3, self.mode = penstock, s3, mode
        self.choose = random.Random(seed)
        self.table = "tab_" + mode
        self.before = collections.Counter()
        self.stages = collections.Counter()
        self.ends = collections.Counter()
        self.kills = self.rounds = 0
        self.changes = self.seconds = None  # of a whole load

    def arguments(self, prefix):
        config = self.penstock.config(path_prefix=prefix, parser=PARSER, filters=FILTERS, out={"mode": self.mode},
                                      skip_loaded_objects=self.mode == "append",
                                      exec_options={"task_bytes": 30_000})
        return ["connector:issue", config, "--database", "test_db", "--table", self.table, "--auto-create-table"]

    def put(self):
        """The next round's objects. Returns them and the table after the load."""
        self.rounds += 1
        source = Input(self.rounds, objects=self.choose.randrange(2, 6), records=400)
        prefix = "%s/%04d/" % (self.mode, self.rounds)
        for name, text in source.objects.items():
            self.s3.put(self.penstock.bucket, prefix + name, text)
        after = source.rows + (self.before if self.mode == "append" else collections.Counter())
        return source, prefix, after

    def measure(self):
        """A round that nobody disturbs: how many changes of the disk, how long."""
        source, prefix, after = self.put()
        start = time.monotonic()
        self.changes = count_changes(self.penstock, self.arguments(prefix))
        self.seconds = time.monotonic() - start
        check_loaded(self.penstock, self.table, after, source)
        self.before = after

    def is_done(self, wanted):
        """So many kills, some of them before the commit."""
        return self.kills >= wanted and self.stages["before the commit"] > 0

    def run_killed(self, arguments):
        """One run that is killed. Returns where (None: it ended before, and says how much there is to hit)."""
        if self.choose.random() < 0.5:
            first = self.choose.choice([1, max(1, self.changes - COMMIT_CHANGES)])
            at, how = self.choose.randrange(first, self.changes + 1), self.choose.choice(HOWS)
            status, err, report = run_broken(self.penstock, arguments, at, how)
            if report.fired is None and report.counted:
                self.changes = report.counted
            where = report.fired and "change %s (%s)" % (report.fired.replace(self.penstock.home, ""), how)
        else:
            process = self.penstock.start(*arguments)
            start, delay = time.monotonic(), self.choose.uniform(0, self.seconds)
            try:
                err = process.communicate(timeout=delay)[1].decode()
                self.seconds = time.monotonic() - start
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                err = process.communicate()[1].decode()
            status, where = process.returncode, "after %.3f s" % delay
        assert status in (0, -signal.SIGKILL), err
        return where if status == -signal.SIGKILL else None

    def finish(self, prefix):
        """Brings the load to its end: by the dead job's own number, or by the same command again."""
        job = self.unfinished_job()
        if job is not None and self.choose.random() < 0.6:
            self.ends["job:resume"] += 1
            self.penstock.run("job:resume", job)
        else:
            self.ends["connector:issue"] += 1
            self.penstock.run(*self.arguments(prefix))
        assert self.unfinished_job() is None

    def unfinished_job(self):
        with LakeChecker(self.penstock.home) as lake:
            jobs = [job["job_id"] for job in lake.jobs() if job["status"] not in FINISHED]
        assert len(jobs) < 2
        return jobs[0] if jobs else None

    def round(self):
        source, prefix, after = self.put()
        where = self.run_killed(self.arguments(prefix))
        try:
            rows = rows_of(self.penstock, self.table)
            assert rows in (self.before, after), "%d rows, not %d and not %d" % (
                sum(rows.values()), sum(self.before.values()), sum(after.values()))
            if where is not None:
                self.kills += 1
                self.stages["after the commit" if rows == after else "before the commit"] += 1
            self.finish(prefix)
            check_loaded(self.penstock, self.table, after, source if rows != after or self.mode != "append" else None)
        except AssertionError as failure:
            raise AssertionError("round %d, killed at %s: %s" % (self.rounds, where, failure)) from failure
        self.before = after


@pytest.mark.parametrize("mode", KILLS)
def test_a_killed_load_leaves_the_table_as_before_or_after(penstock, s3, memory_folder, mode):
    penstock.home = os.path.join(memory_folder, "home")
    loop = CrashLoop(penstock, s3, mode, new_seed())
    loop.measure()
    wanted = KILLS[mode][1 if IS_LONG else 0]
    while not loop.is_done(wanted):
        loop.round()
        assert loop.rounds < 50 + wanted * 10, "the kills miss: %s" % loop.stages
    print("%s: %d kills in %d rounds: %s, %s" % (mode, loop.kills, loop.rounds, dict(loop.stages), dict(loop.ends)))


def test_a_kill_at_each_change_of_the_first_load_is_repaired(penstock, s3, memory_folder):
    """From nothing: the catalog is being made, migrated and filled while the process dies."""
    choose = random.Random(new_seed())
    source = Input(1, objects=2, records=60)
    for name, text in source.objects.items():
        s3.put(penstock.bucket, "first/" + name, text)
    config = penstock.config(path_prefix="first/", parser=PARSER, filters=FILTERS, out={"mode": "replace"})
    arguments = ["connector:issue", config, "--database", "test_db", "--table", "first", "--auto-create-table"]
    penstock.home = os.path.join(memory_folder, "measured")
    changes = count_changes(penstock, arguments)
    places = range(1, changes + 1) if IS_LONG else sorted(choose.sample(range(1, changes + 1), 12))
    killed = 0
    for at in places:
        how = choose.choice(HOWS)
        penstock.home = os.path.join(memory_folder, "home-%04d" % at)
        status, err, report = run_broken(penstock, arguments, at, how)
        if report.fired is None:
            assert status == 0, err  # threads: this time there were fewer changes
            continue
        assert status == -signal.SIGKILL, err
        killed += 1
        try:
            rows = rows_of(penstock, "first") if has_catalog(penstock) else collections.Counter()
            assert rows in (collections.Counter(), source.rows)
            penstock.run(*arguments)
            check_loaded(penstock, "first", source.rows, source)
        except Exception as failure:
            raise AssertionError("killed at %s (%s): %s" % (report.fired, how, failure)) from failure
    assert killed > len(places) // 2, killed


def has_catalog(penstock):
    path = os.path.join(penstock.home, "catalog.sqlite")
    return os.path.exists(path) and os.path.getsize(path) > 0
