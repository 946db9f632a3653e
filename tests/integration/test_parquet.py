"""What is in the Parquet files that Penstock writes, read by Arrow, which shares no code with it."""
import datetime
import glob
import io
import random

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

KINDS = {
    "long": (arrow.int64(), lambda r, i: r.choice([i, -i, r.randrange(5), 2 ** 63 - 1 - i])),
    "double": (arrow.float64(), lambda r, i: r.choice([i / 8, -1e300, 0.25, r.random()])),
    "string": (arrow.string(), lambda r, i: r.choice(["", "é", "text %d" % i, "x" * r.randrange(300), "one", "two"])),
    "boolean": (arrow.bool_(), lambda r, i: r.random() < 0.3),
    "timestamp": (arrow.timestamp("us"), lambda r, i: datetime.datetime(2020, 1, 1) + datetime.timedelta(
        microseconds=r.choice([i, i * 1000, r.randrange(10 ** 15)]))),
}


def text_of(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return '"%s"' % value if isinstance(value, str) else repr(value)


def table(seed, columns, rows):
    """(column descriptions, rows of values): a third of the columns has no nulls."""
    draw = random.Random(seed)
    kinds = ["long"] + [draw.choice(list(KINDS)) for _ in range(columns - 1)]
    nulls = [0] + [draw.choice([0, 0.1, 0.9]) for _ in range(columns - 1)]
    names = ["id"] + ["c%d" % i for i in range(1, columns)]
    described = [dict({"name": name, "type": kind}, **({"format": "%Y-%m-%d %H:%M:%S.%N"} if kind == "timestamp" else {}))
                 for name, kind in zip(names, kinds)]
    values = [[i] + [None if draw.random() < share else KINDS[kind][1](draw, i)
                     for kind, share in zip(kinds[1:], nulls[1:])] for i in range(rows)]
    return described, values


def write_csv(rows):
    return "".join(",".join(text_of(value) for value in row) + "\n" for row in rows)


def check_statistics(meta, content):
    """Bounds of every column chunk against its values."""
    first = 0
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group).num_rows
        for at in range(meta.num_columns):
            chunk = meta.row_group(group).column(at)
            values = [v for v in content.column(at).slice(first, rows).to_pylist() if v is not None]
            stats = chunk.statistics
            assert stats.null_count == rows - len(values), chunk.path_in_schema
            if stats.has_min_max:
                assert (stats.min, stats.max) == (min(values), max(values)), chunk.path_in_schema
            else:
                assert not values or max(len(str(v)) for v in values) > 255, chunk.path_in_schema
        first += rows


@pytest.mark.parametrize("seed, columns, rows, compression", [
    (1, 5, 1, "snappy"), (2, 14, 3000, "snappy"), (3, 40, 20_000, "zstd"), (4, 8, 150_000, "snappy"),
    (5, 300, 200, "uncompressed")])
def test_arrow_reads_the_values_that_went_in(penstock, s3, bucket, seed, columns, rows, compression):
    described, values = table(seed, columns, rows)
    s3.put(bucket, "in/a.csv", write_csv(values))
    penstock.load(path_prefix="in/", out={"compression": compression}, parser={
        "type": "csv", "columns": described, "null_string": None, "default_timezone": "UTC"})
    [path] = glob.glob(penstock.home + "/lake/*/*/*.parquet")
    file = parquet.ParquetFile(path, page_checksum_verification=True)
    content = file.read()
    names = [column["name"] for column in described]
    for column in described:
        assert content.schema.field(column["name"]).type == KINDS[column["type"]][0]
    got = sorted(zip(*(content.column(name).to_pylist() for name in names)))
    assert got == [tuple(row) for row in values]
    ids = [int(content.schema.field(i).metadata[b"PARQUET:field_id"]) for i in range(len(content.schema))]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    assert file.metadata.created_by.startswith("penstock version ")
    check_statistics(file.metadata, content)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "uncompressed"])
def test_pages_without_values_are_read(penstock, s3, bucket, compression):
    """Of columns that are empty throughout, only in the first page, and from the second page on."""
    rows, border = 40_000, 16_384
    kinds = {"double": "1.5", "string": "text", "boolean": "true", "long": "7", "timestamp": "2020-01-01 00:00:00"}
    described, cells = [{"name": "id", "type": "long"}], []
    for kind, text in kinds.items():
        for when in "never", "late", "early":
            described.append(dict({"name": "%s_%s" % (kind, when), "type": kind},
                                  **({"format": "%Y-%m-%d %H:%M:%S"} if kind == "timestamp" else {})))
            cells.append((when, text))

    def row(i):
        return ",".join(text if when == ("late" if i >= border else "early") else "" for when, text in cells)

    s3.put(bucket, "in/a.csv", "".join("%d,%s\n" % (i, row(i)) for i in range(rows)))
    penstock.load(path_prefix="in/", out={"compression": compression}, exec_options={"max_threads": 1}, parser={
        "type": "csv", "columns": described, "null_string": None, "default_timezone": "UTC"})
    [path] = glob.glob(penstock.home + "/lake/*/*/*.parquet")
    content = parquet.ParquetFile(path, page_checksum_verification=True).read()
    for (when, _), column in zip(cells, described[1:]):
        expected = {"never": 0, "late": rows - border, "early": border}[when]
        values = content.column(column["name"]).drop_null()
        assert len(values) == expected, column["name"]
        assert len(values.unique()) == (expected > 0)
        counted = penstock.query("SELECT count(%s) AS n FROM tab" % column["name"])
        assert counted == [{"n": expected}], column["name"]


def test_arrow_sees_a_damaged_page(penstock, s3, bucket):
    """The checksum of a page is there and is of its bytes: else the reads above would prove nothing."""
    s3.put(bucket, "in/a.csv", "".join("%d,%s\n" % (i, random.Random(i).random()) for i in range(5000)))
    penstock.load(path_prefix="in/", parser={"type": "csv", "columns": [
        {"name": "id", "type": "long"}, {"name": "text", "type": "string"}]})
    [path] = glob.glob(penstock.home + "/lake/*/*/*.parquet")
    with open(path, "rb") as file:
        stored = bytearray(file.read())
    stored[len(stored) // 2] ^= 1
    with pytest.raises(OSError, match="(?i)crc|checksum"):
        parquet.ParquetFile(io.BytesIO(bytes(stored)), page_checksum_verification=True).read()
