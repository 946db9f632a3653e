"""Which objects a run takes: prefixes, paths, patterns, positions, times, limits, odd keys."""
import datetime
import time

import pytest

ODD_KEYS = ["plain.csv", "with space.csv", "per%cent%20.csv", "plus+and&amp;=?.csv", "hash#tilde~.csv", "ümlaut/日本.csv",
            "quote\"'<>.csv", "double//slash.csv", "dot/./same.csv", "up/../down.csv", "tab\there.csv",
            "control\x01byte.csv", "/leading.csv", "(paren)[br]{ace}*!$@,;:.csv", "back\\slash.csv"]


def put_numbers(s3, bucket, keys):
    """One object per key whose only row is the key's position."""
    for number, key in enumerate(keys):
        s3.put(bucket, key, "id,name\n%d,x\n" % number)


def milliseconds(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (when.microsecond // 1000)


def test_every_odd_key_is_listed_signed_and_read(penstock, s3, bucket):
    put_numbers(s3, bucket, ODD_KEYS)
    penstock.load(path_prefix="")
    assert penstock.ids() == list(range(len(ODD_KEYS)))


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_is_read_by_its_path(penstock, s3, bucket, key):
    put_numbers(s3, bucket, [key, "other.csv"])
    penstock.load(path_prefix=None, path=key)
    assert penstock.ids() == [0]


def test_prefix_limits_the_listing(penstock, s3, bucket):
    put_numbers(s3, bucket, ["a/1", "b/1", "b/2", "b2/1", "c/1"])
    penstock.load(path_prefix="b/")
    assert penstock.ids() == [1, 2]


def test_prefix_with_a_leading_slash_is_taken_literally_with_a_warning(penstock, s3, bucket):
    put_numbers(s3, bucket, ["a/1", "/a/1"])
    result = penstock.load(path_prefix="/a/")
    assert penstock.ids() == [1]
    assert result.has("warn")


def test_pattern_is_found_anywhere_in_the_key(penstock, s3, bucket):
    put_numbers(s3, bucket, ["2024/a.csv", "2024/b.tsv", "2025/a.csv", "x2024/.csv.bak"])
    penstock.load(path_match_pattern=r"2024/.*\.csv$")
    assert penstock.ids() == [0]


def test_last_path_is_exclusive_and_need_not_exist(penstock, s3, bucket):
    put_numbers(s3, bucket, ["k1", "k2", "k3", "k5"])
    penstock.load(table="after_k2", last_path="k2")
    assert penstock.ids("after_k2") == [2, 3]
    penstock.load(table="after_k4", last_path="k4")
    assert penstock.ids("after_k4") == [3]
    penstock.load(table="after_all", last_path="k9")
    assert penstock.ids("after_all") == []


def test_limit_takes_the_first_keys_and_says_so(penstock, s3, bucket):
    put_numbers(s3, bucket, ["k%d" % i for i in range(6)])
    result = penstock.load(total_file_count_limit=4)
    assert penstock.ids() == [0, 1, 2, 3]
    assert result.has("Too many files matched, stop listing file")


def test_empty_objects_and_folder_markers_are_skipped(penstock, s3, bucket):
    s3.put(bucket, "a/", "")
    s3.put(bucket, "a/empty.csv", "")
    put_numbers(s3, bucket, ["a/x.csv"])
    penstock.load(path_prefix="a/")
    assert penstock.ids() == [0]


def test_listing_goes_over_pages(through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket, ["k%05d" % i for i in range(1203)])
    through_proxy.load(min_task_size=1_000_000)
    assert through_proxy.ids() == list(range(1203))
    assert proxy.count("GET", "list-type=2") >= 2


def test_start_after_is_sent_so_that_old_keys_are_not_listed(through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket, ["k1", "k2", "k3"])
    through_proxy.load(last_path="k2")
    assert through_proxy.ids() == [2]
    assert proxy.count("GET", "start-after=k2") == 1


@pytest.mark.parametrize("min_task_size", [0, 20, 1_000_000])
def test_grouping_into_tasks_changes_no_row(penstock, s3, bucket, min_task_size):
    put_numbers(s3, bucket, ["k%02d" % i for i in range(12)])
    penstock.load(min_task_size=min_task_size)
    assert penstock.ids() == list(range(12))


def test_time_mode_takes_what_was_modified_since_inclusive(penstock, s3, bucket):
    put_numbers(s3, bucket, ["z-old", "a-new"])
    stamps = {item["Key"]: item["LastModified"] for item in s3.list(bucket)}
    while True:  # the two must differ in the listing's own resolution
        s3.put(bucket, "a-new", "id,name\n1,x\n")
        stamps = {item["Key"]: item["LastModified"] for item in s3.list(bucket)}
        if stamps["a-new"] > stamps["z-old"]:
            break
        time.sleep(0.05)
    time.sleep(1.1)  # the end of the range is exclusive: the server's clock at the start, in whole seconds
    penstock.load(use_modified_time=True, last_modified_time=stamps["a-new"], last_path="ignored/in/time/mode")
    assert penstock.ids() == [1]


def test_time_mode_without_a_start_takes_everything(penstock, s3, bucket):
    put_numbers(s3, bucket, ["a", "b"])
    time.sleep(1.1)  # as above
    penstock.load(use_modified_time=True)
    assert penstock.ids() == [0, 1]


def test_time_mode_in_the_future_takes_nothing(penstock, s3, bucket):
    put_numbers(s3, bucket, ["a", "b"])
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    penstock.load(use_modified_time=True, last_modified_time=milliseconds(later))
    assert penstock.ids() == []


@pytest.mark.parametrize("text", ["2019-06-03T10:30:19Z", "2019-06-03T10:30:19.806", "2019-06-03T10:30:19.806+0000"])
def test_malformed_modified_time_is_an_error_with_the_format(penstock, text):
    result = penstock.issue(penstock.config(use_modified_time=True, last_modified_time=text), status=1)
    assert result.has("Unsupported DateTime value: '%s', supported formats: [yyyy-MM-dd'T'HH:mm:ss.SSS'Z']" % text)


def test_ledger_skips_loaded_objects_and_catches_late_ones(penstock, s3, bucket):
    put_numbers(s3, bucket, ["k5", "k6"])
    penstock.load(skip_loaded_objects=True)
    s3.put(bucket, "k1", "id,name\n101,late\n")       # sorts before what was loaded
    s3.put(bucket, "k6", "id,name\n106,rewritten\n")  # another version of a loaded key
    penstock.load(skip_loaded_objects=True)
    penstock.load(skip_loaded_objects=True)
    assert penstock.ids() == [0, 1, 101, 106]


@pytest.mark.parametrize("prefixes", [{"path_prefix": None}, {"path_prefix": None, "path": None}])
def test_neither_path_nor_prefix_is_an_error(penstock, prefixes):
    assert penstock.issue(penstock.config(**prefixes), status=1).has("Either path or path_prefix is required")


def test_internal_option_must_not_be_set(penstock):
    result = penstock.issue(penstock.config(__end_modified_time="x"), status=1)
    assert result.has("'__end_modified_time' must not be set.")


def test_zero_objects_is_a_success(penstock):
    penstock.load(path_prefix="nothing/here/")
    assert penstock.ids() == []
