"""job:replay: what a job rejected is loaded again with a corrected configuration, once, with its places."""
import json
import os

import pytest

PARSER = {"type": "csv", "skip_header_lines": 1,
          "columns": [{"name": "id", "type": "long"}, {"name": "price", "type": "long"}]}
CORRECTED = {**PARSER, "columns": [{"name": "id", "type": "long"}, {"name": "price", "type": "double"}]}


def job(penstock, number):
    return json.loads(penstock.run("--json", "job:show", number).out)


def rejects(penstock, number):
    return [json.loads(line) for line in penstock.run("job:rejects", number, "-f", "jsonl").out.splitlines()]


@pytest.fixture
def with_rejects(penstock, s3, bucket):
    """Job 1: four records loaded, five rejected from two objects, among them one with an open quote."""
    s3.put(bucket, "in/a.csv", "id,price\n1,10\n2,x1\n3,30\n4,2.5\n")
    s3.put(bucket, "in/b.csv", 'id,price\n5,50\n6,"unclosed\n7,70\n')
    parser = {**PARSER, "quote": None}
    penstock.load(path_prefix="in/", parser=parser)
    assert job(penstock, 1)["records"] == 4 and job(penstock, 1)["rejected"] == 3
    return penstock


def replay(penstock, *arguments, name="fixed.yml", status=0, **changes):
    config = penstock.config(name, path_prefix="in/", **changes)
    return penstock.run("job:replay", 1, config, *arguments, status=status)


def text_price(penstock):
    """The table's price stays long: a corrected load brings another column."""
    return {"type": "csv", "skip_header_lines": 1, "quote": None,
            "columns": [{"name": "id", "type": "long"}, {"name": "note", "type": "string"}]}


def test_rejected_records_are_loaded_once_and_the_rest_not_again(with_rejects):
    penstock = with_rejects
    replay(penstock, parser=text_price(penstock))
    rows = penstock.query("SELECT id, price, note FROM tab ORDER BY id")
    assert rows == [{"id": 1, "price": 10, "note": None}, {"id": 2, "price": None, "note": "x1"},
                    {"id": 3, "price": 30, "note": None}, {"id": 4, "price": None, "note": "2.5"},
                    {"id": 5, "price": 50, "note": None}, {"id": 6, "price": None, "note": '"unclosed'},
                    {"id": 7, "price": 70, "note": None}]
    assert (job(penstock, 2)["records"], job(penstock, 2)["rejected"]) == (3, 0)


def test_second_replay_is_refused_unless_forced(with_rejects):
    penstock = with_rejects
    replay(penstock, parser=text_price(penstock))
    before = penstock.state()
    again = replay(penstock, parser=text_price(penstock), status=1)
    assert again.has("rejected records of job 1 were loaded again by job 2", "--force")
    assert penstock.state() == before
    replay(penstock, "--force", parser=text_price(penstock))
    assert penstock.ids() == [1, 2, 2, 3, 4, 4, 5, 6, 6, 7]


def test_records_that_are_still_wrong_say_where_they_were(with_rejects, bucket):
    penstock = with_rejects
    replay(penstock, parser={**PARSER, "quote": None, "columns": [{"name": "id", "type": "long"},
                                                                  {"name": "price", "type": "long"}]})
    assert (job(penstock, 2)["records"], job(penstock, 2)["rejected"]) == (0, 3)
    # two workers read the two objects: their records come in either order
    first = sorted((r["object"], r["line"], r["offset"], r["column"], r["raw"]) for r in rejects(penstock, 1))
    again = sorted((r["object"], r["line"], r["offset"], r["column"], r["raw"]) for r in rejects(penstock, 2))
    assert again == first
    assert [(entry[0].split("/", 3)[-1], entry[1]) for entry in again] == [("in/a.csv", 3), ("in/a.csv", 5),
                                                                          ("in/b.csv", 3)]


def test_open_quote_does_not_swallow_the_next_record(penstock, s3, bucket):
    s3.put(bucket, "in/a.csv", 'id,price\nx,"open\ny,close"\nz,3\n')
    penstock.load(path_prefix="in/", parser={**PARSER, "quote": None})
    assert job(penstock, 1)["rejected"] == 3
    columns = [{"name": "name", "type": "string"}, {"name": "note", "type": "string"}]
    replay(penstock, parser={"type": "csv", "skip_header_lines": 1, "columns": columns, "quote": '"'})
    # with the quote back the first record is incomplete alone; joined with the next it would look right
    assert [row["name"] for row in penstock.query("SELECT name FROM tab")].count("z") == 1
    assert job(penstock, 2)["records"] + job(penstock, 2)["rejected"] == 3
    assert not any("\n" in (row["note"] or "") for row in penstock.query("SELECT note FROM tab"))


def test_replay_that_fails_may_be_tried_again(with_rejects):
    penstock = with_rejects
    bad = {**PARSER, "quote": None}
    assert replay(penstock, parser=bad, exec_options={"max_rejected_records": 0}, status=1).has("were rejected")
    replay(penstock, parser=text_price(penstock))
    assert penstock.ids() == list(range(1, 8))


def test_only_a_loaded_job_with_rejects_can_be_replayed(with_rejects, s3, bucket):
    penstock = with_rejects
    texts = [{"name": "id", "type": "string"}, {"name": "price", "type": "string"}]
    penstock.load(path_prefix="in/a", parser={**PARSER, "columns": texts}, table="texts")
    config = penstock.config("fixed.yml", path_prefix="in/", parser=CORRECTED)
    assert penstock.run("job:replay", 2, config, status=1).has("job 2 has no rejected records")
    assert penstock.run("job:replay", 9, config, status=1).has("job 9 does not exist")
    penstock.issue(penstock.config(path_prefix="in/", exec_options={"max_rejected_records": 0}, parser=PARSER), status=1)
    assert penstock.run("job:replay", 3, config, status=1).has("job 3 is error: nothing of it was loaded")


def test_what_the_file_does_not_hold_is_said(penstock, s3, bucket):
    long = "x" * 2_000_000
    s3.put(bucket, "in/a.csv", "id,price\n%s,1\na,2\nb,3\n" % long)
    penstock.load(path_prefix="in/", parser=PARSER)
    columns = [{"name": "name", "type": "string"}, {"name": "price", "type": "long"}]
    result = replay(penstock, parser={"type": "csv", "columns": columns})
    assert result.has("1 rejected records cannot be loaded again")
    assert sorted(row["name"] for row in penstock.query("SELECT name FROM tab")) == ["a", "b"]
    s3.put(bucket, "more/a.csv", "id,price\n" + "".join("r%d,1\n" % i for i in range(100)))
    config = penstock.config(path_prefix="more/", parser=PARSER, exec_options={"max_reject_file_bytes": 1000})
    penstock.issue(config)
    config = penstock.config("fixed.yml", parser={"type": "csv", "columns": columns})
    result = penstock.run("job:replay", 3, config)
    kept = len(rejects(penstock, 3))
    assert 0 < kept < 100
    assert result.has("%d of 100 rejected records are not in the rejects file" % (100 - kept))
    assert job(penstock, 4)["records"] == kept


def test_json_records_are_replayed_as_they_were(penstock, s3, bucket):
    s3.put(bucket, "in/a.json", '{"rows": [{"id": 1}, {"id": "two"}, {"id": 3}]}\n{"none": 1}\n')
    parser = {"type": "json", "root": "/rows", "flatten_json_array": True,
              "columns": [{"name": "id", "type": "long"}]}
    penstock.load(path_prefix="in/", parser=parser)
    assert (job(penstock, 1)["records"], job(penstock, 1)["rejected"]) == (2, 2)
    result = replay(penstock, parser={**parser, "columns": [{"name": "word", "element_at": "/id", "type": "string"}]})
    assert result.has("1 rejected records cannot be loaded again")
    assert [row["word"] for row in penstock.query("SELECT word FROM tab WHERE word IS NOT NULL")] == ["two"]


def test_a_file_that_others_cut_or_removed_is_said(with_rejects):
    penstock = with_rejects
    path = os.path.join(penstock.home, "jobs", "1", "rejects.jsonl")
    with open(path, "rb") as file:
        whole = file.read()
    os.truncate(path, len(whole) - 10)
    before = penstock.state()
    last_line = whole.rstrip(b"\n").rindex(b"\n") + 1
    assert replay(penstock, parser=text_price(penstock), status=1).has(
        "rejects.jsonl", "the rejects file is damaged in its line at byte %d" % last_line)
    assert penstock.state() == before
    os.unlink(path)
    assert replay(penstock, parser=text_price(penstock), status=1).has("rejects.jsonl", "no such file")
    gone = penstock.run("job:rejects", 1, status=1)
    assert gone.has("cannot open the file of the 3 rejected records of job 1", path)
    assert penstock.state() == before
    with open(path, "wb") as file:
        file.write(whole)
    replay(penstock, parser=text_price(penstock))
    assert penstock.ids() == list(range(1, 8))


def test_what_a_replay_rejected_is_replayed_by_its_own_number(with_rejects):
    penstock = with_rejects
    replay(penstock, parser={**PARSER, "quote": None})
    assert (job(penstock, 2)["records"], job(penstock, 2)["rejected"]) == (0, 3)
    config = penstock.config("fixed.yml", path_prefix="in/", parser=text_price(penstock))
    penstock.run("job:replay", 2, config)
    assert penstock.ids() == list(range(1, 8))
    for number in (1, 2):
        assert penstock.run("job:replay", number, config, status=1).has("were loaded again by job %d" % (number + 1))
