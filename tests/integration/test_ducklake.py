"""The official DuckLake extension reads, travels in and writes what Penstock left, and the other way round."""
import os

import duckdb
import duckdb_extension_ducklake
import duckdb_extension_sqlite_scanner
import pytest

ROWS = "id,name\n1,x\n2,\"y, z\"\n3,\n"


@pytest.fixture
def lake(penstock, s3, bucket):
    """A home with one load; a function that opens its catalog with the official extension."""
    s3.put(bucket, "a.csv", ROWS)
    penstock.load()
    opened = []

    def attach():
        connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        load_extensions(connection)
        connection.execute("ATTACH 'ducklake:sqlite:%s' AS lake" % os.path.join(penstock.home, "catalog.sqlite"))
        opened.append(connection)
        return connection

    yield attach
    for connection in opened:
        connection.close()


def load_extensions(connection):
    """From the files of the Python packages: nothing is fetched."""
    for module in (duckdb_extension_sqlite_scanner, duckdb_extension_ducklake):
        folder = os.path.dirname(module.__file__)
        files = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names
                 if name.endswith(".duckdb_extension")]
        assert files, "no extension file in %s" % folder
        connection.execute("LOAD '%s'" % files[0])


def test_official_reader_sees_the_same_rows(lake, penstock):
    rows = lake().execute("SELECT id, name FROM lake.test_db.tab ORDER BY id").fetchall()
    assert rows == [(1, "x"), (2, "y, z"), (3, None)]
    assert [(row["id"], row["name"]) for row in penstock.query("SELECT id, name FROM tab ORDER BY id")] == rows


def test_official_reader_travels_in_time(lake, penstock, s3, bucket):
    first = lake().execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()[0]
    s3.put(bucket, "b.csv", "id,name\n4,w\n")
    penstock.load(path_prefix="b")
    connection = lake()
    assert connection.execute("SELECT count(*) FROM lake.test_db.tab").fetchone() == (4,)
    assert connection.execute("SELECT count(*) FROM lake.test_db.tab AT (VERSION => %d)" % first).fetchone() == (3,)


def test_penstock_loads_again_after_the_official_writer(lake, penstock, s3, bucket):
    connection = lake()
    columns = [row[0] for row in connection.execute("DESCRIBE lake.test_db.tab").fetchall()]
    values = {"time": "1700000000", "id": "10", "name": "'from duckdb'"}
    connection.execute("INSERT INTO lake.test_db.tab (%s) VALUES (%s)" % (
        ", ".join('"%s"' % name for name in columns), ", ".join(values[name] for name in columns)))
    connection.close()
    assert penstock.ids() == [1, 2, 3, 10]
    s3.put(bucket, "b.csv", "id,name\n4,w\n")
    penstock.load(path_prefix="b")
    assert penstock.ids() == [1, 2, 3, 4, 10]
    assert lake().execute("SELECT count(*), min(time) > 0 FROM lake.test_db.tab").fetchone() == (5, True)


def test_statistics_in_the_catalog_hold_for_the_rows(lake, penstock):
    connection = lake()
    low, high = connection.execute("SELECT min(id), max(id) FROM lake.test_db.tab").fetchone()
    assert connection.execute("SELECT count(*) FROM lake.test_db.tab WHERE id < %d OR id > %d" % (low, high)
                              ).fetchone() == (0,)
    assert connection.execute("SELECT name FROM lake.test_db.tab WHERE id = 2").fetchall() == [("y, z",)]
    assert connection.execute("SELECT id FROM lake.test_db.tab WHERE name IS NULL").fetchall() == [(3,)]


def test_old_rows_are_deleted_as_the_documents_say(lake, penstock):
    """docs/maintenance.md, "Old rows"; the check then notes what nobody can know any more."""
    connection = lake()
    connection.execute("UPDATE lake.test_db.tab SET time = CASE WHEN id < 3 THEN 0 ELSE epoch(now()) END")
    connection.execute("DELETE FROM lake.test_db.tab WHERE time < epoch(now()) - 90 * 86400")
    connection.close()
    assert penstock.ids() == [3]
    noted = penstock.run("lake:check").text
    assert "another program wrote to the table" in noted, noted
    penstock.run("table:compact", "test_db", "tab")
    penstock.run("lake:gc", "--expire-older-than", "0", "--older-than", "0")
    assert penstock.ids() == [3]
    assert [row[0] for row in lake().execute("SELECT id FROM lake.test_db.tab").fetchall()] == [3]
    noted = penstock.run("lake:check").text
    assert "note " in noted and "snapshots were expired" in noted, noted
