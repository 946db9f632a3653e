"""kill -9 and broken disks in the commands that change what is there without loading: each is done or not done,
and the same command again brings it to the end."""
import collections
import os
import random
import re
import shutil

import pytest

from lake_checker import LakeChecker
from penstock import Penstock
from torture_bed import IS_LONG, PARSER, Input, count_changes, is_crash, new_seed, rows_of, run_broken

pytestmark = pytest.mark.torture
COLUMNS = [{"name": name, "type": "string"} for name in ("id", "name", "amount")]
COMMANDS = {
    "table:delete": ["test_db", "tab", "-f"],
    "table:rename": ["test_db", "tab", "other", "--overwrite"],
    "table:swap": ["test_db", "tab", "other"],
    "table:forget": ["test_db", "tab", "--key", "*", "-f"],
    "table:compact": ["test_db", "tab"],
    "lake:gc": ["--keep-snapshots", "1", "--older-than", "0"],
    "db:delete": ["test_db", "-f"],
    "job:replay": ["1", "fixed.yml"],
}
HOWS = ("kill", "killed", "torn", "eio", "enospc", "full", "dead")
DONE = {"table:delete": "does not exist", "table:rename": "does not exist", "db:delete": "does not exist",
        "job:replay": "were loaded again by job"}


class Bed:
    """Three loads in two tables, some records rejected; kept aside so that every try starts from the same."""

    def __init__(self, folder):
        self.penstock = Penstock(folder, None, None, None)
        self.config("load.yml", PARSER)
        for number, table in ((1, "tab"), (2, "tab"), (3, "other")):
            self.put(Input(number, objects=2, records=60))
            self.penstock.run("connector:issue", "load.yml", "--database", "test_db", "--table", table,
                              "--auto-create-table")
        self.config("fixed.yml", {**PARSER, "columns": COLUMNS[:1]})
        shutil.copytree(self.penstock.home, self.kept)

    @property
    def kept(self):
        return os.path.join(self.penstock.folder, "kept")

    def put(self, source):
        folder = os.path.join(self.penstock.folder, "in")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name, text in source.objects.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
                file.write(text)

    def config(self, name, parser):
        document = {"type": "file", "path_prefix": os.path.join(self.penstock.folder, "in") + "/", "parser": parser}
        self.penstock.source = lambda **changes: document
        self.penstock.config(name)

    def restore(self):
        shutil.rmtree(self.penstock.home)
        shutil.copytree(self.kept, self.penstock.home)

    def state(self):
        """After all that must hold: the rows of both tables."""
        return rows_of(self.penstock, "tab"), rows_of(self.penstock, "other")


@pytest.fixture
def bed(memory_folder):
    return Bed(memory_folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_or_meets_a_broken_disk_is_done_or_not(bed, command):
    choose = random.Random(new_seed())
    arguments = [command, *COMMANDS[command]]
    before = bed.state()
    changes = count_changes(bed.penstock, arguments)
    after = bed.state()
    places = [(at, how) for at in range(1, changes + 1) for how in HOWS]
    if not IS_LONG:
        places = sorted(choose.sample(places, 8))
    ends = collections.Counter()
    for at, how in places:
        bed.restore()
        status, err, report = run_broken(bed.penstock, arguments, at, how)
        try:
            assert not is_crash(status), err
            ends["missed" if report.fired is None else status] += 1
            state = bed.state()
            assert state == after if status == 0 else state in (before, after), err
            assert status <= 0 or "Error: " in err or command == "lake:gc", "no error line: %r" % err
            again = bed.penstock.run(*arguments, status=None)
            if again.has("are being loaded again by job"):  # the dead job is said, and how to go on
                again = bed.penstock.run("job:resume", re.search(r"job:resume (\d+)", again.err)[1])
            assert again.status == 0 or command in DONE and again.has(DONE[command]), again.text
            if command != "table:swap":  # a swap that was done is undone
                assert bed.state() == after
            bed.penstock.run("lake:gc", "--older-than", "0")
            bed.penstock.run("lake:check")
            with LakeChecker(bed.penstock.home) as lake:
                lake.check()
                assert all(job["status"] == "success" for job in lake.jobs()) or status > 0
        except AssertionError as failure:
            raise AssertionError("%s at change %s: %s" % (how, report.fired, failure)) from failure
    print("%s: %d changes, ends %s" % (command, changes, dict(ends)))
    assert sum(ends.values()) > ends["missed"]
