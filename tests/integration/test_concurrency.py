"""Ten processes load at once, into one table and into several, while others read all the time.

Every load must succeed, every reader must see a sum of whole loads, and the outside checker must find each row
once. No process waits for another by agreement: what keeps them apart is the catalog alone.
"""
import collections
import json
import subprocess
import threading

from lake_checker import LakeChecker
from penstock import BINARY, PATIENCE_SECONDS, wait_for
from torture_bed import COLUMNS, FILTERS, PARSER, Input, check_loaded

LOADERS = 10


class Readers:
    """Readers that go round until they are stopped: Penstock's own queries, and the checker from outside.

    Each has looked once before the block begins and looks once more after it: whatever the block does, it does
    between two looks.
    """

    def __init__(self, penstock, tables, allowed):
        self.penstock, self.tables = penstock, tables
        self.allowed = allowed  # row counts that a table may have
        self.seen, self.problems = collections.Counter(), []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.watch, args=(look,)) for look in (self.query, self.check)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for("a first look of each", lambda: self.problems or len(self.seen) == len(self.threads))
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def watch(self, look):
        is_last = False
        while not is_last:
            is_last = self.is_over.is_set()
            try:
                for table in self.tables:
                    count = look(table)
                    self.seen[look.__name__] += 1
                    assert count in self.allowed, "%s saw %d rows in %s" % (look.__name__, count, table)
            except Exception as problem:  # shown by the test itself
                self.problems.append("%s: %r" % (look.__name__, problem))
                return

    def query(self, table):
        row = self.penstock.query("SELECT count(*) AS n, count(DISTINCT time) AS ids FROM %s" % table)[0]
        assert row["n"] == row["ids"], "a row is there twice"  # `time` is the id here
        return row["n"]

    def check(self, table):
        with LakeChecker(self.penstock.home, is_live=True) as lake:
            lake.check_snapshots()
            rows = lake.rows("test_db", table, COLUMNS)
            assert not rows or max(rows.values()) == 1, "a row is there twice"
            return sum(rows.values())


def sums_of(counts):
    """Every sum that some of the counts add up to."""
    sums = {0}
    for count in counts:
        sums |= {total + count for total in sums}
    return sums


def start(penstock, s3, number, table, mode="append"):
    """One loader of objects of its own. Returns it with what it loads."""
    source = Input(number, objects=3, records=200)
    for name, text in source.objects.items():
        s3.put(penstock.bucket, "%02d/%s" % (number, name), text)
    config = penstock.config("load-%02d.yml" % number, path_prefix="%02d/" % number, parser=PARSER, filters=FILTERS,
                             out={"mode": mode}, exec_options={"task_bytes": 8000, "max_threads": 2})
    arguments = ["--json", "connector:issue", config, "--database", "test_db", "--table", table,
                 "--auto-create-table"]
    return source, lambda: subprocess.Popen(
        [BINARY, *arguments], cwd=penstock.folder, env=penstock.env(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")


def run_all(starters, timeout=PATIENCE_SECONDS):
    """Starts all at once; all must succeed. Returns their results."""
    processes = [starter() for starter in starters]
    results = []
    for process in processes:
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == 0, err
        results.append(json.loads(out.splitlines()[-1]))
    return results


def test_ten_loads_into_one_table_while_readers_look(penstock, s3):
    penstock.run("db:create", "test_db")
    penstock.run("table:create", "test_db", "tab")
    loads = [start(penstock, s3, number, "tab") for number in range(1, LOADERS + 1)]
    with Readers(penstock, ["tab"], sums_of(source.loaded for source, _ in loads)) as readers:
        results = run_all([starter for _, starter in loads])
    assert not readers.problems, readers.problems
    assert all(readers.seen[name] > 1 for name in ("query", "check")), readers.seen
    assert sorted(result["records"] for result in results) == sorted(source.loaded for source, _ in loads)
    assert len({result["snapshot_id"] for result in results}) == LOADERS
    check_loaded(penstock, "tab", sum((source.rows for source, _ in loads), collections.Counter()))


def test_ten_loads_into_different_tables_of_a_new_home(penstock, s3):
    """All of them find no catalog: one makes it, and each makes its table."""
    loads = [start(penstock, s3, number, "tab_%02d" % number) for number in range(1, LOADERS + 1)]
    run_all([starter for _, starter in loads])
    for number, (source, _) in enumerate(loads, 1):
        check_loaded(penstock, "tab_%02d" % number, source.rows, source)


def test_a_replaced_table_is_always_one_whole_load(penstock, s3):
    loads = [start(penstock, s3, number, "tab", "replace") for number in range(1, LOADERS + 1)]
    first = run_all([loads[0][1]])
    assert first[0]["records"] == loads[0][0].loaded
    with Readers(penstock, ["tab"], {source.loaded for source, _ in loads}) as readers:
        run_all([starter for _, starter in loads[1:]])
    assert not readers.problems, readers.problems
    with LakeChecker(penstock.home) as lake:
        lake.check()
        rows = lake.rows("test_db", "tab", COLUMNS)
    assert rows in [source.rows for source, _ in loads[1:]]


def test_loads_that_add_the_same_new_column_at_once_agree_on_it(penstock, s3):
    """Each plans the column for itself; the later commits give their parts a name mapping."""
    columns = [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]
    s3.put(penstock.bucket, "base/a.csv", "id,name\n1,x\n")
    penstock.load(path_prefix="base/")
    starters = []
    for number in range(4):
        s3.put(penstock.bucket, "%02d/a.csv" % number, "id,name,more\n%d,y,%d\n" % (number + 2, number))
        parser = {"type": "csv", "skip_header_lines": 1, "columns": columns + [{"name": "more", "type": "long"}]}
        config = penstock.config("more-%d.yml" % number, path_prefix="%02d/" % number, parser=parser)
        starters.append(lambda config=config: subprocess.Popen(
            [BINARY, "--json", "connector:issue", config, "--database", "test_db", "--table", "tab"],
            cwd=penstock.folder, env=penstock.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8"))
    run_all(starters)
    with LakeChecker(penstock.home) as lake:
        lake.check()
        rows = lake.rows("test_db", "tab", ["id", "name", "more"])
    assert rows == collections.Counter([(1, "x", None)] + [(n + 2, "y", n) for n in range(4)])
    assert penstock.query("SELECT sum(more) AS s, count(*) AS n FROM tab") == [{"s": 6, "n": 5}]
