"""Connections: credentials stored once, named by configurations, on the real server."""
import json
import os

import pytest


@pytest.fixture
def stored(penstock, s3, bucket):
    """An object, and a connection `prod` that may read it."""
    s3.put(bucket, "a.csv", "id,name\n1,x\n2,y\n")
    access, secret = penstock.credentials[:2]
    penstock.write(json.dumps({"endpoint": penstock.endpoint, "access_key_id": access,
                               "secret_access_key": secret}), "prod.yml")
    penstock.run("connection:create", "prod", "prod.yml")
    os.remove(os.path.join(penstock.folder, "prod.yml"))
    return {"endpoint": None, "access_key_id": None, "secret_access_key": None}


def everything_stored(penstock):
    for folder, _, names in os.walk(penstock.folder):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                yield os.path.join(folder, name), file.read()


def test_connection_is_used_by_name(penstock, stored):
    penstock.load(connection="prod", **stored)
    assert penstock.ids() == [1, 2]


def test_connection_is_used_by_number(penstock, stored):
    penstock.load(td_authentication_id=1, **stored)
    assert penstock.ids() == [1, 2]


def test_connection_serves_preview_guess_and_doctor(penstock, stored):
    config = penstock.config(connection="prod", **stored)
    assert '"id":1' in penstock.run("connector:preview", config, "-f", "jsonl").out
    penstock.run("doctor", config)
    seed = penstock.config("seed.yml", connection="prod", parser=None, **stored)
    penstock.run("connector:guess", seed, "-o", "guessed.yml")
    with open(os.path.join(penstock.folder, "guessed.yml"), encoding="utf-8") as file:
        guessed = file.read()
    assert "connection: prod" in guessed
    assert penstock.credentials[1] not in guessed and penstock.credentials[0] not in guessed


def test_keys_of_the_configuration_win(penstock, stored):
    result = penstock.issue(penstock.config(connection="prod", endpoint=None, access_key_id="AKIANOBODY",
                                            secret_access_key="wrong"), status=None)
    assert result.status != 0 and result.has("AKIANOBODY") or result.status == 77, result.text


def test_secret_is_in_no_file(penstock, stored):
    penstock.load(connection="prod", **stored)
    penstock.run("job:show", 1, "-v")
    secret = penstock.credentials[1].encode()
    assert [path for path, data in everything_stored(penstock) if secret in data] == []


def test_changed_connection_is_used_by_the_next_run(penstock, stored):
    penstock.load(connection="prod", **stored)
    penstock.write("access_key_id: AKIANOBODY\nsecret_access_key: wrong\nendpoint: %s\n" % penstock.endpoint,
                   "prod.yml")
    penstock.run("connection:update", "prod", "prod.yml")
    penstock.issue(penstock.config(connection="prod", **stored), status=77)
    assert penstock.ids() == [1, 2]


def test_connection_test_says_what_works(penstock, stored, bucket):
    assert penstock.run("connection:test", "prod", bucket).has("ok")
    missing = penstock.run("connection:test", "prod", "no-such-bucket-here", status=None)
    assert missing.status != 0 and missing.has("no-such-bucket-here"), missing.text


def test_missing_connection_names_its_place(penstock, stored):
    result = penstock.issue(penstock.config(connection="nobody", **stored), status=1)
    assert result.has("load.yml:", "connection 'nobody' does not exist"), result.text


def test_key_of_another_home_cannot_open_it(penstock, stored):
    with open(os.path.join(penstock.home, "secret.key"), "r+b") as file:
        file.write(os.urandom(32))
    result = penstock.issue(penstock.config(connection="prod", **stored), status=1)
    assert penstock.credentials[1] not in result.text
