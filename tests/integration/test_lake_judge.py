"""The official DuckLake extension judges catalogs that our code alone made (lake_probe), and we read what it does."""
import os
import re
import signal
import subprocess

import duckdb
import pytest

from penstock import BINARY, PATIENCE_SECONDS
from test_ducklake import load_extensions

PROBE = os.path.join(os.path.dirname(BINARY), "tests", "integration", "lake_probe")
START = 1577836800  # 2020-01-01


class Lake:
    def __init__(self, home):
        self.home = str(home)
        self.opened = []

    def probe(self, *arguments, status=0):
        done = subprocess.run([PROBE, self.home, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8", timeout=PATIENCE_SECONDS, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    def ours(self, sql, database="judged"):
        return [tuple(line.split("\t")) for line in self.probe("query", database, sql).splitlines()]

    def official(self):
        connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        load_extensions(connection)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("ATTACH 'ducklake:sqlite:%s/catalog.sqlite' AS lake" % self.home)
        self.opened.append(connection)
        return connection

    def files(self):
        return sorted(name for _, _, names in os.walk(os.path.join(self.home, "lake")) for name in names)


@pytest.fixture
def lake(tmp_path):
    made = Lake(tmp_path / "home")
    made.probe("database", "judged")
    yield made
    for connection in made.opened:
        connection.close()


def expected(first, count):
    """The rows that lake_probe makes for the types l b d s t j."""
    rows = []
    for n in range(first, first + count):
        values = [n, n % 2 == 1, n / 4, "row %d %0300d" % (n, 0) if n % 10 == 0 else "row %d" % n, START + n,
                  '{"n":%d}' % n]
        rows.append(tuple(value if column == 0 or (n + column) % 7 else None for column, value in enumerate(values)))
    return rows


ALL = 'SELECT time, b, c, d, epoch(e)::BIGINT, f FROM lake.judged.events'


def test_every_type_is_read_back(lake):
    lake.probe("load", "judged", "events", "lbdstj", 0, 5000)
    connection = lake.official()
    assert connection.execute(ALL + " ORDER BY time").fetchall() == expected(0, 5000)
    types = [row[1] for row in connection.execute("DESCRIBE lake.judged.events").fetchall()]
    assert types == ["BIGINT", "BOOLEAN", "DOUBLE", "VARCHAR", "TIMESTAMP", "JSON"]


def test_time_travel_sees_each_load(lake):
    for number in range(3):
        lake.probe("load", "judged", "events", "ls", number * 10, 10)
    lake.probe("load", "judged", "events", "ls", 100, 5, "replace")
    connection = lake.official()
    last = connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()[0]
    counts = [connection.execute("SELECT count(*) FROM lake.judged.events AT (VERSION => %d)" % version).fetchone()[0]
              for version in range(last - 3, last + 1)]
    assert counts == [10, 20, 30, 5]
    assert connection.execute("SELECT min(time), max(time), count(*) FROM lake.judged.events").fetchone() == (100, 104, 5)
    old = "SELECT max(time) FROM lake.judged.events AT (VERSION => %d) WHERE time > 25" % (last - 1)
    assert connection.execute(old).fetchone() == (29,)


def test_it_writes_and_we_write_again(lake):
    lake.probe("load", "judged", "events", "lbdstj", 0, 50)
    connection = lake.official()
    connection.execute("INSERT INTO lake.judged.events VALUES (1000, true, 1.5, 'theirs', '2020-01-01', '{}')")
    connection.execute("ALTER TABLE lake.judged.events ADD COLUMN extra INTEGER DEFAULT 7")
    connection.execute("INSERT INTO lake.judged.events VALUES (1001, true, 1.5, 'theirs', '2020-01-01', '{}', 8)")
    connection.execute("DELETE FROM lake.judged.events WHERE time = 3")
    connection.close()
    lake.probe("load", "judged", "events", "lbdstj", 50, 10)
    sql = "SELECT count(*), sum(time), sum(extra), count(d) FROM %sjudged.events"
    theirs = lake.official().execute(sql % "lake.").fetchone()
    assert theirs[:2] == (61, sum(range(60)) - 3 + 2001)
    assert [tuple(map(int, row)) for row in lake.ours(sql % "")] == [theirs]
    assert lake.ours("SELECT time, extra FROM events WHERE time IN (2, 3, 1000, 1001) ORDER BY 1") == [
        ("2", "7"), ("1000", "7"), ("1001", "8")]


def test_small_inserts_of_others_stay_out_of_the_catalog(lake):
    lake.probe("load", "judged", "events", "ls", 0, 10)
    connection = lake.official()
    connection.execute("INSERT INTO lake.judged.events VALUES (77, 'one row')")
    connection.execute("UPDATE lake.judged.events SET b = 'changed' WHERE time = 4")
    assert lake.ours("SELECT time, b FROM events WHERE time IN (4, 77) ORDER BY 1") == [
        ("4", "changed"), ("77", "one row")]
    assert lake.ours("SELECT count(*) FROM events") == [("11",)]


def test_rows_inside_the_catalog_are_refused_and_never_left_out(lake):
    lake.probe("load", "judged", "events", "ls", 0, 10)
    connection = lake.official()
    connection.execute("CALL lake.set_option('data_inlining_row_limit', 10)")
    connection.close()
    connection = lake.official()
    connection.execute("INSERT INTO lake.judged.events VALUES (77, 'one row')")
    assert "ducklake_flush_inlined_data" in lake.probe("query", "judged", "SELECT * FROM events", status=1)
    connection.execute("CALL ducklake_flush_inlined_data('lake')")
    assert lake.ours("SELECT count(*) FROM events") == [("11",)]


def test_it_renames_and_drops_columns_and_tables(lake):
    lake.probe("load", "judged", "events", "lsd", 0, 10)
    connection = lake.official()
    connection.execute("ALTER TABLE lake.judged.events RENAME COLUMN b TO words")
    connection.execute("ALTER TABLE lake.judged.events DROP COLUMN c")
    connection.execute("ALTER TABLE lake.judged.events RENAME TO happenings")
    connection.close()
    assert lake.ours("SELECT words FROM happenings WHERE time = 1") == [("row 1",)]
    lake.probe("load", "judged", "happenings", "lsd", 10, 10)
    theirs = lake.official().execute("SELECT time, words, b, c FROM lake.judged.happenings ORDER BY time").fetchall()
    assert theirs[1] == (1, "row 1", None, None)  # a dropped column that comes again is a new one
    assert theirs[11] == (11, None, "row 11", None if (11 + 2) % 7 == 0 else 11 / 4)
    assert len(theirs) == 20


def test_we_rename_and_drop_and_it_follows(lake):
    lake.probe("load", "judged", "events", "ls", 0, 10)
    lake.probe("load", "judged", "other", "ls", 0, 3)
    lake.probe("rename", "judged", "events", "renamed")
    lake.probe("drop", "judged", "other")
    connection = lake.official()
    names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    assert names == [("renamed",)]
    assert connection.execute("SELECT count(*) FROM lake.judged.renamed").fetchone() == (10,)
    lake.probe("load", "judged", "events", "ls", 0, 4)  # the old name is free again
    assert connection.execute("SELECT count(*) FROM lake.judged.events").fetchone() == (4,)


def test_columns_added_by_later_loads_are_null_before(lake):
    lake.probe("load", "judged", "events", "l", 0, 3)
    lake.probe("load", "judged", "events", "ls", 10, 3)
    rows = lake.official().execute("SELECT time, b FROM lake.judged.events ORDER BY time").fetchall()
    assert [row[0] for row in rows] == [0, 1, 2, 10, 11, 12]
    assert [row[1] is None for row in rows[:3]] == [True] * 3
    assert rows[4][1] == "row 11"


def test_two_loads_that_add_columns_at_once(lake):
    lake.probe("load", "judged", "events", "l", 0, 3)
    lake.probe("collide", "judged", "events")
    connection = lake.official()
    sql = "SELECT time, b_one, b_two FROM %sjudged.events WHERE time >= 100 OR b_one IS NOT NULL ORDER BY time, b_one"
    theirs = connection.execute(sql % "lake.").fetchall()
    # the first wrote 0..9 with b_one, the second 100..109 with b_two
    ones = {row[0]: row[1] for row in theirs if row[0] < 100}
    twos = {row[0]: row[2] for row in theirs if row[0] >= 100}
    assert ones[1] == "row 1" and len(twos) == 10 and twos[101] == 101 / 4
    assert all(row[1] is None for row in theirs if row[0] >= 100)
    ours = [[None if value == "NULL" else value for value in row] for row in lake.ours(sql % "")]
    assert [(int(row[0]), row[1], None if row[2] is None else float(row[2])) for row in ours] == theirs


def test_it_compacts_and_we_go_on(lake):
    for number in range(5):
        lake.probe("load", "judged", "events", "lbdstj", number * 100, 100)
    connection = lake.official()
    connection.execute("CALL ducklake_merge_adjacent_files('lake')")
    assert connection.execute(ALL + " ORDER BY time").fetchall() == expected(0, 500)
    connection.close()
    assert lake.ours("SELECT count(*), sum(time) FROM events") == [("500", str(sum(range(500))))]
    lake.probe("load", "judged", "events", "lbdstj", 500, 100)
    connection = lake.official()
    assert connection.execute(ALL + " ORDER BY time").fetchall() == expected(0, 600)
    connection.execute("CALL ducklake_expire_snapshots('lake', older_than => now())")
    connection.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
    connection.close()
    assert lake.ours("SELECT count(*) FROM events") == [("600",)]


def test_statistics_prune_files_without_losing_rows(lake):
    for number in range(4):
        lake.probe("load", "judged", "events", "lbdstj", number * 1000, 1000)
    connection = lake.official()
    for condition in ["time = 2500", "time >= 3999", "time < 1", "d = 'row 2501'", "d < 'row 1001'", "d > 'row 3998'",
                      "c > 999.5", "c = 0.25", "e > '2020-01-01 01:06:38'", "b", "f IS NULL AND time > 3990",
                      "d LIKE 'row 1230%'"]:
        sql = "SELECT count(*), sum(time) FROM {} WHERE " + condition
        pruned = connection.execute(sql.format("lake.judged.events")).fetchone()
        whole = connection.execute(
            sql.format("(SELECT * FROM lake.judged.events ORDER BY hash(time) LIMIT 1000000)")).fetchone()
        assert pruned == whole, condition
        assert pruned[0] > 0, condition
        assert lake.ours(sql.format("events")) == [tuple(map(str, pruned))], condition
    plan = connection.execute("EXPLAIN ANALYZE SELECT * FROM lake.judged.events WHERE time = 2500").fetchone()[1]
    assert re.search(r"Total Files Read:\s*1\b", plan), plan


def test_nested_types_of_others_are_read(lake):
    connection = lake.official()
    connection.execute("CREATE TABLE lake.judged.nested (id INTEGER, l INTEGER[], s STRUCT(a INTEGER, \"b c\" VARCHAR), "
                       "m MAP(VARCHAR, BIGINT), p DECIMAL(10,2), w TIMESTAMPTZ, u UUID)")
    connection.execute("INSERT INTO lake.judged.nested SELECT i, [i, 2], {'a': i, 'b c': 'x'}, MAP {'k': i}, i / 4, "
                       "'2020-01-01 00:00:00Z', '00000000-0000-0000-0000-000000000001' FROM range(20) t(i)")
    connection.close()
    assert lake.ours("SELECT * FROM nested WHERE id = 2") == [
        ("2", "[2,2]", '{"a":2,"b c":"x"}', '{"k":2}', "0.50", str(START * 1000000),
         "00000000-0000-0000-0000-000000000001")]
    # the twelfth column of a load is called l
    assert "into which nothing can be loaded" in lake.probe("load", "judged", "nested", "lbdstjllllll", 0, 1, status=1)
    lake.probe("load", "judged", "nested", "ls", 5, 1)
    assert lake.ours("SELECT count(*), count(l), count(time), max(b) FROM nested") == [("21", "20", "1", "row 5")]


def test_crash_between_part_and_commit_leaves_the_table_as_it_was(lake):
    lake.probe("load", "judged", "events", "ls", 0, 10)
    before = lake.files()
    lake.probe("plan-and-die", "judged", "events", "ls", 10, 10, status=-signal.SIGKILL)
    assert len(lake.files()) == len(before) + 1  # the garbage part, which nothing refers to
    assert lake.official().execute("SELECT count(*) FROM lake.judged.events").fetchone() == (10,)
    assert lake.ours("SELECT count(*) FROM events") == [("10",)]
    lake.probe("load", "judged", "events", "ls", 10, 10)
    assert lake.ours("SELECT count(*), sum(time) FROM events") == [("20", str(sum(range(20))))]


def test_loads_and_official_inserts_at_the_same_time_lose_nothing(lake):
    lake.probe("load", "judged", "events", "ls", 0, 1)
    running = [subprocess.Popen([PROBE, lake.home, "load", "judged", "events", "ls", str(1000 * i), "1000"],
                                stderr=subprocess.PIPE) for i in range(1, 6)]
    connection = lake.official()
    done = 0
    for _ in range(10):
        try:
            connection.execute("INSERT INTO lake.judged.events VALUES (5, 'theirs')")
            done += 1
        except duckdb.Error as error:  # it does not wait for locks for ever; it says so
            assert re.search(r"lock|busy|conflict", str(error), re.IGNORECASE), error
    for process in running:
        assert process.wait(timeout=PATIENCE_SECONDS) == 0, process.stderr.read()
    assert lake.ours("SELECT count(*) FROM events") == [(str(1 + 5000 + done),)]
    assert lake.official().execute("SELECT count(*) FROM lake.judged.events").fetchone() == (1 + 5000 + done,)
