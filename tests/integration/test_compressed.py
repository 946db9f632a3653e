"""Objects whose decoders do more than inflate: bzip2 in blocks, zip archives."""
import bz2
import gzip
import io
import json
import zipfile

ROWS = "".join("%d,some text %d\n" % (i, i * 7919 % 1009) for i in range(120_000))


def test_bzip2_object_of_many_blocks_loads_on_several_threads(penstock, s3, bucket):
    head = b"id,name\n"
    s3.put(bucket, "many.csv.bz2", bz2.compress(head + ROWS.encode(), 1) + bz2.compress(b"120000,last\n"))
    penstock.load(decoders=[{"type": "bzip2"}])
    assert penstock.query("SELECT count(*) AS n, sum(id) AS s, count(DISTINCT name) AS d FROM tab") == [
        {"n": 120_001, "s": 120_001 * 60_000, "d": 1010}]


def test_bzip2_object_damaged_in_a_late_block_leaves_no_trace(penstock, s3, bucket):
    s3.put(bucket, "base/a.csv", "id,name\n1,x\n")
    penstock.load(path_prefix="base/")
    before = penstock.state()
    stored = bytearray(bz2.compress(b"id,name\n" + ROWS.encode(), 1))
    stored[len(stored) * 3 // 4] ^= 4
    s3.put(bucket, "new/many.csv.bz2", bytes(stored))
    result = penstock.issue(penstock.config(path_prefix="new/", decoders=[{"type": "bzip2"}]), status=1)
    assert result.has("new/many.csv.bz2", "bzip2", "at byte"), result.text
    assert penstock.ids() == [1]
    assert penstock.state() == before
    assert penstock.unreferenced() == []


# -- zip

def archive(entries, method=zipfile.ZIP_DEFLATED, zip64=False):
    """The bytes of an archive of (name, text) pairs."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", method) as file:
        for name, content in entries:
            with file.open(name, "w", force_zip64=zip64) as entry:
                entry.write(content if isinstance(content, bytes) else content.encode())
    return stored.getvalue()


def rows(first, count):
    return "id,name\n" + "".join("%d,name %d\n" % (i, i * 7919 % 1009) for i in range(first, first + count))


def test_zip_loads_every_entry_with_its_own_header_line(penstock, s3, bucket):
    s3.put(bucket, "a.zip", archive([("day/", ""), ("day/1.csv", rows(0, 5)), ("__MACOSX/day/._1.csv", "rubbish"),
                                     ("day/empty.csv", ""), ("day/2.csv", rows(5, 60_000))]))
    s3.put(bucket, "b.zip", archive([("stored.csv", rows(60_005, 5))], method=zipfile.ZIP_STORED))
    penstock.load(decoders=[{"type": "zip"}])
    assert penstock.ids() == list(range(60_010))


def test_zip_with_the_structures_of_large_archives_loads(penstock, s3, bucket):
    stored = archive([("1.csv", rows(0, 10)), ("2.csv", rows(10, 10))], zip64=True)
    s3.put(bucket, "large.zip", stored)
    penstock.load(decoders=[{"type": "zip"}])
    assert penstock.ids() == list(range(20))


def test_zip_of_many_small_entries_loads(penstock, s3, bucket):
    s3.put(bucket, "many.zip", archive([("%04d.csv" % i, rows(i * 10, 10)) for i in range(2000)]))
    penstock.load(decoders=[{"type": "zip"}])
    assert penstock.query("SELECT count(*) AS n, sum(id) AS s FROM tab") == [{"n": 20_000, "s": 19_999 * 10_000}]


def test_zip_entries_are_chosen_by_match_name(penstock, s3, bucket):
    padding = bytes(range(256)) * 16_384  # 4 MiB that are not wanted, between those that are
    s3.put(bucket, "a.zip", archive([("in/1.csv", rows(0, 3)), ("in/readme.txt", "not, for, loading\n"),
                                     ("padding.bin", padding), ("in/2.csv", rows(3, 3))], method=zipfile.ZIP_STORED))
    penstock.load(decoders=[{"type": "zip", "match_name": r"in/.*\.csv"}])
    assert penstock.ids() == list(range(6))
    result = penstock.issue(penstock.config(decoders=[{"type": "zip", "match_name": "no.*"}]), table="other", status=1)
    assert result.has("a.zip", "match_name 'no.*' matches none of the archive's 4 entries"), result.text


def test_zip_of_compressed_entries_takes_further_decoders(penstock, s3, bucket):
    s3.put(bucket, "a.zip", archive([("1.csv.gz", gzip.compress(rows(0, 4).encode())),
                                     ("2.csv.gz", gzip.compress(rows(4, 4).encode()))]))
    penstock.load(decoders=[{"type": "zip"}, {"type": "gzip"}])
    assert penstock.ids() == list(range(8))


def test_zip_behind_another_decoder_is_refused_before_any_request(penstock):
    result = penstock.issue(penstock.config(decoders=[{"type": "gzip"}, {"type": "zip"}]), status=1)
    assert result.has("load.yml:", "decoder 'zip' must be the first one"), result.text


def test_zip_rejects_name_the_entry_and_its_line(penstock, s3, bucket):
    s3.put(bucket, "a.zip", archive([("1.csv", rows(0, 2)), ("2.csv", "id,name\n2,x\nbad,y\n3,z\n")]))
    penstock.load(decoders=[{"type": "zip"}])
    assert penstock.ids() == [0, 1, 2, 3]
    assert '"object":"s3://%s/a.zip!2.csv","line":3' % bucket in penstock.run("job:rejects", 1).out
    shown = penstock.run("connector:preview", penstock.config(decoders=[{"type": "zip"}]))
    assert shown.has("rejected s3://%s/a.zip!2.csv:3" % bucket), shown.text


def test_zip_with_a_damaged_entry_leaves_no_trace(penstock, s3, bucket):
    s3.put(bucket, "base/a.csv", "id,name\n1,x\n")
    penstock.load(path_prefix="base/")
    before = penstock.state()
    stored = bytearray(archive([("1.csv", rows(0, 1000)), ("2.csv", rows(1000, 60_000))]))
    stored[len(stored) // 2] ^= 64
    s3.put(bucket, "new/a.zip", bytes(stored))
    result = penstock.issue(penstock.config(path_prefix="new/", decoders=[{"type": "zip"}]), status=1)
    assert result.has("s3://%s/new/a.zip!2.csv" % bucket, "zip: ", "at byte"), result.text
    assert penstock.state() == before
    assert penstock.unreferenced() == []


def test_zip_cut_short_or_no_archive_says_so(penstock, s3, bucket):
    s3.put(bucket, "cut/a.zip", archive([("1.csv", rows(0, 1000))])[:-5])
    s3.put(bucket, "text/a.zip", rows(0, 10))
    result = penstock.issue(penstock.config(path_prefix="cut/", decoders=[{"type": "zip"}]), status=1)
    assert result.has("cut/a.zip", "no directory at the end of the archive"), result.text
    result = penstock.issue(penstock.config(path_prefix="text/", decoders=[{"type": "zip"}]), status=1)
    assert result.has("text/a.zip", "Not in zip format: the bytes look like plain text"), result.text


def test_zip_overwritten_while_it_is_read_is_refused(through_proxy, proxy, s3, bucket):
    s3.put(bucket, "a.zip", archive([("1.csv", rows(0, 1000))]))
    other = archive([("1.csv", rows(5000, 1000))])
    proxy.before(lambda: s3.put(bucket, "a.zip", other), key="a.zip")
    result = through_proxy.issue(through_proxy.config(decoders=[{"type": "zip"}], path="a.zip", path_prefix=None),
                                 status=None)
    assert result.status in (1, 75), result.text
    assert result.has("a.zip"), result.text
    proxy.require_fired()
    through_proxy.load(decoders=[{"type": "zip"}], path="a.zip", path_prefix=None)
    assert through_proxy.ids() == list(range(5000, 6000))


def test_zip_is_guessed_and_previewed(penstock, s3, bucket):
    s3.put(bucket, "a.zip", archive([("skip/", ""), ("1.csv", rows(0, 40_000)), ("2.csv", rows(40_000, 10))]))
    source = penstock.source(parser=None)
    penstock.write(json.dumps({"in": source}), "seed.yml")
    penstock.run("connector:guess", "seed.yml", "-o", "guessed.yml")
    shown = penstock.run("connector:preview", "guessed.yml", "-f", "jsonl", "--rows", 3)
    assert [json.loads(line)["id"] for line in shown.out.splitlines()[:3]] == [0, 1, 2], shown.text
    padding = ("readme.txt", bytes(range(256)) * 1024)
    s3.put(bucket, "a.zip", archive([padding, ("1.csv", rows(0, 40_000)), ("2.csv", rows(40_000, 10))],
                                    method=zipfile.ZIP_STORED))
    options = penstock.config(decoders=[{"type": "zip", "match_name": r".*\.csv"}])
    shown = penstock.run("connector:preview", options, "-f", "jsonl", "--rows", 3)
    assert [json.loads(line)["id"] for line in shown.out.splitlines()] == [0, 1, 2], shown.text
    s3.put(bucket, "a.zip", archive([("1.csv", rows(0, 40_000)), ("2.csv", rows(40_000, 10))]))
    penstock.issue("guessed.yml")
    assert penstock.query("SELECT count(*) AS n FROM tab") == [{"n": 40_010}]
