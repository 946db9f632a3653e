"""`penstock doctor`: it names what stands between a configuration and the rows, and changes nothing."""
import json

import pytest

STRANGER = ("STRANGERTESTKEY00001", "stranger-secret-key-000000000001")


@pytest.fixture(scope="session")
def stranger(gateway):
    """Keys of a user whom no bucket of the tests lets in."""
    gateway.admin("user", "create", "--uid", "stranger", "--display-name", "stranger",
                  "--access-key", STRANGER[0], "--secret-key", STRANGER[1])
    return {"access_key_id": STRANGER[0], "secret_access_key": STRANGER[1]}


def doctor(penstock, status=0, env=None, **changes):
    """The checks by name, and the result."""
    result = penstock.run("doctor", penstock.config(**changes), "-f", "jsonl", status=status, env=env)
    checks = {row["check"]: row for row in map(json.loads, result.out.splitlines())}
    for secret in (penstock.credentials[1], STRANGER[1]):
        assert secret not in result.text
    return checks, result


def test_all_checks_pass_when_all_is_well(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\n")
    before = penstock.state()
    checks, _ = doctor(penstock)
    assert [name for name, row in checks.items() if row["status"] == "failed"] == []
    for name in ("configuration", "credentials", "dns", "connect", "clock", "list", "get"):
        assert checks[name]["status"] == "ok", checks[name]
    assert penstock.state() == before


def test_origin_of_credentials_is_named(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\n")
    access, secret = s3.credentials[:2]
    checks, _ = doctor(penstock, auth_method="default", access_key_id=None, secret_access_key=None,
                       env={"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret})
    assert "AWS_ACCESS_KEY_ID" in checks["credentials"]["detail"]
    assert checks["get"]["status"] == "ok"


def test_missing_permission_is_named_with_the_least_policy(penstock, s3, bucket, stranger):
    s3.put(bucket, "logs/a.csv", "id,name\n1,x\n")
    checks, result = doctor(penstock, status=77, path_prefix="logs/", **stranger)
    assert checks["list"]["status"] == "failed"
    assert "s3:ListBucket" in checks["list"]["hint"]
    policy = json.loads(result.err[result.err.index("{"):result.err.rindex("}") + 1])
    assert [(s["Action"], s["Resource"]) for s in policy["Statement"]] == [
        ("s3:ListBucket", "arn:aws:s3:::" + bucket), ("s3:GetObject", "arn:aws:s3:::%s/logs/*" % bucket)]


def test_missing_permission_to_read_a_single_path(penstock, s3, bucket, stranger):
    s3.put(bucket, "a.csv", "id,name\n1,x\n")
    checks, result = doctor(penstock, status=77, path_prefix=None, path="a.csv", **stranger)
    assert checks["list"]["status"] == "skipped"
    assert "s3:GetObject" in checks["get"]["hint"]
    assert "ListBucket" not in result.text.replace(checks["list"]["detail"], "")


def test_wrong_secret_is_not_called_a_missing_permission(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\n")
    checks, result = doctor(penstock, status=77, secret_access_key="wrong")
    assert checks["list"]["status"] == "failed"
    assert "secret_access_key" in checks["list"]["hint"]
    assert "Statement" not in result.text


def test_wrong_bucket_is_named(penstock):
    checks, _ = doctor(penstock, status=1, bucket="no-such-bucket-anywhere")
    assert "no-such-bucket-anywhere" in checks["list"]["detail"]


def test_silent_service_is_found_before_any_signed_request(penstock):
    checks, _ = doctor(penstock, status=1, endpoint="http://127.0.0.1:1")
    assert checks["connect"]["status"] == "failed"
    assert checks["list"]["status"] == checks["get"]["status"] == "skipped"


def test_prefix_without_objects_is_a_warning(penstock):
    checks, _ = doctor(penstock, path_prefix="nothing/here")
    assert checks["list"]["status"] == "warning"
    assert checks["get"]["status"] == "skipped"
