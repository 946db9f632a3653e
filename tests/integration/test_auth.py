"""Every way to say who is asking, against the server's own signature, session and role checks."""
import json
import os

import pytest

from s3_client import S3Client

KEYLESS = {"access_key_id": None, "secret_access_key": None}
ROLE_ACCOUNT = "123456789012"  # a tenant of the server: the account in its ARNs
ASSUMER = ("ASSUMERTESTKEY000001", "assumer-secret-key-0000000000001")


@pytest.fixture
def one_object(s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\n2,y\n")


@pytest.fixture(scope="session")
def role(gateway, s3):
    """A role `loader` of the account that may read buckets, and a user who may assume it."""
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRole"],
        "Principal": {"AWS": ["arn:aws:iam::%s:user/assumer" % ROLE_ACCOUNT]}}]}
    rights = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::*"}]}
    gateway.admin("user", "create", "--tenant", ROLE_ACCOUNT, "--uid", "assumer", "--display-name", "assumer",
                  "--access-key", ASSUMER[0], "--secret-key", ASSUMER[1])
    gateway.admin("role", "create", "--tenant", ROLE_ACCOUNT, "--role-name", "loader",
                  "--assume-role-policy-doc", json.dumps(trust))
    gateway.run("radosgw-admin", "-c", gateway.path("ceph.conf"), "-n", "client.rgw", "role-policy", "put",
                "--tenant", ROLE_ACCOUNT, "--role-name", "loader", "--policy-name", "read",
                "--policy-doc", json.dumps(rights))
    client = S3Client(gateway.endpoint, ASSUMER)
    client.create_bucket("role-bucket")
    client.put("role-bucket", "a.csv", "id,name\n1,x\n2,y\n")


def test_basic_keys_load(penstock, one_object):
    penstock.load(auth_method="basic")
    assert penstock.ids() == [1, 2]


def test_basic_is_the_default_method(penstock, one_object):
    penstock.load()
    assert penstock.ids() == [1, 2]


def test_session_token_loads(penstock, s3, one_object):
    access, secret, token = s3.session_token()
    penstock.load(auth_method="session", access_key_id=access, secret_access_key=secret, session_token=token)
    assert penstock.ids() == [1, 2]


def test_session_with_a_wrong_token_is_refused(penstock, s3, one_object):
    access, secret, token = s3.session_token()
    config = penstock.config(auth_method="session", access_key_id=access, secret_access_key=secret,
                             session_token=token[:-8] + "AAAAAAA=")
    result = penstock.issue(config, status=77)
    assert secret not in result.text and token not in result.text


def test_anonymous_reads_a_public_bucket(penstock, s3, bucket, one_object):
    s3.allow_public_read(bucket)
    penstock.load(auth_method="anonymous", **KEYLESS)
    assert penstock.ids() == [1, 2]


def test_anonymous_is_refused_by_a_private_bucket(penstock, one_object):
    penstock.issue(penstock.config(auth_method="anonymous", **KEYLESS), status=77)


def test_basic_without_keys_becomes_anonymous_with_a_warning(penstock, s3, bucket, one_object):
    s3.allow_public_read(bucket)
    result = penstock.load(**KEYLESS)
    assert penstock.ids() == [1, 2]
    assert result.has("anonymous")


@pytest.mark.parametrize("names", [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                                   ("AWS_ACCESS_KEY", "AWS_SECRET_KEY")])
def test_env_keys_load(penstock, s3, one_object, names):
    penstock.load(auth_method="env", env=dict(zip(names, s3.credentials)), **KEYLESS)
    assert penstock.ids() == [1, 2]


def test_env_session_token_loads(penstock, s3, one_object):
    access, secret, token = s3.session_token()
    penstock.load(auth_method="env", **KEYLESS, env={
        "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token})
    assert penstock.ids() == [1, 2]


def write_profile(penstock, name, keys):
    path = os.path.join(penstock.folder, "credentials")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n\n"
                   "# a comment\n[%s]\naws_access_key_id=%s\naws_secret_access_key = %s\n" % (name, *keys[:2]))
    return path


def test_profile_of_a_file_loads(penstock, s3, one_object):
    path = write_profile(penstock, "loader", s3.credentials)
    penstock.load(auth_method="profile", profile_file=path, profile_name="loader", **KEYLESS)
    assert penstock.ids() == [1, 2]


def test_profile_that_does_not_exist_is_named(penstock, s3, one_object):
    path = write_profile(penstock, "loader", s3.credentials)
    result = penstock.issue(penstock.config(auth_method="profile", profile_file=path, profile_name="nobody-here",
                                            **KEYLESS), status=77)
    assert result.has("nobody-here", "credentials")


def test_default_chain_finds_the_profile_file(penstock, s3, one_object):
    path = write_profile(penstock, "loader", s3.credentials)
    penstock.load(auth_method="default", **KEYLESS,
                  env={"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "loader"})
    assert penstock.ids() == [1, 2]


def test_default_chain_prefers_the_environment(penstock, s3, one_object):
    path = write_profile(penstock, "loader", ("wrong", "wrong"))
    penstock.load(auth_method="default", **KEYLESS, env={
        "AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "loader",
        "AWS_ACCESS_KEY_ID": s3.credentials[0], "AWS_SECRET_ACCESS_KEY": s3.credentials[1]})
    assert penstock.ids() == [1, 2]


def test_assumed_role_loads(penstock, gateway, role):
    penstock.load(auth_method="assume_role", account_id=ROLE_ACCOUNT, role_name="loader", bucket="role-bucket",
                  **KEYLESS, env={"AWS_ENDPOINT_URL_STS": gateway.endpoint, "AWS_REGION": "us-east-1",
                                  "AWS_ACCESS_KEY_ID": ASSUMER[0], "AWS_SECRET_ACCESS_KEY": ASSUMER[1]})
    assert penstock.ids() == [1, 2]


def test_role_that_may_not_be_assumed_is_refused(penstock, gateway, s3, role):
    result = penstock.issue(
        penstock.config(auth_method="assume_role", account_id=ROLE_ACCOUNT, role_name="loader",
                        bucket="role-bucket", **KEYLESS),
        env={"AWS_ENDPOINT_URL_STS": gateway.endpoint, "AWS_REGION": "us-east-1",
             "AWS_ACCESS_KEY_ID": s3.credentials[0], "AWS_SECRET_ACCESS_KEY": s3.credentials[1]}, status=77)
    assert result.has("loader")


@pytest.mark.parametrize("changes, message", [
    ({"auth_method": "basic", "session_token": "t"}, "Invalid option is set: session_token"),
    ({"auth_method": "anonymous"}, "Invalid option is set: access_key_id"),
    ({"auth_method": "basic", "secret_access_key": None}, "Required option is not set: 'secret_access_key'"),
    ({"auth_method": "session"}, "Required option is not set: 'session_token'"),
    ({"auth_method": "session", "access_key_id": None},
     "Required option is not set: 'access_key_id', 'secret_access_key', 'session_token'"),
    ({"auth_method": "assume_role", "role_name": "r", **KEYLESS}, "Required option is not set: 'account_id'"),
    ({"auth_method": "token"}, "Unknown auth_method 'token'"),
])
def test_wrong_combination_is_named_before_any_request(through_proxy, proxy, changes, message):
    result = through_proxy.issue(through_proxy.config(**changes), status=1)
    assert result.has(message), result.text
    assert proxy.requests == []
    assert through_proxy.credentials[1] not in result.text
