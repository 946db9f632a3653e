"""Fixtures: one S3 server for the whole run, a bucket and a Penstock home of its own per test."""
import itertools
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from api import Server, TdClient  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from penstock import Penstock  # noqa: E402
from rgw import Gateway  # noqa: E402
from s3_client import S3Client  # noqa: E402

_bucket_numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "torture: has a long form, run by make torture (PENSTOCK_TORTURE=1)")


@pytest.fixture(scope="session")
def gateway():
    with Gateway() as running:
        yield running


@pytest.fixture(scope="session")
def s3(gateway):
    """A client with the rights of the test user, who may also use STS."""
    client = S3Client(gateway.endpoint, (gateway.access, gateway.secret))
    client.put_user_policy("tester", '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
                                     '"Action":["sts:*","s3:*"],"Resource":"*"}]}')
    return client


@pytest.fixture
def bucket(s3):
    """The name of a new, empty bucket."""
    name = "test-%04d" % next(_bucket_numbers)
    s3.create_bucket(name)
    return name


@pytest.fixture
def proxy(gateway):
    """A fault proxy in front of the server; every fault that a test adds must fire."""
    running = FaultProxy(gateway.port)
    yield running
    running.close()
    running.require_fired()


@pytest.fixture
def penstock(gateway, s3, bucket, tmp_path):
    """Penstock with an empty home, pointed at the test's bucket."""
    return Penstock(tmp_path, gateway.endpoint, bucket, s3.credentials)


@pytest.fixture
def through_proxy(proxy, s3, bucket, tmp_path):
    """Penstock with an empty home, pointed at the test's bucket behind the fault proxy."""
    return Penstock(tmp_path, proxy.endpoint, bucket, s3.credentials)


@pytest.fixture
def server(penstock):
    """`penstock server` over that home, with an API key."""
    with Server(penstock) as running:
        yield running


@pytest.fixture
def td(server):
    """A client as `td` is one; the table sample_db.tab exists."""
    return TdClient.with_table(server)


@pytest.fixture
def memory_folder():
    """A folder in memory where there is one: tests that sync thousands of times need no slow disk."""
    folder = tempfile.mkdtemp(prefix="penstock-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    yield folder
    shutil.rmtree(folder)
