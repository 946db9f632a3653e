"""The outside checker itself: what it must notice, it notices."""
import glob
import os
import shutil
import sqlite3

import pytest

from lake_checker import LakeChecker, check
from torture_bed import COLUMNS, FILTERS, PARSER, Input, check_loaded

SOURCE = Input(7, objects=3, records=40)


@pytest.fixture(scope="module")
def sound(gateway, s3, tmp_path_factory):
    """A home with one load, made once; tests damage copies of it."""
    from penstock import Penstock
    s3.create_bucket("checker")
    for name, text in SOURCE.objects.items():
        s3.put("checker", name, text)
    penstock = Penstock(tmp_path_factory.mktemp("sound"), gateway.endpoint, "checker", s3.credentials)
    penstock.issue(penstock.config(parser=PARSER, filters=FILTERS, exec_options={"task_bytes": 1000}))
    check_loaded(penstock, "tab", SOURCE.rows, SOURCE)
    return penstock.home


@pytest.fixture
def home(sound, tmp_path):
    """A copy: the data folder of the catalog is moved along."""
    copy = str(tmp_path / "home")
    shutil.copytree(sound, copy)
    sql(copy, "UPDATE ducklake_metadata SET value = '%s/lake/' WHERE key = 'data_path'" % copy)
    check(copy)
    return copy


def sql(home, text):
    with sqlite3.connect(os.path.join(home, "catalog.sqlite")) as catalog:
        assert catalog.execute(text).rowcount > 0
    catalog.close()


def part(home):
    return sorted(glob.glob(home + "/lake/*/*/*.parquet"))[0]


def stray(home):
    shutil.copy(part(home), os.path.join(os.path.dirname(part(home)), "stray.parquet"))


def cut(home):
    os.truncate(part(home), os.path.getsize(part(home)) - 1)


DAMAGES = {
    "missing_file": lambda home: os.remove(part(home)),
    "stray_file": stray,
    "cut_file": cut,
    "other_row_count": lambda home: sql(home, "UPDATE ducklake_data_file SET record_count = record_count + 1 "
                                              "WHERE data_file_id = (SELECT max(data_file_id) FROM ducklake_data_file)"),
    "wrong_bound": lambda home: sql(home, "UPDATE ducklake_file_column_stats SET max_value = min_value "
                                          "WHERE column_id = 1"),
    "wrong_null_count": lambda home: sql(home, "UPDATE ducklake_file_column_stats SET null_count = null_count + 1"),
    "lost_ledger_rows": lambda home: sql(home, "UPDATE ledger SET row_count = row_count - 1 WHERE entry_id = "
                                               "(SELECT min(entry_id) FROM ledger)"),
    "lost_ledger_entry": lambda home: sql(home, "DELETE FROM ledger WHERE entry_id = (SELECT min(entry_id) FROM ledger)"),
    "job_counts": lambda home: sql(home, "UPDATE job SET rejected = rejected + 1"),
    "dropped_file": lambda home: sql(home, "DELETE FROM ducklake_data_file WHERE data_file_id = "
                                           "(SELECT max(data_file_id) FROM ducklake_data_file)"),
    "file_twice": lambda home: sql(home, "INSERT INTO ducklake_data_file SELECT 99, table_id, begin_snapshot, "
                                         "end_snapshot, file_order, path, path_is_relative, file_format, record_count, "
                                         "file_size_bytes, footer_size, row_id_start, partition_id, encryption_key, "
                                         "mapping_id, partial_max FROM ducklake_data_file LIMIT 1"),
    "plan_of_an_ended_job": lambda home: sql(home, "INSERT INTO job_task (job_id, task_index, status, first_object, object_count, size_bytes, attempt, records, "
        "rejected, filtered) VALUES (1, 0, 'done', 0, 1, 1, 1, 1, 0, 0)"),
    "snapshot_without_changes": lambda home: sql(home, "DELETE FROM ducklake_snapshot_changes WHERE snapshot_id = 1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(home, damage):
    DAMAGES[damage](home)
    with pytest.raises(AssertionError):
        check(home)


def test_rows_are_read_by_field_id_and_snapshot(home):
    with LakeChecker(home) as lake:
        assert lake.rows("test_db", "tab", COLUMNS) == SOURCE.rows
        assert not lake.rows("test_db", "tab", COLUMNS, snapshot=0)
        assert not lake.rows("test_db", "no_such_table", COLUMNS)
