"""Schedules over the API, and what the server makes of them."""
import re

from api import Server, TdClient
from penstock import wait_for
from test_api import TIME, config_of, refused


def create(penstock, td, **members):
    # never due while a test runs, but for those that say so
    words = {"name": "daily import", "cron": "10 0 29 2 *", "timezone": "Asia/Tokyo", "delay": 60,
             "database": "sample_db", "table": "tab", "config": config_of(penstock)}
    words.update(members)
    return td.create_session(**words)


def test_session_is_made_shown_changed_and_deleted(penstock, td):
    made = create(penstock, td)
    assert (made["name"], made["cron"], made["timezone"], made["delay"]) == \
        ("daily import", "10 0 29 2 *", "Asia/Tokyo", 60)
    assert made["config"]["in"]["secret_access_key"] == "***" and made["config_diff"] == {}
    assert TIME.match(made["next_time"])
    assert td.show_session("daily import") == made
    assert [each["name"] for each in td.sessions()] == ["daily import"]
    changed = td.update_session("daily import", name="yearly", cron="0 0 1 1 *", config_diff={"in": {"last_path": "a/b"}})
    assert (changed["name"], changed["cron"], changed["config_diff"]) == \
        ("yearly", "0 0 1 1 *", {"in": {"last_path": "a/b"}})
    assert changed["timezone"] == "Asia/Tokyo" and changed["config"] == made["config"]
    assert td.update_session("yearly", cron="")["next_time"] is None
    assert td.delete_session("yearly")["name"] == "yearly"
    refused(404, td.show_session, "yearly")
    refused(404, td.delete_session, "yearly")
    assert td.sessions() == []


def test_session_words_are_checked(penstock, td):
    assert "PST" in refused(400, create, penstock, td, timezone="PST")
    refused(400, create, penstock, td, cron="61 * * * *")
    refused(400, create, penstock, td, delay=-1)
    refused(404, create, penstock, td, database="no_such_db")
    refused(404, create, penstock, td, table="no_such_table")
    refused(400, td.create_session, name="x")
    create(penstock, td)
    refused(409, create, penstock, td)
    refused(404, td.update_session, "other", cron="")
    refused(404, td.run_session, "other")


def test_run_by_hand_continues_where_the_last_one_ended(penstock, s3, bucket, td):
    create(penstock, td, cron="")
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    assert td.wait(td.run_session("daily import", 1426000000)) == "success"
    assert td.show_session("daily import")["config_diff"]["in"]["last_path"] == "a.csv"
    s3.put(bucket, "b.csv", "id,name\n2,two\n")
    second = td.run_session("daily import")
    assert td.wait(second) == "success"
    newest, oldest = td.history("daily import")
    assert newest["job_id"] == second and (newest["records"], oldest["records"]) == (1, 1)
    assert oldest["scheduled_at"] == 1426000000 and newest["start_at"] <= newest["end_at"]
    assert newest["database"]["name"] == "sample_db" and newest["table"]["name"] == "tab"
    assert ["id", "long", ""] in newest["schema"]
    assert penstock.run("query", "-d", "sample_db", "-f", "csv", "SELECT count(*) AS n FROM tab").out == "n\n2\n"


def test_config_diff_rewinds(penstock, s3, bucket, td):
    create(penstock, td, cron="")
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    td.wait(td.run_session("daily import"))
    td.update_session("daily import", config_diff={"in": {"last_path": ""}})
    assert td.wait(td.run_session("daily import")) == "success"
    assert [run["records"] for run in td.history("daily import")] == [1, 1]


def test_server_runs_what_is_due(penstock, s3, bucket, td):
    """A schedule of every minute. Others may follow the first run before it is looked at: it is the last one listed."""
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    create(penstock, td, cron="* * * * *", timezone="UTC", delay=0)
    wait_for("the first run", lambda: [run["status"] for run in td.history("daily import")][-1:] == ["success"])
    first = td.history("daily import")[-1]
    assert first["scheduled_at"] % 60 == 0 and first["records"] == 1
    assert re.match(r"\d+$", first["job_id"])


def test_run_that_waits_for_another_continues_behind_it(through_proxy, proxy, s3, bucket):
    """The position is that of the moment it begins, not of the moment it was asked for."""
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    with Server(through_proxy) as server:
        td = TdClient.with_table(server)
        create(through_proxy, td, cron="")
        waiting = []
        proxy.before(lambda: waiting.append(td.run_session("daily import")), key="a.csv")
        first = td.run_session("daily import")
        assert td.wait(first) == "success"
        assert td.wait(waiting[0]) == "success"
        assert waiting[0] != first
        assert [run["records"] for run in td.history("daily import")] == [0, 1]
