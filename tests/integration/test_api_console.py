"""What the console and probes need: metrics, logs as they are written, rejects, objects, options;
and the API's own description."""
import http.client
import json
import threading

from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

import openapi_check
from penstock import PATIENCE_SECONDS, wait_for
from test_api import SLOW, config_of


# -- the description


def test_description_is_valid_openapi():
    OpenAPIV31SpecValidator(openapi_check.document()).validate()


def test_description_has_exactly_the_routes_of_the_program(penstock):
    routes = [line.split("\t") for line in penstock.run("server", "--routes").out.splitlines()]
    program = {(method, pattern): summary for method, pattern, _, summary in routes}
    described = {}
    for path, item in openapi_check.document()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                described[method.upper(), path.replace("{", ":").replace("}", "")] = operation["summary"]
    assert described == program


def test_open_calls_are_those_without_security(penstock):
    routes = [line.split("\t") for line in penstock.run("server", "--routes").out.splitlines()]
    for method, pattern, role, _ in routes:
        path = "/".join("{%s}" % part[1:] if part.startswith(":") else part for part in pattern.split("/"))
        operation = openapi_check.document()["paths"][path][method.lower()]
        assert (operation.get("security") == []) == (role == "anybody"), pattern


# -- metrics


def metrics_of(server):
    reply = server.ask("GET", "/metrics")
    assert reply.status == 200 and reply.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in text_string_to_metric_families(reply.body.decode()):
        assert family.documentation and family.type in ("counter", "gauge", "histogram")
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def value(samples, name, **labels):
    return samples[name, tuple(sorted(labels.items()))]


def wait_for_metrics(server, what, is_right):
    """The first samples for which is_right(samples) is true."""
    seen = []

    def look():
        seen[:] = [metrics_of(server)]
        return is_right(seen[0])

    wait_for(what, look)
    return seen[0]


def test_metrics_count_what_happened(penstock, s3, bucket, server, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n2,two\nx,bad\n")
    s3.put(bucket, "b.csv", "id,name\n3,three\n")
    before = metrics_of(server)
    assert value(before, "penstock_rows_total") == 0
    assert td.wait(td.issue("sample_db", "tab", config_of(penstock))) == "success"
    assert td.wait(td.issue("sample_db", "tab", config_of(penstock, bucket="no-such-bucket-here"))) == "error"
    assert td.wait(td.query("SELECT 1", "sample_db")) == "success"
    # a job is counted by its worker after its end has been written
    after = wait_for_metrics(server, "three ended jobs", lambda samples: 3 == sum(
        count for (name, _), count in samples.items() if name == "penstock_jobs_total"))
    assert value(after, "penstock_jobs_running") == 0
    assert value(after, "penstock_jobs_total", type="bulkload", status="success") == 1
    assert value(after, "penstock_jobs_total", type="bulkload", status="error") == 1
    assert value(after, "penstock_jobs_total", type="presto", status="success") == 1
    assert value(after, "penstock_rows_total") == 3
    assert value(after, "penstock_objects_total") == 2
    assert value(after, "penstock_rejects_total", reason="bad_long") == 1
    assert value(after, "penstock_bytes_total", stage="stored") == 42
    assert value(after, "penstock_bytes_total", stage="plain") == 42
    assert value(after, "penstock_bytes_total", stage="written") > 100
    assert value(after, "penstock_s3_requests_total", operation="list") >= 2
    assert value(after, "penstock_s3_requests_total", operation="get") >= 2
    assert value(after, "penstock_job_duration_seconds_count", type="bulkload") == 2
    assert value(after, "penstock_job_duration_seconds_bucket", type="bulkload", le="+Inf") == 2
    assert value(after, "penstock_http_requests_total", code="200") > value(before, "penstock_http_requests_total",
                                                                            code="200")
    assert value(after, "penstock_queue_depth") == 0
    assert value(after, "penstock_schedule_lag_seconds") == 0
    assert value(after, "process_resident_memory_bytes") > 1e6


def test_metrics_see_the_queue(penstock, td):
    ids = [td.query(SLOW, "sample_db") for _ in range(4)]
    samples = wait_for_metrics(td.server, "two running jobs",
                               lambda samples: value(samples, "penstock_jobs_running") == 2)
    assert value(samples, "penstock_queue_depth") == 2
    assert value(samples, "penstock_queue_oldest_seconds") > 0
    for job_id in ids:
        td.kill(job_id)


def test_metrics_need_a_key(server):
    assert server.ask("GET", "/metrics", headers={"Authorization": "TD1 wrong"}).status == 401


# -- logs


def events_of(server, job_id, headers=None, events=None):
    """The events of a job's stream until it ends: (event, data, id); put into `events` as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/api/v1/jobs/%s/log" % job_id,
                       headers=dict(headers or {}, Authorization="TD1 " + server.penstock.api_key))
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream"
    events, fields = [] if events is None else events, {}
    for line in response:
        line = line.decode().rstrip("\n")
        if line and not line.startswith(":"):
            fields.update([line.split(": ", 1)])
        elif not line and fields:
            events.append((fields["event"], fields["data"], fields.get("id")))
            fields = {}
    connection.close()
    return events


def test_log_stream_follows_a_running_job_to_its_end(penstock, s3, bucket, server, td):
    busy = [td.query(SLOW, "sample_db") for _ in range(2)]
    s3.put(bucket, "a.csv", "id,name\n1,one\nx,bad\n")
    job_id = td.issue("sample_db", "tab", config_of(penstock))
    events = []
    reader = threading.Thread(target=events_of, args=(server, job_id), kwargs={"events": events}, daemon=True)
    reader.start()
    wait_for("the state of the waiting job", lambda: events)
    for each in busy:
        wait_for("running", lambda: td.job_status(each) != "queued")  # noqa: B023 (called at once)
        td.kill(each)
    reader.join(timeout=PATIENCE_SECONDS)
    assert not reader.is_alive()
    progress = [json.loads(data) for event, data, _ in events if event == "progress"]
    assert progress[0]["status"] == "queued"
    output = [data for event, data, _ in events if event == "output"]
    assert output == td.show_job(job_id)["debug"]["cmdout"].splitlines()
    engine = [data for event, data, _ in events if event == "engine"]
    assert engine == td.show_job(job_id)["debug"]["stderr"].splitlines()
    event, data, _ = events[-1]
    assert event == "end" and json.loads(data)["status"] == "success" and json.loads(data)["num_records"] == 1


def test_log_stream_goes_on_behind_the_last_event(penstock, s3, bucket, server, td):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    job_id = td.issue("sample_db", "tab", config_of(penstock))
    assert td.wait(job_id) == "success"
    events = events_of(server, job_id)
    outputs = [each for each in events if each[0] == "output"]
    rest = events_of(server, job_id, {"Last-Event-ID": outputs[1][2]})
    assert [each for each in rest if each[0] == "output"] == outputs[2:]


def test_log_of_an_unknown_job_is_404(server):
    assert server.ask("GET", "/api/v1/jobs/4711/log").status == 404


# -- rejects, objects, options, settings


def test_rejects_and_objects_come_in_pages(penstock, s3, bucket, server, td):
    for i in range(5):
        s3.put(bucket, "part%d.csv" % i, "id,name\n%d,n\nx%d,bad\n" % (i, i))
    job_id = td.issue("sample_db", "tab", config_of(penstock))
    assert td.wait(job_id) == "success"
    reply = server.ask("GET", "/api/v1/jobs/%s/rejects?skip=1&max=2" % job_id).json
    everything = server.ask("GET", "/api/v1/jobs/%s/rejects" % job_id).json
    assert (reply["rejected"], len(reply["rejects"]), len(everything["rejects"])) == (5, 2, 5)
    assert reply["rejects"] == everything["rejects"][1:3]
    assert {each["raw"] for each in everything["rejects"]} == {"x%d,bad" % i for i in range(5)}
    objects = server.ask("GET", "/api/v1/jobs/%s/objects?max=3" % job_id).json["objects"]
    assert [(each["key"], each["rows"], each["rejected"]) for each in objects] == \
        [("part%d.csv" % i, 1, 1) for i in range(3)]
    assert server.ask("GET", "/api/v1/jobs/%s/objects?max=0" % job_id).status == 400


def test_options_are_those_that_configurations_have(server):
    options = server.ask("GET", "/api/v1/options").json
    s3_source = next(each for each in options["sources"] if each["name"] == "s3")
    secret = next(each for each in s3_source["options"] if each["key"] == "secret_access_key")
    assert secret["is_secret"] and {each["name"] for each in options["parsers"]} >= {"csv", "json"}


def test_settings_are_shown(server):
    settings = server.ask("GET", "/api/v1/settings").json
    assert settings["settings"]["server_workers"] == 2
    assert {option["key"] for option in settings["options"]} == set(settings["settings"])


def test_files_of_the_machine_are_for_admins(penstock, server, td, tmp_path):
    (tmp_path / "local.csv").write_text("id\n1\n")
    config = {"in": {"type": "file", "path_prefix": str(tmp_path / "local"),
                     "parser": {"type": "csv", "skip_header_lines": 1, "columns": [{"name": "id", "type": "long"}]}}}
    assert td.preview(config)["records"] == [[1]]
    penstock.run("user:create", "worker", "--role", "operator")
    key = penstock.run("key:create", "--user", "worker", "--label", "tests").out.split()[-1]
    reply = server.ask("POST", "/v3/bulk_loads/preview", json.dumps({"config": config}),
                       {"Content-Type": "application/json", "Authorization": "TD1 " + key})
    assert reply.status == 403 and "files of the server" in reply.json["error"]
