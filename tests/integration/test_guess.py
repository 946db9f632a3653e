"""connector:guess against S3: what it reads of large objects and of others."""
import json
import os

from fault_proxy import header


def rows(count, change=None):
    """id,price rows; `change` maps a row's number to another price."""
    change = change or {}
    return "id,price\n" + "".join("%d,%s\n" % (i, change.get(i, i)) for i in range(count))


def guess(penstock, **changes):
    """Returns the types of the guessed columns, and the result."""
    seed = {"in": penstock.source(parser=None, **changes), "out": {"mode": "append"}}
    result = penstock.run("connector:guess", penstock.write(json.dumps(seed), "seed.yml"), "-o", "guessed.json")
    with open(os.path.join(penstock.folder, "guessed.json"), encoding="utf-8") as file:
        config = json.load(file)
    return {column["name"]: column["type"] for column in config["in"]["parser"]["columns"]}, result


def ranges(proxy, key):
    """The Range headers of an object's GETs, in the order of their offsets."""
    return sorted(header(lines, "range") or "" for method, target, lines in proxy.requests
                  if method == "GET" and key in target)


def test_tail_and_middle_are_read_by_range(through_proxy, proxy, s3, bucket):
    text = rows(40000, {39990: "1.5"})
    s3.put(bucket, "one.csv", text)
    types, result = guess(through_proxy, path_prefix="one")
    assert types == {"id": "long", "price": "double"}
    assert "'1.5' at byte %d of s3://%s/one.csv" % (text.index("39990,1.5"), bucket) in result.err
    asked = ranges(proxy, "one.csv")
    middle = (len(text) // 2 - 16384 + 3) // 4 * 4
    tail = (len(text) - 32768 + 3) // 4 * 4
    assert len(asked) == 3
    assert any(part.startswith("bytes=%d-" % middle) for part in asked), asked
    assert any(part.startswith("bytes=%d-" % tail) for part in asked), asked


def test_two_other_objects_are_looked_at(through_proxy, proxy, s3, bucket):
    for number in range(9):
        s3.put(bucket, "k%d.csv" % number, rows(50, dict.fromkeys(range(40, 50), "n/a") if number == 8 else None))
    types, result = guess(through_proxy, path_prefix="k")
    assert types == {"id": "long", "price": "string"}
    assert "'n/a' in line 42 of s3://%s/k8.csv" % bucket in result.err
    assert [number for number in range(9) if ranges(proxy, "k%d.csv" % number)] == [0, 4, 8]


def test_what_was_guessed_loads_every_row(penstock, s3, bucket):
    s3.put(bucket, "one.csv", rows(40000, {39990: "1.5"}))
    guess(penstock, path_prefix="one")
    penstock.issue("guessed.json")
    assert penstock.query("SELECT count(*) AS n, max(price) AS most FROM tab") == [{"n": 40000, "most": 39999.0}]
