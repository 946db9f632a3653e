"""Treasure Data's own client for Python, unchanged, against the real server.

It waits for minutes where a reply is 500 or more, so such a reply also shows as a test that does not end."""
import pytest
import tdclient
from tdclient import errors

from penstock import wait_for
from test_api import config_of


@pytest.fixture
def client(server):
    with tdclient.Client(apikey=server.penstock.api_key, endpoint=server.url + "/", max_cumul_retry_delay=-1) as made:
        yield made


@pytest.fixture
def table(client):
    client.create_database("sample_db")
    client.create_log_table("sample_db", "tab")


def finished(client, job_id):
    """The job when it has ended."""
    wait_for("the job's end", lambda: client.job_status(job_id) in ("success", "error", "killed"))
    return client.job(job_id)


def test_server_is_up(client):
    assert client.server_status() == "ok"


def test_databases_and_tables(client, table):
    database, = client.databases()
    assert (database.name, database.count, database.permission) == ("sample_db", 0, "administrator")
    assert database.created_at.tzinfo is not None
    client.update_schema("sample_db", "tab", [["id", "long"], ["name", "string"]])
    client.update_expire("sample_db", "tab", 7)
    made, = client.tables("sample_db")
    assert (made.name, made.type, made.count, made.expire_days) == ("tab", "log", 0, 7)
    assert made.schema == [["id", "long"], ["name", "string"]]
    client.create_log_table("sample_db", "other")
    client.swap_table("sample_db", "tab", "other")
    assert client.table("sample_db", "other").schema == made.schema
    assert client.delete_table("sample_db", "tab") == "log"
    client.delete_database("sample_db")
    assert client.databases() == []


def test_errors_are_of_the_clients_classes(client, table, penstock):
    with pytest.raises(errors.AlreadyExistsError):
        client.create_database("sample_db")
    with pytest.raises(errors.NotFoundError):
        client.job(4711)
    with pytest.raises(errors.NotFoundError):
        client.api.connector_show("no such")
    with pytest.raises(errors.AuthError):
        tdclient.Client(apikey="wrong", endpoint=client.api.endpoint).databases()
    penstock.run("user:create", "eve", "--role", "viewer")
    key = penstock.run("key:create", "--user", "eve").out.split()[-1]
    with pytest.raises(errors.ForbiddenError):
        tdclient.Client(apikey=key, endpoint=client.api.endpoint).create_database("other_db")
    with pytest.raises(errors.APIError, match="^400: "):
        client.query("sample_db", "")


@pytest.mark.parametrize("kind", ["presto", "hive"])
def test_query_runs_and_its_rows_come(client, table, kind):
    sql = "SELECT 1 AS a, 'zwei \u00fc & +' AS b, NULL AS c UNION ALL SELECT 2, '', 2.5 ORDER BY 1"
    issued = client.query("sample_db", sql, type=kind, priority="HIGH", retry_limit=1)
    job = finished(client, issued.job_id)
    assert job.success() and job.type == kind and job.query == sql and job.priority == "HIGH"
    assert [name for name, _ in job.result_schema] == ["a", "b", "c"] and job.num_records == 2
    expected = [[1, "zwei \u00fc & +", None], [2, "", 2.5]]
    assert list(job.result()) == expected
    assert list(job.result_format("json")) == expected
    assert [each.job_id for each in client.jobs()] == [issued.job_id]
    assert client.jobs(status="error") == []
    assert client.job_status(issued.job_id) == "success"
    assert client.kill(issued.job_id) == "success"


def test_load_is_guessed_previewed_and_issued(client, table, penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n" + "".join("%d,n%d\n" % (i, i) for i in range(30)))
    seed = {"in": {key: value for key, value in penstock.source().items() if key != "parser"}}
    guessed = client.api.connector_guess(seed)
    assert guessed["config"]["in"]["parser"]["columns"][0] == {"name": "id", "type": "long"}
    preview = client.api.connector_preview(guessed)
    assert [column["name"] for column in preview["schema"]] == ["id", "name"]
    assert preview["records"][0] == [0, "n0"]
    job = finished(client, client.api.connector_issue("sample_db", "tab", guessed))
    assert job.success() and job.num_records == 30 and job.type == "bulkload"
    assert sorted(row["id"] for row in client.tail("sample_db", "tab", 100)) == list(range(30))


@pytest.mark.parametrize("name", ["daily_import", "daily import", "a?b=c&d#e;f", "100%", "1+1", "t\u00e4glich"])
def test_schedule_lives_whatever_its_name(client, table, penstock, s3, bucket, name):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    config = config_of(penstock)
    made = client.api.connector_create(name, "sample_db", "tab", {"config": config},
                                       {"cron": "10 0 29 2 *", "timezone": "Asia/Tokyo", "delay": 5})
    assert (made["name"], made["timezone"]) == (name, "Asia/Tokyo")
    assert client.api.connector_show(name) == made and client.api.connector_list() == [made]
    run = client.api.connector_run(name, scheduled_time=1426000000)
    assert finished(client, run["job_id"]).success()
    history, = client.api.connector_history(name)
    assert (history["job_id"], history["records"], history["scheduled_at"]) == (run["job_id"], 1, 1426000000)
    assert client.api.connector_update(name, {"cron": "0 0 1 1 *"})["cron"] == "0 0 1 1 *"
    assert client.api.connector_delete(name)["name"] == name
    assert client.api.connector_list() == []
