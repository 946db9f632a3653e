"""table:compact, lake:gc and lake:check beside the official DuckLake extension: it reads, travels, deletes and cleans
up in what we compacted, and nothing is lost when either side is killed or comes in between."""
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time

import duckdb
import pytest

from penstock import BINARY, PATIENCE_SECONDS
from test_lake_judge import ALL, START, Lake, expected

DAY = 86400


class Store(Lake):
    """A lake with the program itself beside the probe."""

    def command(self, *arguments):
        return [BINARY, "--home", self.home, *map(str, arguments)]

    def run(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, encoding="utf-8", timeout=PATIENCE_SECONDS, check=False)
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done

    def compact(self, *arguments):
        return json.loads(self.run("--json", "table:compact", "judged", "events", *arguments).stdout)

    def gc(self, *arguments):
        return json.loads(self.run("--json", "lake:gc", *arguments).stdout)

    def findings(self, *arguments, status=0):
        out = self.run("lake:check", "-f", "jsonl", *arguments, status=status).stdout
        return [json.loads(line) for line in out.splitlines()]

    def sql(self, statement, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, "catalog.sqlite"), timeout=60)) as catalog:
            rows = catalog.execute(statement, values).fetchall()
            catalog.commit()
            return rows

    def folder(self, table="events"):
        return os.path.join(self.home, "lake", "judged", table)

    def parts(self):
        return [name for name in self.files() if name.endswith(".parquet")]

    def visible(self):
        return self.sql("SELECT path FROM ducklake_data_file WHERE end_snapshot IS NULL ORDER BY data_file_id")


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "home")
    made.probe("database", "judged")
    yield made
    for connection in made.opened:
        connection.close()


def load(store, first, count, types="lbdstj", *more):
    store.probe("load", "judged", "events", types, first, count, *more)


# -- compact

def test_compaction_changes_no_row_and_older_snapshots_read_the_old_files(store):
    for number in range(5):
        load(store, (number * 37 % 5) * 100, 100)  # not in the order of time
    before = store.sql("SELECT max(snapshot_id) FROM ducklake_snapshot")[0][0]
    done = store.compact()
    assert (done["files_before"], done["files_after"], done["rewritten_rows"]) == (5, 1, 500)
    assert done["snapshot_id"] == before + 1
    connection = store.official()
    assert connection.execute(ALL + " ORDER BY time").fetchall() == expected(0, 500)
    assert store.ours("SELECT count(*), sum(time), sum(c) FROM events") == store.ours(
        "SELECT count(*), sum(time), sum(c) FROM events")
    for version in range(before - 4, before + 1):
        rows = connection.execute("SELECT count(*) FROM lake.judged.events AT (VERSION => %d)" % version).fetchone()
        assert rows == ((version - before + 5) * 100,)
    assert connection.execute("SELECT count(DISTINCT rowid), count(*) FROM lake.judged.events").fetchone() == (500, 500)
    path = os.path.join(store.folder(), store.visible()[0][0])
    times = [row[0] for row in connection.execute("SELECT time FROM read_parquet('%s')" % path).fetchall()]
    assert times == list(range(500))
    assert store.findings() == []
    connection.close()
    load(store, 500, 100)
    assert store.official().execute(ALL + " ORDER BY time").fetchall() == expected(0, 600)


def test_statistics_prune_after_compaction_as_before(store):
    for number in range(6):
        load(store, number * 1000, 1000)
    size = max(size for (size,) in store.sql("SELECT file_size_bytes FROM ducklake_data_file"))
    store.compact("--target-bytes", size * 5 // 2)
    assert 1 < len(store.visible()) < 6
    connection = store.official()
    assert connection.execute("SELECT min(time), max(time), count(*) FROM lake.judged.events").fetchone() == (
        0, 5999, 6000)
    for condition in ["time = 2500", "time >= 5999", "d = 'row 2501'", "c > 1499.5", "f IS NULL AND time > 5990", "b"]:
        sql = "SELECT count(*), sum(time) FROM {} WHERE " + condition
        pruned = connection.execute(sql.format("lake.judged.events")).fetchone()
        assert store.ours(sql.format("events")) == [tuple(map(str, pruned))], condition
        whole = "(SELECT * FROM lake.judged.events ORDER BY hash(time) LIMIT 1000000)"
        assert connection.execute(sql.format(whole)).fetchone() == pruned and pruned[0] > 0, condition


def test_nothing_is_rewritten_twice(store):
    load(store, 0, 10)
    load(store, 10, 10)
    store.compact()
    state = store.sql("SELECT * FROM ducklake_snapshot")
    again = store.compact()
    assert again["snapshot_id"] is None and again["rewritten_files"] == 0
    assert store.sql("SELECT * FROM ducklake_snapshot") == state


def test_rows_that_the_official_writer_deleted_stay_deleted(store):
    for number in range(3):
        load(store, number * 100, 100)
    connection = store.official()
    connection.execute("DELETE FROM lake.judged.events WHERE time >= 280 OR time = 5")
    version = connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()[0]
    connection.close()
    done = store.compact()
    assert (done["files_after"], done["rewritten_rows"], done["dropped_rows"]) == (1, 279, 21)
    connection = store.official()
    # the greatest value is gone: a reader must not answer from bounds that are wider than the rows
    assert connection.execute("SELECT count(*), min(time), max(time) FROM lake.judged.events").fetchone() == (
        279, 0, 279)
    assert connection.execute("SELECT count(*) FROM lake.judged.events AT (VERSION => %d)" % (version - 1)
                              ).fetchone() == (300,)
    assert store.ours("SELECT count(*) FROM events") == [("279",)]
    assert [finding["Severity"] for finding in store.findings()] == []


def test_an_official_delete_that_began_before_the_compaction_is_refused_and_not_lost(store):
    load(store, 0, 100)
    load(store, 100, 100)
    connection = store.official()
    connection.execute("BEGIN")
    connection.execute("DELETE FROM lake.judged.events WHERE time = 7")
    store.compact()
    with pytest.raises(duckdb.Error, match="(?i)conflict|locked"):
        connection.execute("COMMIT")
    connection.close()
    connection = store.official()
    connection.execute("DELETE FROM lake.judged.events WHERE time = 7")
    assert connection.execute("SELECT count(*) FROM lake.judged.events").fetchone() == (199,)


def test_loads_during_compactions_lose_nothing(store):
    """Two loaders go on until there were two compactions, and each has loaded four times at least."""
    load(store, 0, 1000)
    thousands, problems, is_over = [0], [], threading.Event()

    def load_on(first):
        number = first
        try:
            while number < first + 4 or not is_over.is_set():
                load(store, number * 1000, 1000)
                thousands.append(number)
                number += 1
        except Exception as problem:  # shown by the test itself
            problems.append(problem)

    loaders = [threading.Thread(target=load_on, args=(first,)) for first in (1000, 2000)]
    for loader in loaders:
        loader.start()
    compacted = 0
    try:
        while any(loader.is_alive() for loader in loaders):
            compacted += store.compact()["snapshot_id"] is not None
            assert store.ours("SELECT count(*) - count(DISTINCT time) FROM events") == [("0",)]
            if compacted >= 2:
                is_over.set()
    finally:
        is_over.set()
        for loader in loaders:
            loader.join()
    assert not problems, problems
    assert compacted >= 2
    store.compact()
    rows = 1000 * len(thousands)
    assert store.ours("SELECT count(*), sum(time) FROM events") == [
        (str(rows), str(sum(sum(range(t * 1000, t * 1000 + 1000)) for t in thousands)))]
    assert store.official().execute("SELECT count(DISTINCT rowid) FROM lake.judged.events").fetchone() == (rows,)
    assert store.findings() == []


def test_columns_that_came_went_and_were_renamed(store):
    load(store, 0, 10, "l")
    store.probe("collide", "judged", "events")  # one part has a name mapping
    connection = store.official()
    connection.execute("ALTER TABLE lake.judged.events ADD COLUMN extra INTEGER DEFAULT 7")
    connection.execute("ALTER TABLE lake.judged.events RENAME COLUMN b_one TO uno")
    connection.execute("INSERT INTO lake.judged.events (time, uno, extra) VALUES (1000, 'theirs', 8)")
    connection.execute("ALTER TABLE lake.judged.events DROP COLUMN b_two")
    sql = "SELECT time, uno, extra FROM %sjudged.events ORDER BY time, uno"
    rows = connection.execute(sql % "lake.").fetchall()
    connection.close()
    done = store.compact()
    assert done["files_after"] == 1
    assert store.official().execute(sql % "lake.").fetchall() == rows
    assert len(rows) == 31
    assert store.ours("SELECT sum(extra), count(uno) FROM events") == [
        (str(30 * 7 + 8), str(sum(row[1] is not None for row in rows)))]
    assert store.findings() == []


def test_tables_that_only_the_official_extension_can_compact_are_named(store):
    connection = store.official()
    connection.execute("CREATE TABLE lake.judged.events (id INTEGER, l INTEGER[])")
    for number in range(2):
        connection.execute("INSERT INTO lake.judged.events VALUES (%d, [1])" % number)
    assert "ducklake_merge_adjacent_files" in store.run("table:compact", "judged", "events", status=1).stderr
    connection.execute("CREATE TABLE lake.judged.cut (id INTEGER)")
    connection.execute("ALTER TABLE lake.judged.cut SET PARTITIONED BY (id)")
    connection.execute("INSERT INTO lake.judged.cut VALUES (1), (2)")
    assert store.ours("SELECT sum(id) FROM cut") == [("3",)]
    assert "partitions" in store.run("table:compact", "judged", "cut", status=1).stderr
    assert [f for f in store.findings() if f["Severity"] == "error"] == []


def test_sorting_needs_no_more_memory_than_it_is_given(store):
    for number in range(4):
        load(store, number * 100000, 100000, "lsdss")
    with open(os.path.join(store.home, "penstock.yml"), "w", encoding="utf-8") as file:
        file.write("memory: 100MiB\nthreads: 2\n")
    done = store.compact()
    assert done["files_after"] == 1 and done["rewritten_rows"] == 400000
    assert store.ours("SELECT count(*), sum(time) FROM events") == [("400000", str(sum(range(400000))))]
    assert [names for _, _, names in os.walk(os.path.join(store.home, "tmp")) if names] == []


# -- gc

def test_gc_expires_and_removes_after_the_grace_period(store):
    for number in range(3):
        load(store, number * 10, 10)
    store.compact()
    assert len(store.parts()) == 4
    dry = store.gc("--keep-snapshots", "1", "--older-than", "0", "--dry-run")
    assert (dry["scheduled_files"], dry["removed_files"]) == (3, 3) and len(store.parts()) == 4
    done = store.gc("--keep-snapshots", "1")
    assert (done["scheduled_files"], done["removed_files"], done["waiting_files"]) == (3, 0, 3)
    assert len(store.parts()) == 4  # a query that began before may still read them
    assert store.findings() == []
    store.sql("UPDATE ducklake_files_scheduled_for_deletion SET schedule_start = '2020-01-01 00:00:00.000000+00'")
    done = store.gc()
    assert (done["removed_files"], done["waiting_files"]) == (3, 0)
    assert [(name,) for name in store.parts()] == store.visible()
    assert store.sql("SELECT count(*) FROM ducklake_files_scheduled_for_deletion") == [(0,)]
    assert store.sql("SELECT count(*) FROM ducklake_file_column_stats") == [(6,)]
    assert store.official().execute(ALL + " ORDER BY time").fetchall() == expected(0, 30)
    assert store.findings() == []


def test_gc_keeps_what_a_kept_snapshot_reads(store):
    load(store, 0, 10)
    load(store, 10, 10, "lbdstj", "replace")
    load(store, 20, 10, "lbdstj", "replace")
    newest = store.sql("SELECT max(snapshot_id) FROM ducklake_snapshot")[0][0]
    done = store.gc("--keep-snapshots", "2", "--older-than", "0")
    assert done["removed_files"] == 1
    connection = store.official()
    assert connection.execute("SELECT min(time) FROM lake.judged.events AT (VERSION => %d)" % (newest - 1)
                              ).fetchone() == (10,)
    connection.close()
    assert store.gc("--expire-older-than", "1d", "--older-than", "0")["snapshots"] == 0
    assert store.gc("--expire-older-than", "0", "--older-than", "0")["removed_files"] == 1
    assert store.official().execute("SELECT min(time) FROM lake.judged.events").fetchone() == (20,)


def test_gc_of_a_dropped_table_and_its_name_again(store):
    load(store, 0, 10)
    store.probe("load", "judged", "other", "ls", 0, 5)
    store.probe("drop", "judged", "events")
    assert store.gc("--keep-snapshots", "1", "--older-than", "0")["removed_files"] == 1
    for table in ("ducklake_table_stats", "ducklake_column", "ducklake_table"):
        assert {row[0] for row in store.sql("SELECT table_id FROM %s" % table)} == {
            store.sql("SELECT table_id FROM ducklake_table WHERE table_name = 'other'")[0][0]}, table
    load(store, 0, 7)
    assert store.official().execute("SELECT count(*) FROM lake.judged.events").fetchone() == (7,)
    assert store.findings() == []


def test_either_program_finishes_what_the_other_scheduled(store):
    for number in range(2):
        load(store, number * 10, 10)
    store.compact()
    store.gc("--keep-snapshots", "1")
    connection = store.official()
    connection.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
    assert len(store.parts()) == 1
    assert store.gc("--older-than", "0")["removed_files"] == 0
    for number in range(2, 4):
        load(store, number * 10, 10)
    connection.execute("CALL ducklake_merge_adjacent_files('lake')")
    connection.execute("CREATE TABLE gone AS SELECT snapshot_id FROM ducklake_expire_snapshots('lake', "
                       "older_than => now())")
    connection.close()
    assert store.gc("--older-than", "0")["removed_files"] > 0
    assert [(name,) for name in store.parts()] == store.visible()
    assert store.official().execute(ALL + " ORDER BY time").fetchall() == expected(0, 40)


def put(path, age_s=0.0):
    with open(path, "wb") as file:
        file.write(b"PAR1 not really")
    os.utime(path, (time.time() - age_s, time.time() - age_s))


def test_gc_never_removes_what_an_unfinished_job_noted(store):
    load(store, 0, 10)
    names = {}
    columns = [row[1] for row in store.sql("PRAGMA table_info(job)")]
    for job_id, status in enumerate(["queued", "booting", "running", "error", "killed"], 1):
        values = {name: 0 for name in columns}
        values.update(job_id=job_id, type="bulkload", database_name="judged", table_name="events", config="",
                      options="", status=status, error="", result="", owner="", domain_key=None, schedule=None)
        store.sql("INSERT INTO job (%s) VALUES (%s)" % (", ".join(values), ", ".join("?" * len(values))),
                  *values.values())
        names[status] = "%s.parquet" % status
        store.sql("INSERT INTO job_part VALUES (?, ?, 0, 'written', ?, ?, 0, 0, 0, 0)", job_id, job_id,
                  store.folder() + "/", names[status])
        put(os.path.join(store.folder(), names[status]), 30 * DAY)
    noted = [f["Path"] for f in store.findings() if f["Kind"] == "unreferenced_part"]
    assert sorted(map(os.path.basename, noted)) == [names["error"], names["killed"]]
    store.gc("--older-than", "0")
    left = set(store.files())
    assert {names["queued"], names["booting"], names["running"]} <= left
    assert not {names["error"], names["killed"]} & left
    assert store.findings() == []


def test_gc_leaves_young_unknown_files_and_removes_old_ones(store):
    load(store, 0, 10)
    put(os.path.join(store.folder(), "young.parquet"))
    put(os.path.join(store.folder(), "old.parquet"), 2 * DAY)
    put(os.path.join(store.folder(), "old.txt"), 2 * DAY)
    os.symlink("old.txt", os.path.join(store.folder(), "link.parquet"))
    assert sorted(os.path.basename(f["Path"]) for f in store.findings() if f["Kind"] == "unknown_file") == [
        "old.parquet", "old.txt", "young.parquet"]
    store.findings("--strict", status=1)
    assert store.gc()["removed_files"] == 1
    assert {"young.parquet", "old.txt", "link.parquet"} <= set(store.files())
    assert store.gc("--older-than", "0")["removed_files"] == 1
    assert {"old.txt", "link.parquet"} <= set(store.files())


# -- kill -9

def end_after(process, seconds):
    """Kills it at that instant unless it was done before. Returns whether it was killed."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def start(store, *arguments):
    return subprocess.Popen(store.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            stdin=subprocess.DEVNULL)


def age_notes(store):
    """As if the compactions that were killed had begun long ago."""
    store.sql("UPDATE job_part SET begun_us = 0 WHERE job_id = 0")


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_in_compact_and_gc_leaves_every_row_once(store, seed):
    dice = random.Random(seed)
    rows = killed = turn = 0
    most = 0.1  # within what one takes: less when it was done before the kill, more when it was not
    while turn < 6 or (killed == 0 and turn < 60):
        turn += 1
        for _ in range(3):
            load(store, rows, 500)
            rows += 500
        is_killed = end_after(start(store, "table:compact", "judged", "events"), dice.uniform(0.005, most))
        killed += is_killed
        most *= 1.5 if is_killed else 0.7
        assert store.findings() == [], "after compact %d" % turn
        assert store.ours("SELECT count(*), sum(time) FROM events") == [(str(rows), str(sum(range(rows))))]
        killed += end_after(start(store, "lake:gc", "--keep-snapshots", "1", "--older-than", "0"),
                            dice.uniform(0.005, 0.12))
        assert [f for f in store.findings() if f["Severity"] == "error"] == [], "after gc %d" % turn
        assert store.ours("SELECT count(*), sum(time) FROM events") == [(str(rows), str(sum(range(rows))))]
    assert killed > 0
    age_notes(store)
    store.compact()
    store.gc("--keep-snapshots", "1", "--older-than", "0")
    assert [(name,) for name in store.parts()] == store.visible()
    assert store.sql("SELECT count(*) FROM job_part") == [(0,)]
    assert store.findings("--strict") == []
    assert store.official().execute(ALL + " ORDER BY time").fetchall() == expected(0, rows)


# -- check

def damage_size(store, path):
    with open(path, "ab") as file:
        file.write(b"x")


def damage_data(store, path):
    """Bytes in the middle: the footer still reads."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 3)
        file.write(b"\xff" * 64)


def set_statistic(column, value, column_id=1):
    def damage(store, path):
        store.sql("UPDATE ducklake_file_column_stats SET %s = ? WHERE column_id = ?" % column, value, column_id)
    return damage


def set_file(column, value):
    def damage(store, path):
        store.sql("UPDATE ducklake_data_file SET %s = %s" % (column, value))
    return damage


def other_ids(store, path):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet('%s')" % path)
    os.unlink(path)
    connection.execute("COPY t TO '%s' (FORMAT parquet, FIELD_IDS {time: 1, b: 2, c: 3, d: 99})" % path)
    store.sql("UPDATE ducklake_data_file SET file_size_bytes = ?", os.path.getsize(path))


DAMAGES = {
    "missing": (lambda store, path: os.unlink(path), "missing"),
    "longer": (damage_size, "size|unreadable"),
    "cut": (lambda store, path: os.truncate(path, 100), "size|unreadable"),
    "no parquet": (lambda store, path: put(path), "unreadable"),
    "torn data": (damage_data, "unreadable|statistics|rows"),
    "rows": (set_file("record_count", 11), "rows"),
    "footer": (set_file("footer_size", 7), "footer"),
    "row ids": (lambda store, path: store.sql("UPDATE ducklake_table_stats SET next_row_id = 3"), "table_statistics"),
    "null count": (set_statistic("null_count", 3), "statistics"),
    "value count": (set_statistic("value_count", 7), "statistics"),
    "minimum": (set_statistic("min_value", "2"), "statistics"),
    "wide minimum": (set_statistic("min_value", "0"), "statistics"),
    "maximum": (set_statistic("max_value", "8"), "statistics"),
    "double": (set_statistic("max_value", "2", 3), "statistics"),
    "text": (set_statistic("min_value", "sow", 4), "statistics"),
    "time": (set_statistic("max_value", "2020-01-01 00:00:01", 5), "statistics"),
    "table's bounds": (lambda store, path: store.sql(
        "UPDATE ducklake_table_column_stats SET max_value = '5' WHERE column_id = 1"), "table_statistics"),
    "field ids": (other_ids, "field_id"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_check_finds_damage(store, name):
    load(store, 1, 9)
    assert store.findings() == []
    damage, kind = DAMAGES[name]
    damage(store, os.path.join(store.folder(), store.visible()[0][0]))
    found = [f for f in store.findings(status=1) if f["Severity"] == "error"]
    assert any(re.fullmatch(kind, f["Kind"]) for f in found), found
    assert all(f["Database"] == "judged" and f["Table"] == "events" for f in found)
    lines = store.run("lake:check", "judged", "events", status=1).stdout.splitlines()
    assert len(lines) == len(found) and all(line.startswith("error ") for line in lines)


def test_check_of_delete_files(store):
    load(store, 0, 10)
    connection = store.official()
    connection.execute("DELETE FROM lake.judged.events WHERE time = 3")
    connection.close()
    assert store.findings() == []
    store.sql("UPDATE ducklake_delete_file SET delete_count = 2")
    assert [f["Kind"] for f in store.findings(status=1)] == ["rows"]
    path = store.sql("SELECT path FROM ducklake_delete_file")[0][0]
    os.unlink(os.path.join(store.folder(), path))
    assert [f["Kind"] for f in store.findings(status=1)] == ["missing"]


def test_check_is_content_with_what_the_official_writer_leaves(store):
    load(store, 0, 50)
    connection = store.official()
    connection.execute("INSERT INTO lake.judged.events SELECT i, i > 3, i / 3, repeat(chr((65 + i)::INTEGER), (300 * i)::INTEGER), "
                       "TIMESTAMP '1969-12-31 23:59:59.5' + to_seconds(i * 10000000), '{}' FROM range(1, 20) t(i)")
    connection.execute("INSERT INTO lake.judged.events VALUES (NULL, NULL, 'NaN', NULL, NULL, NULL)")
    connection.execute("UPDATE lake.judged.events SET b = NULL WHERE time % 5 = 0")
    connection.execute("ALTER TABLE lake.judged.events ADD COLUMN extra DECIMAL(10,2)")
    connection.execute("INSERT INTO lake.judged.events (time, extra) VALUES (1, 2.5), (2, -12.25)")
    assert store.findings() == []
    connection.execute("CALL ducklake_merge_adjacent_files('lake')")
    assert store.findings() == []
    connection.execute("CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0)")
    assert [f for f in store.findings() if f["Severity"] == "error"] == []


# -- partitions by time

def load_csv(store, times, name, table="events", status=0):
    """A load of the program itself, from a file."""
    source = os.path.join(store.home, name + ".csv")
    with open(source, "w", encoding="utf-8") as file:
        file.write("time,n\n" + "".join("%s,%d\n" % (t, n) for n, t in enumerate(times)))
    config = {"in": {"type": "file", "path_prefix": source, "parser": {
        "type": "csv", "skip_header_lines": 1,
        "columns": [{"name": "time", "type": "long"}, {"name": "n", "type": "long"}]}}, "out": {"mode": "append"}}
    with open(source + ".yml", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return store.run("connector:issue", source + ".yml", "--database", "judged", "--table", table, status=status)


def spans(store, unit_s):
    """Per visible file: how many units its times span, read from the file itself."""
    connection = duckdb.connect()
    found = []
    for (path,) in store.visible():
        rows = connection.execute("SELECT count(DISTINCT time // %d) FROM read_parquet('%s')" % (
            unit_s, os.path.join(store.folder(), path))).fetchone()
        found.append(rows[0])
    return found


def test_loads_and_compaction_keep_to_the_partition(store):
    store.run("table:create", "judged", "events", "--time-partition", "day")
    dice = random.Random(1)
    everything = []
    for number in range(3):
        times = [START + dice.randrange(5 * DAY) for _ in range(2000)]
        everything += times
        load_csv(store, times, "part%d" % number)
    assert spans(store, DAY) == [1] * 15
    assert store.findings("--strict") == []
    assert store.compact()["files_after"] == 5
    assert spans(store, DAY) == [1] * 5
    connection = store.official()
    assert sorted(row[0] for row in connection.execute("SELECT time FROM lake.judged.events").fetchall()) == sorted(
        everything)
    one_day = "SELECT count(*), min(time), max(time) FROM %%sjudged.events WHERE time >= %d AND time < %d" % (
        START + DAY, START + 2 * DAY)
    plan = connection.execute("EXPLAIN ANALYZE " + one_day.replace("%s", "lake.")).fetchone()[1]
    assert re.search(r"Total Files Read:\s*1\b", plan), plan
    connection.execute("INSERT INTO lake.judged.events SELECT %d + i * 3600, i FROM range(72) t(i)" % START)
    connection.execute("INSERT INTO lake.judged.events VALUES (NULL, 1), (-5, 2)")
    connection.close()
    assert spans(store, DAY)[-2:] == [3, 1]
    store.compact()
    assert len(store.visible()) == 6 and store.ours("SELECT count(*), count(time) FROM events") == [("6074", "6073")]
    assert store.compact()["rewritten_files"] == 0
    assert {f["Kind"] for f in store.findings()} == {"ledger"}  # a note: another program wrote


def test_a_table_that_becomes_partitioned_is_cut_by_compaction(store):
    store.run("table:create", "judged", "events")
    load_csv(store, [START + n * 3 * DAY for n in range(40)], "all")
    assert len(store.visible()) == 1
    store.run("table:partition", "judged", "events", "month")
    assert "Partition   : month" in store.run("table:show", "judged", "events", "-v").stdout
    store.compact()
    months = store.ours("SELECT count(DISTINCT date_trunc('month', make_timestamp(time * 1000000))) FROM events")
    assert len(store.visible()) == int(months[0][0]) == 4
    load_csv(store, [START, START + 31 * DAY], "more")
    assert len(store.visible()) == 6
    assert store.compact()["files_after"] == 4
    assert store.ours("SELECT count(*), sum(n) FROM events") == [("42", str(sum(range(40)) + 1))]
    assert store.findings() == []


def test_a_task_makes_no_more_than_256_files(store):
    store.run("table:create", "judged", "events", "--time-partition", "hour")
    load_csv(store, [START + n * 3600 for n in range(1000)], "many")
    assert 200 < len(store.visible()) <= 256 and max(spans(store, 3600)) <= 5
    assert store.ours("SELECT count(*), sum(n) FROM events") == [("1000", str(sum(range(1000))))]
    assert store.sql("SELECT count(*) FROM job_part") == [(0,)]
    assert store.findings("--strict") == []


def test_a_failed_load_into_partitions_leaves_nothing(store):
    store.run("table:create", "judged", "events", "--time-partition", "day")
    load_csv(store, [START, "x", START + DAY], "bad")
    before = store.files()
    source = os.path.join(store.home, "bad.csv.yml")
    with open(source, encoding="utf-8") as file:
        config = json.load(file)
    config["exec"] = {"max_rejected_ratio": 0.1}
    with open(source, "w", encoding="utf-8") as file:
        json.dump(config, file)
    store.run("connector:issue", source, "--database", "judged", "--table", "events", status=1)
    assert store.files() == before
    assert store.ours("SELECT count(*) FROM events") == [("2",)]
