"""The HTTP API against a real server: what the original's own client asks, and what it gets."""
import csv
import gzip
import io
import json
import re

import pytest

from api import TdError
from penstock import wait_for

SLOW = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c"  # for hours
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")


def config_of(penstock, **changes):
    return {"in": penstock.source(**changes), "out": {"mode": "append"}}


def refused(code, call, *arguments, **options):
    """The message of a call that must fail with that status."""
    with pytest.raises(TdError) as failed:
        call(*arguments, **options)
    assert failed.value.status == code, failed.value
    body = failed.value.reply.json
    assert body["error"] == body["message"]
    return body["message"]


# -- loads


def test_load_from_s3_is_issued_watched_and_read(penstock, s3, bucket, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n2,two\nx,bad\n")
    job_id = td.issue("sample_db", "tab", config_of(penstock))
    assert td.wait(job_id) == "success"
    job = td.show_job(job_id)
    assert (job["type"], job["database"], job["table"]) == ("bulkload", "sample_db", "tab")
    assert (job["num_records"], job["rejected"], job["objects"]) == (2, 1, 1)
    assert all(TIME.match(job[key]) for key in ("created_at", "updated_at", "start_at", "end_at"))
    assert "Skipped line" in job["debug"]["cmdout"] and "a.csv:4" in job["debug"]["cmdout"]
    assert "info" in job["debug"]["stderr"]
    assert [(row["id"], row["name"]) for row in td.tail("sample_db", "tab", 10)] == [(1, "one"), (2, "two")]


def test_secrets_are_in_no_reply_and_no_file_but_sealed(penstock, s3, bucket, server, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    secret = penstock.source()["secret_access_key"]
    job_id = td.issue("sample_db", "tab", config_of(penstock))
    td.wait(job_id)
    job = td.show_job(job_id)
    assert job["query"]["in"]["secret_access_key"] == "***"
    assert secret not in json.dumps(job) + json.dumps(td.list_jobs()) + server.log()
    with open(penstock.home + "/catalog.sqlite", "rb") as catalog:
        assert secret.encode() not in catalog.read()


def test_guess_completes_and_keeps_the_seed(penstock, s3, bucket, td):
    s3.put(bucket, "a.csv", "id,name\n" + "".join("%d,name%d\n" % (i, i) for i in range(50)))
    seed = {"in": {key: value for key, value in penstock.source().items() if key != "parser"}}
    guessed = td.guess(seed)
    assert guessed["in"]["secret_access_key"] == seed["in"]["secret_access_key"]
    assert guessed["in"]["parser"]["type"] == "csv"
    assert [(c["name"], c["type"]) for c in guessed["in"]["parser"]["columns"]] == \
        [("id", "long"), ("name", "string")]


def test_preview_shows_schema_and_rows(penstock, s3, bucket, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n2,\n")
    preview = td.preview(config_of(penstock))
    assert preview["schema"] == [{"index": 0, "name": "id", "type": "long"},
                                 {"index": 1, "name": "name", "type": "string"}]
    assert preview["records"][0] == [1, "one"] and len(preview["records"]) == 2


def test_sample_also_tells_rejected_records(penstock, s3, bucket, server, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\nx,bad\n")
    reply = server.ask("POST", "/api/v1/samples", json.dumps({"config": config_of(penstock)}),
                       {"Content-Type": "application/json"}).json
    assert (reply["rows"], reply["rejected"]) == (1, 1)
    assert reply["rejects"][0]["line"] == 3 and reply["rejects"][0]["raw"] == "x,bad"


def test_what_a_source_answers_is_no_server_error(penstock, td):
    """Clients try again for minutes after a status of 500 or more."""
    missing = config_of(penstock, bucket="no-such-bucket-here")
    assert "no-such-bucket-here" in refused(422, td.preview, missing)
    assert "no-such-bucket-here" in refused(422, td.guess, missing)
    refused(422, td.preview, config_of(penstock, secret_access_key="wrong"))


def test_wrong_words_are_bad_requests(penstock, td):
    assert "pasrer" in refused(400, td.preview, config_of(penstock, pasrer={}))
    assert "config" in refused(400, td.request, "POST", "/v3/bulk_loads/preview", body={})
    assert refused(400, td.request, "POST", "/v3/bulk_loads/preview", body=[1])
    assert "table" in refused(400, td.request, "POST", "/v3/job/issue/bulkload/sample_db",
                              body={"config": config_of(penstock)})


def test_issue_needs_database_and_table(penstock, td):
    assert "no_such_db" in refused(404, td.issue, "no_such_db", "tab", config_of(penstock))
    assert "no_such_table" in refused(404, td.issue, "sample_db", "no_such_table", config_of(penstock))
    assert td.list_jobs() == []


def test_domain_key_makes_issuing_idempotent(penstock, s3, bucket, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    job_id = td.issue("sample_db", "tab", config_of(penstock), domain_key="run-1")
    with pytest.raises(TdError) as failed:
        td.issue("sample_db", "tab", config_of(penstock), domain_key="run-1")
    assert failed.value.status == 409
    assert failed.value.reply.json["details"] == {"conflicts_with": int(job_id)}


def test_kill_says_what_the_job_was(td):
    job_id = td.query(SLOW, "sample_db")
    wait_for("running", lambda: td.job_status(job_id) != "queued")
    assert td.kill(job_id) in ("booting", "running")
    assert td.wait(job_id) == "killed"
    assert td.kill(job_id) == "killed"
    refused(404, td.kill, 4711)


# -- queries

EVERY_TYPE = """SELECT * FROM (VALUES
 (1, 2.5::DOUBLE, 'a "b",c', true, [1, 2], {'k': 'v'}, TIMESTAMP '2026-01-02 03:04:05', ''),
 (NULL, 'NaN'::DOUBLE, 'é', false, NULL, NULL, NULL, NULL)) t(i, d, s, b, l, m, ts, e)"""


def test_query_result_in_every_format(td):
    job_id = td.query(EVERY_TYPE, "sample_db")
    assert td.wait(job_id) == "success", td.show_job(job_id)
    first, second = td.rows(job_id)
    assert gzip.decompress(td.result(job_id, "msgpack.gz")) == td.result(job_id, "msgpack")
    assert first == [1, 2.5, 'a "b",c', True, [1, 2], {"k": "v"}, "2026-01-02T03:04:05Z", ""]
    assert second[0] is None and second[1] != second[1] and second[2:] == ["é", False, None, None, None, None]
    as_json = [json.loads(line) for line in td.result(job_id, "json").decode().splitlines()]
    assert as_json == [first, [None, "NaN"] + second[2:]]
    rows = list(csv.reader(io.StringIO(td.result(job_id, "csv").decode())))
    assert rows == [["1", "2.5", 'a "b",c', "true", "[1,2]", '{"k":"v"}', "2026-01-02T03:04:05Z", ""],
                    ["", "NaN", "é", "false", "", "", "", ""]]
    tsv = list(csv.reader(io.StringIO(td.result(job_id, "tsv").decode()), delimiter="\t"))
    assert tsv == rows
    job = td.show_job(job_id)
    assert [name for name, _ in json.loads(job["hive_result_schema"])] == list("idsblm") + ["ts", "e"]
    assert (job["num_records"], job["query"]) == (2, EVERY_TYPE) and job["result_size"] > 0


def test_large_result_comes_whole_in_every_format(td):
    job_id = td.query("SELECT i, 'row ' || i AS s FROM range(300000) t(i) ORDER BY i", "sample_db")
    assert td.wait(job_id) == "success"
    expected = [[i, "row %d" % i] for i in range(300000)]
    assert td.rows(job_id) == expected
    assert [json.loads(line) for line in td.result(job_id, "json").splitlines()] == expected
    assert td.result(job_id, "csv").decode() == "".join("%d,%s\n" % tuple(row) for row in expected)


def test_longest_row_comes_whole_however_much_longer_json_makes_it(td):
    job_id = td.query("SELECT repeat(chr(1), 30000000) AS s", "sample_db")
    assert td.wait(job_id) == "success"
    assert td.result(job_id, "json") == b'["' + b"\\u0001" * 30000000 + b'"]\n'


def test_empty_result_is_empty(td):
    job_id = td.query("SELECT 1 WHERE false", "sample_db", kind="hive")
    assert td.wait(job_id) == "success"
    assert td.rows(job_id) == [] and td.result(job_id, "csv") == b"" and td.result(job_id, "json") == b""


def test_query_can_only_read(td):
    for sql in ("DROP TABLE tab", "SELECT * FROM read_csv('/etc/passwd')", "SELEC", "SELECT 1 FROM nowhere"):
        job_id = td.query(sql, "sample_db")
        assert td.wait(job_id) == "error"
        assert td.show_job(job_id)["debug"]["cmdout"] + td.show_job(job_id)["error"]
        refused(404, td.result, job_id)
    assert list(td.list_tables("sample_db")) == ["tab"]


def test_query_needs_words(td):
    refused(404, td.query, "SELECT 1", "no_such_db")
    refused(400, td.query, "", "sample_db")
    refused(422, td.query, "SELECT 1", "sample_db", result="s3://bucket/x")
    job_id = td.query("SELECT 1", "sample_db")
    td.wait(job_id)
    assert "format" in refused(400, td.result, job_id, "xml")


def test_list_is_newest_first_and_pages(td):
    ids = [td.query("SELECT %d" % i, "sample_db") for i in range(5)]
    for job_id in ids:
        td.wait(job_id)
    assert [job["job_id"] for job in td.list_jobs()] == ids[::-1]
    assert [job["job_id"] for job in td.list_jobs(1, 2)] == ids[::-1][1:3]
    assert td.list_jobs(status="error") == []
    assert len(td.list_jobs(status="success")) == 5
    assert td.list_jobs(slower_than=3600) == []
    refused(400, td.list_jobs, status="lost")
    refused(400, td.list_jobs, first="x")


# -- names


def test_databases_live_and_die(td):
    td.create_database("other_db")
    names = {database["name"]: database for database in td.list_databases()}
    assert set(names) == {"sample_db", "other_db"}
    assert names["other_db"]["count"] == 0 and TIME.match(names["other_db"]["created_at"])
    assert "already exists" in refused(409, td.create_database, "other_db")
    assert "3 and" in refused(400, td.create_database, "x")
    td.delete_database("other_db")
    refused(404, td.delete_database, "other_db")


def test_tables_live_and_die(td):
    td.create_table("sample_db", "second")
    refused(409, td.create_table, "sample_db", "second")
    refused(404, td.create_table, "no_such_db", "second")
    td.update_schema("sample_db", "second", [["id", "int"], ["name", "string"], ["x", "float"]])
    assert td.list_tables("sample_db")["second"]["schema"] == [["id", "long"], ["name", "string"], ["x", "double"]]
    assert "removed" in refused(422, td.update_schema, "sample_db", "second", [["id", "int"]])
    assert "id" in refused(422, td.update_schema, "sample_db", "second",
                           [["id", "string"], ["name", "string"], ["x", "float"]])
    refused(400, td.update_schema, "sample_db", "second", [["id", "array<int>"]])
    td.swap_table("sample_db", "tab", "second")
    assert td.list_tables("sample_db")["second"]["schema"] == []
    td.update_table("sample_db", "tab", expire_days=30)
    assert td.list_tables("sample_db")["tab"]["expire_days"] == 30
    assert td.delete_table("sample_db", "tab") == "log"
    refused(404, td.delete_table, "sample_db", "tab")
    refused(404, td.list_tables, "no_such_db")
    refused(404, td.tail, "sample_db", "tab", 1)
    assert "folder" in refused(422, td.request, "POST", "/v3/table/change_database/sample_db/second")


# -- the protocol


def test_unknown_paths_methods_and_types(server, td):
    assert "nothing" in refused(404, td.request, "GET", "/v3/no/such")
    reply = server.ask("DELETE", "/v3/job/list")
    assert reply.status == 405 and reply.headers["Allow"] == "GET"
    reply = server.ask("POST", "/v3/bulk_loads/guess", "<x/>", {"Content-Type": "application/xml"})
    assert reply.status == 415
    reply = server.ask("POST", "/v3/bulk_loads/guess", "{", {"Content-Type": "application/json"})
    assert reply.status == 400
    reply = server.ask("GET", "/v3/job/show/1%00")
    assert reply.status == 400
    refused(404, td.show_job, "abc")


def test_body_past_the_limit_is_refused(server):
    reply = server.ask("POST", "/v3/bulk_loads/guess", "x" * (17 << 20), {"Content-Type": "application/json"})
    assert reply.status == 413


def test_endpoint_is_asked_without_a_key(td):
    assert td.server_status() == "ok"


def test_probes(server):
    assert server.ask("GET", "/healthz").json["status"] == "ok"
    assert server.ask("GET", "/readyz").json["status"] == "ready"
