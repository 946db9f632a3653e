"""A disk that is full or fails, at every stage of a load: a clear error, no crash, and a table as before.

The table has one load already; the second load meets the fault. Then the disk is well again, and the same
command brings the table to the end.
"""
import collections
import os
import random
import shutil
import subprocess

import pytest

from lake_checker import LakeChecker
from penstock import Penstock
from torture_bed import (FILTERS, IS_LONG, PARSER, Input, check_loaded, is_crash, new_seed, rows_of,
                         run_broken)

pytestmark = pytest.mark.torture
# how the disk breaks, which calls count, how many places the short form tries
BREAKS = {
    "one_write_fails": ("eio", "write", 12),
    "one_write_finds_no_room": ("enospc", "write", 12),
    "one_sync_fails": ("eio", "sync", 12),
    "one_name_cannot_be_made_or_removed": ("eio", "make remove", 6),
    "full_from_there_on": ("full", None, 14),
    "dead_from_there_on": ("dead", None, 14),
}
BASE, MORE = Input(1, objects=2, records=60), Input(2, objects=3, records=120)


class DiskBed:
    """A home with BASE loaded, kept aside so that every try starts from the same."""

    def __init__(self, folder, disk=None):
        """Input and configuration in `folder`, the home on `disk`."""
        self.penstock = Penstock(folder, None, None, None)
        if disk is not None:
            self.penstock.home = os.path.join(str(disk), "home")
        self.before, self.after = BASE.rows, BASE.rows + MORE.rows
        for name, source in (("base", BASE), ("more", MORE)):
            os.makedirs(os.path.join(self.penstock.folder, name))
            for object_name, text in source.objects.items():
                with open(os.path.join(self.penstock.folder, name, object_name), "w", encoding="utf-8",
                          newline="") as file:
                    file.write(text)

    def arguments(self, name):
        document = {"type": "file", "path_prefix": os.path.join(self.penstock.folder, name) + "/", "parser": PARSER,
                    "skip_loaded_objects": True}
        self.penstock.source = lambda **changes: document
        config = self.penstock.config(name + ".yml", filters=FILTERS, exec_options={"task_bytes": 3000,
                                                                                     "max_threads": 2})
        return ["connector:issue", config, "--database", "test_db", "--table", "tab", "--auto-create-table"]

    def load_base(self):
        self.penstock.run(*self.arguments("base"))
        check_loaded(self.penstock, "tab", self.before, BASE)

    def keep(self):
        shutil.copytree(self.penstock.home, os.path.join(self.penstock.folder, "kept"))

    def restore(self):
        shutil.rmtree(self.penstock.home)
        shutil.copytree(os.path.join(self.penstock.folder, "kept"), self.penstock.home)

    def check_failed(self, status, err):
        """After a run on a broken disk: no crash; done and said so, or not done and said why.

        A commit whose sync failed on a disk that stays broken is in doubt: it may be found later, whole.
        """
        assert not is_crash(status), err
        rows = rows_of(self.penstock, "tab")
        if status == 0 or (rows == self.after and "whether the change is on disk is not known" in err):
            assert rows == self.after, "it said that it was done: %s" % err
            with LakeChecker(self.penstock.home) as lake:
                assert lake.jobs()[-1]["status"] == "success"
            return
        assert rows == self.before, "it said that it failed, but the rows are %d: %s" % (sum(rows.values()), err)
        assert [line for line in err.splitlines() if line.startswith("Error: ")], "no error line: %r" % err
        assert "internal" not in err.lower(), err

    def repair(self):
        self.penstock.run(*self.arguments("more"))
        check_loaded(self.penstock, "tab", self.after)


@pytest.fixture
def disk_bed(memory_folder):
    bed = DiskBed(memory_folder)
    bed.load_base()
    bed.keep()
    return bed


@pytest.mark.parametrize("kind", BREAKS)
def test_a_failing_disk_gives_an_error_and_leaves_the_table_as_before(disk_bed, kind):
    how, calls, short = BREAKS[kind]
    arguments = disk_bed.arguments("more")
    places = range(1, changes_of(disk_bed, arguments, calls) + 1)
    outcomes = collections.Counter()
    if not IS_LONG:
        places = sorted(random.Random(new_seed()).sample(places, min(short, len(places))))
    for at in places:
        disk_bed.restore()
        status, err, report = run_broken(disk_bed.penstock, arguments, at, how, calls)
        if report.fired is None:
            assert status == 0, err  # threads: this time there were fewer changes
            continue
        outcomes[status] += 1
        try:
            disk_bed.check_failed(status, err)
            disk_bed.repair()
        except AssertionError as failure:
            raise AssertionError("%s at change %s: %s" % (how, report.fired, failure)) from failure
    print("%s: %d places, exit statuses %s" % (kind, len(places), dict(outcomes)))
    assert sum(outcomes.values()) > len(places) // 2 and max(outcomes) > 0, outcomes


def changes_of(bed, arguments, calls):
    status, err, report = run_broken(bed.penstock, arguments, 0, "eio", calls)
    assert status == 0, err
    bed.restore()
    return report.counted


def test_a_full_disk_of_each_size_gives_an_error_and_more_room_repairs_it(tmp_path):
    """A real file system: from one that holds only the first load, growing until the second fits."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    try:
        bed = DiskBed(tmp_path, disk)
        bed.load_base()
        bed.keep()
        step = 4096 if IS_LONG else 24 * 4096
        failed = 0
        used = int(subprocess.run(["du", "-s", "-B1", str(disk)], check=True, capture_output=True,
                                  text=True).stdout.split()[0])
        for size in range(used, used + (8 << 20), step):
            bed.restore()
            subprocess.run(["mount", "-o", "remount,size=%d" % size, str(disk)], check=True)
            result = bed.penstock.run(*bed.arguments("more"), status=None)
            bed.check_failed(result.status, result.err)
            if result.status == 0:
                break
            failed += 1
            assert result.has("space"), result.text
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            if failed % 8 == 1:
                bed.repair()
        assert result.status == 0 and failed > 3, "%d sizes were too small" % failed
        print("%d sizes were too small" % failed)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
