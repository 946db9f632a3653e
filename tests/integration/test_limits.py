"""Input that asks for too much: each limit is an error or a rejected record that says which, and the table stays."""
import gzip
import json
import os

import pytest

from penstock import Penstock
from test_bad_input import unchanged

COLUMNS = [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]


class Files:
    """Penstock on local files, with a table of two rows."""

    def __init__(self, folder):
        self.penstock = Penstock(folder, None, None, None)
        self.put("base.csv", b"id,name\n1,x\n2,y\n")
        assert self.issue("base.csv").status == 0
        assert self.penstock.ids() == [1, 2]

    def put(self, name, content):
        with open(os.path.join(self.penstock.folder, name), "wb") as file:
            file.write(content)

    def document(self, name, parser=None, **sections):
        parser = {"type": "csv", "skip_header_lines": 1, "columns": COLUMNS, **(parser or {})}
        document = {"in": {"type": "file", "path": os.path.join(self.penstock.folder, name), "parser": parser},
                    "out": {"mode": "append"}, **sections}
        document["in"].update(document.pop("also_in", {}))
        return document

    def issue_text(self, text):
        return self.penstock.issue(self.penstock.write(text), status=None)

    def issue(self, name, parser=None, **sections):
        return self.issue_text(json.dumps(self.document(name, parser, **sections)))

    def refuse(self, result_of, *words):
        with unchanged(self.penstock):
            result = result_of()
            assert result.status == 1 and result.has(*words), result.text[-2000:]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_an_object_that_expands_too_far_is_refused(files):
    files.put("bomb.csv.gz", gzip.compress(b"id,name\n" + b"7,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 2_000_000))
    bomb = {"also_in": {"decoders": [{"type": "gzip"}]}}
    files.refuse(lambda: files.issue("bomb.csv.gz", exec={"max_inflate_ratio": 50}, **bomb), "bomb.csv.gz",
                 "expands to more than 50 times its size", "exec.max_inflate_ratio")
    assert files.issue("bomb.csv.gz", exec={"max_inflate_ratio": 0}, **bomb).status == 0
    assert files.penstock.query("SELECT count(*) AS n FROM tab") == [{"n": 2_000_002}]


def test_a_record_that_is_too_long_is_refused(files):
    files.put("long.csv", b"id,name\n3," + b"x" * 3_000_000 + b"\n")
    files.refuse(lambda: files.issue("long.csv", exec={"max_record_bytes": 2_000_000}), "long.csv", "max_record_bytes")
    assert files.issue("long.csv", exec={"max_record_bytes": 4_000_000}).status == 0


def test_a_quote_that_never_closes_is_a_rejected_record(files):
    files.put("quote.csv", b'id,name\n3,"' + b"x" * 200_000 + b"\n4,z\n")
    result = files.issue("quote.csv", {"max_quoted_size_limit": 1000})
    assert result.status == 0 and result.has("rejected", "quote.csv:2"), result.text[-2000:]
    assert 4 in files.penstock.ids()


def test_too_many_columns_are_refused(files):
    many = [{"name": "c%d" % i, "type": "string"} for i in range(10_001)]
    files.refuse(lambda: files.issue("base.csv", {"columns": many}), "10000 columns")


def test_json_that_nests_too_deeply_is_refused(files):
    files.put("deep.json", b'{"id":3,"name":' + b"[" * 1001 + b"]" * 1001 + b"}\n")
    parser = {"type": "json", "columns": COLUMNS}
    text = json.dumps(files.document("deep.json"))
    document = json.loads(text)
    document["in"]["parser"] = parser
    files.refuse(lambda: files.issue_text(json.dumps(document)), "deep.json", "deep")


def test_yaml_that_nests_too_deeply_is_refused(files):
    files.refuse(lambda: files.issue_text("in: " + "[" * 100 + "]" * 100 + "\n"), "load.yml:1", "deep")


def test_yaml_aliases_that_multiply_are_refused(files):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += ["a%d: &a%d [%s]" % (i, i, ", ".join(["*a%d" % (i - 1)] * 10)) for i in range(1, 9)]
    files.refuse(lambda: files.issue_text("\n".join(lines) + "\n"), "load.yml:")


def test_a_configuration_that_is_too_large_is_refused(files):
    files.refuse(lambda: files.issue_text("in: {}\n#" + "x" * (17 << 20) + "\n"), "load.yml", "large")


def test_a_pattern_that_explodes_rejects_its_rows(files):
    files.put("boom.csv", b"id,name\n3," + b"a" * 60 + b"!\n4,b\n")
    filters = [{"type": "where", "all": [{"column": "name", "operator": "matches", "value": "^(a+)+$|b"}]}]
    result = files.issue("boom.csv", filters=filters)
    assert result.status == 0 and result.has("rejected", "boom.csv:2", "limit"), result.text
    assert files.penstock.ids() == [1, 2, 4]


def test_a_time_zone_or_name_that_is_too_long_is_a_rejected_record(files):
    files.put("zone.csv", b"id,name\n3,2020-01-01 00:00:00 " + b"Z" * 70_000 + b"\n")
    columns = [COLUMNS[0], {"name": "at", "type": "timestamp", "format": "%Y-%m-%d %H:%M:%S %Z"}]
    result = files.issue("zone.csv", {"columns": columns})
    assert result.status == 0 and result.has("rejected"), result.text[-2000:]
