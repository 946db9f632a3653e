"""Known input, a broken disk, and what must hold afterwards: shared by the crash and disk tests.

Every random choice comes from one seed, which is printed with a failure and can be given again:
    PENSTOCK_SEED=1234 tools/run_tests integration -k crash
PENSTOCK_TORTURE=1 (make torture) runs the long form of these tests.
"""
import collections
import os
import random
import signal
import subprocess

from lake_checker import LakeChecker
from penstock import BINARY, PATIENCE_SECONDS

PRELOAD = os.path.join(os.path.dirname(BINARY), "tests", "torture", "libfault_preload.so")
IS_LONG = os.environ.get("PENSTOCK_TORTURE") == "1"
COLUMNS = ["id", "name", "amount", "time"]
PARSER = {"type": "csv", "skip_header_lines": 1, "columns": [
    {"name": "id", "type": "long"}, {"name": "name", "type": "string"}, {"name": "amount", "type": "double"}]}
FILTERS = [{"type": "where", "all": [{"column": "name", "operator": "!=", "value": "leave out"}]}]
NAMES = ["plain", 'with ""quotes""', "comma, inside", "two\nlines", "日本語 ümlaut", " spaces ", "leave out", "x" * 300]

seeds = random.Random(int(os.environ.get("PENSTOCK_SEED", "0")) or None)


def new_seed():
    """A seed for one test; a failure shows what the test printed."""
    seed = int(os.environ.get("PENSTOCK_SEED", "0")) or seeds.randrange(1, 1 << 31)
    print("PENSTOCK_SEED=%d" % seed)
    return seed


class Input:
    """Objects of CSV with known loaded, rejected and filtered records. `number` keeps ids apart."""

    def __init__(self, number, objects=6, records=300):
        choose = random.Random(number)
        self.rows = collections.Counter()
        self.objects = {}  # name: text
        self.counts = {}   # name: (loaded, rejected, filtered)
        for index in range(objects):
            lines, counts = ["id,name,amount"], [0, 0, 0]
            for record in range(choose.randrange(records // 2, records)):
                lines.append(self._record(choose, (number * 100 + index) * 1000 + record, counts))
            name = "part-%02d.csv" % index
            self.objects[name] = "\n".join(lines) + "\n"
            self.counts[name] = tuple(counts)
        self.loaded, self.rejected, self.filtered = map(sum, zip(*self.counts.values()))

    def _record(self, choose, row_id, counts):
        name = choose.choice(NAMES)
        kind = choose.randrange(20)
        if kind == 0:
            counts[1] += 1
            return choose.choice(["no number,x,1", "%d,too few" % row_id, "%d,a,b,c" % row_id, "%d,x,1e" % row_id])
        is_left_out = name == "leave out"
        counts[2 if is_left_out else 0] += 1
        amount = None if kind == 1 else choose.randrange(-10**6, 10**6) / 64
        if not is_left_out:
            self.rows[row_id, name.replace('""', '"').replace("\n", "\r\n"), amount, row_id] += 1
        return '%d,"%s",%s' % (row_id, name, "" if amount is None else repr(amount))


def run_broken(penstock, arguments, at, how, calls=None, timeout=PATIENCE_SECONDS, under=None):
    """One command with the n-th change of the disk broken. Returns (exit status, stderr, what was broken)."""
    report = os.path.join(penstock.folder, "fault-report")
    if os.path.exists(report):
        os.remove(report)
    env = penstock.env({"LD_PRELOAD": PRELOAD, "PEN_FAULT_UNDER": under or penstock.home, "PEN_FAULT_AT": str(at),
                        "PEN_FAULT_HOW": how, "PEN_FAULT_REPORT": report})
    if calls:
        env["PEN_FAULT_CALLS"] = calls
    os.makedirs(penstock.home, mode=0o700, exist_ok=True)
    done = subprocess.run([BINARY, *map(str, arguments)], cwd=penstock.folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=timeout, check=False,
                          encoding="utf-8", errors="replace")
    return done.returncode, done.stderr, read_report(report)


Report = collections.namedtuple("Report", "fired counted")


def read_report(path):
    """What the preload library wrote: the place of the fault (or None) and how many changes there were."""
    fired, counted = None, None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                word, rest = line.rstrip("\n").split(" ", 1)
                if word == "fired":
                    fired = rest
                elif word == "counted":
                    counted = int(rest)
    return Report(fired, counted)


def count_changes(penstock, arguments):
    """How many changes of the disk the command makes when nothing breaks; it must succeed."""
    status, err, report = run_broken(penstock, arguments, 0, "eio")
    assert status == 0, err
    return report.counted


def is_crash(status):
    """Ended by a signal of its own making (not by our SIGKILL), or by a sanitizer."""
    return status < 0 and status != -signal.SIGKILL or status in (134, 139)


def rows_of(penstock, table):
    """The table's rows, after every check that needs no knowledge of the input."""
    with LakeChecker(penstock.home) as lake:
        lake.check()
        return lake.rows("test_db", table, COLUMNS)


def check_loaded(penstock, table, rows, source=None):
    """The table holds exactly these rows; the last job that loaded says what became of each record."""
    with LakeChecker(penstock.home) as lake:
        lake.check()
        found = lake.rows("test_db", table, COLUMNS)
        lost, extra = rows - found, found - rows
        assert not lost and not extra, "lost %d: %s; extra %d: %s" % (
            sum(lost.values()), list(lost)[:3], sum(extra.values()), list(extra)[:3])
        if source is None:
            return
        job = [job for job in lake.jobs() if job["status"] == "success" and job["table_name"] == table
               and job["objects"] > 0][-1]
        assert (job["records"], job["rejected"], job["filtered"]) == (source.loaded, source.rejected, source.filtered)
        entries = {os.path.basename(key): counts for key, counts in lake.entries(job["job_id"]).items()}
        assert entries == source.counts
