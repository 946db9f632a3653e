"""Checks a Penstock home from outside: reads catalog.sqlite and the Parquet files by itself.

Python's SQLite and pyarrow only: no code is shared with Penstock or DuckDB, so an error that they have
in common does not hide here. After a crash the catalog is looked at in a copy, so that it stays for
Penstock to repair it.

    lake = LakeChecker(home)
    lake.check()                                    everything that must hold in any home, at any time
    lake.rows("db", "table", ["id", "name"])         Counter of tuples: the table's rows
"""
import collections
import glob
import os
import shutil
import sqlite3
import struct
import tempfile

import pyarrow.parquet as parquet

FINISHED = ("success", "error", "killed")
FOOTER_END = 8  # length of the footer and "PAR1"


class LakeChecker:
    def __init__(self, home, is_live=False):
        """is_live: other processes are writing, so the catalog is read where it is (one transaction)."""
        self.home = str(home)
        self.copy = None if is_live else tempfile.mkdtemp(prefix="penstock-check-")
        path = os.path.join(self.home, "catalog.sqlite")
        if not is_live:
            for part in glob.glob(path + "*"):
                if not part.endswith("-shm"):  # made anew from the log, as after a power cut
                    shutil.copy(part, self.copy)
            path = os.path.join(self.copy, "catalog.sqlite")
        self.catalog = sqlite3.connect("file:%s?mode=rw" % path, uri=True, timeout=60, isolation_level=None)
        self.catalog.row_factory = sqlite3.Row
        self.catalog.execute("BEGIN")
        self.tables = {row[0] for row in self.catalog.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def close(self):
        self.catalog.close()
        if self.copy:
            shutil.rmtree(self.copy)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def all(self, sql, *values):
        return self.catalog.execute(sql, values).fetchall()

    def one(self, sql, *values):
        row = self.catalog.execute(sql, values).fetchone()
        return None if row is None else row[0]

    # -- the lake

    def newest(self):
        """None while the catalog is not ready."""
        return None if "ducklake_snapshot" not in self.tables else self.one("SELECT max(snapshot_id) FROM ducklake_snapshot")

    def visible(self, snapshot):
        return "begin_snapshot <= %d AND (end_snapshot IS NULL OR end_snapshot > %d)" % (snapshot, snapshot)

    def table_id(self, database, table, snapshot=None):
        """None when the table does not exist (then)."""
        if self.newest() is None:
            return None
        seen = self.visible(self.newest() if snapshot is None else snapshot)
        schema = self.one("SELECT schema_id FROM ducklake_schema WHERE schema_name = ? AND " + seen, database)
        return self.one("SELECT table_id FROM ducklake_table WHERE schema_id = ? AND table_name = ? AND " + seen,
                        schema, table)

    def folder(self, table_id):
        """Data path, path of the schema, path of the table, each relative to the one before."""
        root = self.one("SELECT value FROM ducklake_metadata WHERE key = 'data_path' AND scope IS NULL")
        table = self.all("SELECT * FROM ducklake_table WHERE table_id = ?", table_id)[0]
        schema = self.all("SELECT * FROM ducklake_schema WHERE schema_id = ?", table["schema_id"])[0]
        for place in (schema, table):
            root = os.path.join(root, place["path"]) if place["path_is_relative"] else place["path"]
        return root

    def path(self, file):
        if not file["path_is_relative"]:
            return file["path"]
        return os.path.join(self.folder(file["table_id"]), file["path"])

    def files(self, table_id, snapshot=None):
        seen = self.visible(self.newest() if snapshot is None else snapshot)
        return self.all("SELECT * FROM ducklake_data_file WHERE table_id = ? AND " + seen, table_id)

    def field_of(self, file, arrow, column):
        """The field of a Parquet file that holds a column: by field id, or by the file's name mapping."""
        if file["mapping_id"] is None:
            for field in arrow:
                if int((field.metadata or {}).get(b"PARQUET:field_id", b"-1")) == column["column_id"]:
                    return field.name
            return None
        return self.one("SELECT source_name FROM ducklake_name_mapping WHERE mapping_id = ? AND target_field_id = ?",
                        file["mapping_id"], column["column_id"])

    def rows(self, database, table, names, snapshot=None):
        """The rows as tuples of the named columns, each with how often it is there. A missing table: none."""
        found = collections.Counter()
        snapshot = self.newest() if snapshot is None else snapshot
        table_id = self.table_id(database, table, snapshot)
        if table_id is None:
            return found
        columns = {row["column_name"]: row for row in self.all(
            "SELECT * FROM ducklake_column WHERE table_id = ? AND " + self.visible(snapshot), table_id)}
        for file in self.files(table_id, snapshot):
            content = parquet.ParquetFile(self.path(file), page_checksum_verification=True).read()
            values = []
            for name in names:
                field = self.field_of(file, content.schema, columns[name])
                values.append(content.column(field).to_pylist() if field else [None] * content.num_rows)
            found.update(zip(*values))
        return found

    # -- what must hold

    def check(self):
        """Everything that needs no knowledge of the input. Fails with what is wrong."""
        problem = self.one("PRAGMA integrity_check")
        assert problem == "ok", problem
        if self.newest() is None:
            return  # killed before the catalog was ready
        self.check_snapshots()
        self.check_files()
        self.check_stray_files()
        if "job" in self.tables:
            self.check_jobs()
        if "ledger" in self.tables:
            self.check_ledger()

    def check_snapshots(self):
        ids = [row[0] for row in self.all("SELECT snapshot_id FROM ducklake_snapshot ORDER BY snapshot_id")]
        assert ids == sorted(set(ids)), ids
        changes = [row[0] for row in self.all("SELECT snapshot_id FROM ducklake_snapshot_changes ORDER BY 1")]
        assert changes == ids, "snapshots without their changes"
        files = [row[0] for row in self.all("SELECT data_file_id FROM ducklake_data_file")]
        assert len(files) == len(set(files))
        for row in self.all("SELECT table_id, row_id_start, record_count FROM ducklake_data_file "
                            "ORDER BY table_id, row_id_start"):
            clash = self.one("SELECT count(*) FROM ducklake_data_file WHERE table_id = ? AND row_id_start < ? "
                             "AND row_id_start + record_count > ?", row["table_id"],
                             row["row_id_start"] + row["record_count"], row["row_id_start"])
            assert clash == 1, "row ids used twice in table %d" % row["table_id"]

    def check_files(self):
        """Every file that any snapshot still refers to is there and is what the catalog says."""
        for file in self.all("SELECT * FROM ducklake_data_file"):
            path = self.path(file)
            assert os.path.exists(path), "file of the catalog is missing: " + path
            assert os.path.getsize(path) == file["file_size_bytes"], "size of " + path
            with open(path, "rb") as content:
                assert content.read(4) == b"PAR1", path
                content.seek(-FOOTER_END, os.SEEK_END)
                footer, magic = struct.unpack("<I4s", content.read(FOOTER_END))
            assert magic == b"PAR1" and footer == file["footer_size"], "footer of " + path
            meta = parquet.ParquetFile(path, page_checksum_verification=True)
            assert meta.metadata.num_rows == file["record_count"], "rows of " + path
            self.check_statistics(file, meta.read(), path)

    def check_statistics(self, file, content, path):
        for stats in self.all("SELECT s.*, c.column_name, c.column_type FROM ducklake_file_column_stats s "
                              "JOIN ducklake_column c USING (table_id, column_id) WHERE s.data_file_id = ?",
                              file["data_file_id"]):
            field = self.field_of(file, content.schema, stats)
            values = content.column(field).to_pylist() if field else [None] * content.num_rows
            known = [value for value in values if value is not None]
            what = "statistics of %s in %s" % (stats["column_name"], path)
            assert stats["value_count"] == len(values), what
            assert stats["null_count"] == len(values) - len(known), what
            if stats["column_type"] != "int64" or not known:
                continue
            if stats["min_value"] is not None:
                assert int(stats["min_value"]) == min(known), what
            if stats["max_value"] is not None:
                assert int(stats["max_value"]) == max(known), what

    def known_files(self):
        """Paths that the catalog knows: data of any snapshot, begun or garbage parts, scheduled deletions."""
        known = {os.path.realpath(self.path(file)) for file in self.all("SELECT * FROM ducklake_data_file")}
        if "job_part" in self.tables:
            known |= {os.path.realpath(part["folder"] + "/" + part["file_name"])
                      for part in self.all("SELECT folder, file_name FROM job_part")}
        root = self.one("SELECT value FROM ducklake_metadata WHERE key = 'data_path' AND scope IS NULL")
        known |= {os.path.realpath(os.path.join(root, row["path"]) if row["path_is_relative"] else row["path"])
                  for row in self.all("SELECT * FROM ducklake_files_scheduled_for_deletion")}
        return known

    def disk_files(self):
        return {os.path.realpath(os.path.join(folder, name))
                for folder, _, names in os.walk(os.path.join(self.home, "lake")) for name in names}

    def check_stray_files(self):
        stray = self.disk_files() - self.known_files()
        assert not stray, "files that the catalog does not know: %s" % sorted(stray)

    def check_jobs(self):
        ended = "SELECT job_id FROM job WHERE status IN %s" % (FINISHED,)
        for name in ("job_object", "job_task"):
            left = self.all("SELECT DISTINCT job_id FROM %s WHERE job_id IN (%s) OR job_id NOT IN "
                            "(SELECT job_id FROM job)" % (name, ended))
            assert not left, "%s rows of ended jobs %s" % (name, [row[0] for row in left])
        left = self.all("SELECT part_id FROM job_part WHERE state <> 'garbage' AND job_id IN (%s)" % ended)
        assert not left, "parts of ended jobs are no garbage"
        for job in self.all("SELECT * FROM job WHERE status = 'success' AND snapshot_id >= 0"):
            if not self.one("SELECT count(*) FROM ducklake_snapshot WHERE snapshot_id = ?", job["snapshot_id"]):
                continue  # the snapshot was expired since
            rows = self.one("SELECT coalesce(sum(record_count), 0) FROM ducklake_data_file "
                            "WHERE begin_snapshot = ?", job["snapshot_id"])
            assert rows == job["records"], "job %d says %d rows, its snapshot has %d" % (
                job["job_id"], job["records"], rows)

    def check_ledger(self):
        """Per table: rows in the ledger are the visible rows. Per job: its entries are its counts."""
        for table_id, rows in self.all("SELECT table_id, sum(row_count) FROM ledger WHERE table_id IN (SELECT table_id "
                                       "FROM ducklake_table WHERE %s) GROUP BY 1" % self.visible(self.newest())):
            have = self.one("SELECT coalesce(sum(record_count), 0) FROM ducklake_data_file WHERE table_id = ? AND "
                            + self.visible(self.newest()), table_id)
            assert rows == have, "table %d: %d rows in the ledger, %d in files" % (table_id, rows, have)
        for job in self.all("SELECT * FROM job WHERE status = 'success' AND snapshot_id >= 0"):
            sums = self.all("SELECT coalesce(sum(l.row_count), 0) AS rows, coalesce(sum(l.rejected), 0) AS rejected, "
                            "coalesce(sum(l.filtered), 0) AS filtered, count(l.entry_id) AS objects FROM ledger_job j "
                            "LEFT JOIN ledger l ON l.entry_id >= j.first_entry AND l.entry_id < j.first_entry + "
                            "j.entry_count WHERE j.job_id = ?", job["job_id"])[0]
            assert (sums["rows"], sums["rejected"], sums["filtered"], sums["objects"]) == (
                job["records"], job["rejected"], job["filtered"], job["objects"]), (
                "job %d and its ledger differ" % job["job_id"])

    # -- jobs

    def jobs(self):
        return self.all("SELECT * FROM job ORDER BY job_id") if "job" in self.tables else []

    def entries(self, job_id):
        """What the ledger says of a job's objects: {key: (rows, rejected, filtered)}."""
        return {row["object_key"]: (row["row_count"], row["rejected"], row["filtered"]) for row in self.all(
            "SELECT l.* FROM ledger_job j JOIN ledger l ON l.entry_id >= j.first_entry AND l.entry_id < "
            "j.first_entry + j.entry_count WHERE j.job_id = ?", job_id)}


def check(home, is_live=False):
    with LakeChecker(home, is_live) as lake:
        lake.check()
