"""Objects whose decoders do more than inflate: bzip2 in blocks, zip archives."""
import bz2

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
