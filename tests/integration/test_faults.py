"""Every fault that a server or a network can make: the load is complete, or it says why and the table is as before.

test_bad_input.py has the ones that end in an error; here the retries, and listings that lie.
"""
import time

import pytest

from test_bad_input import loaded_through_proxy, refuse  # noqa: F401 (a fixture among them)

OBJECTS = 30


def put_numbers(s3, bucket, prefix="many/", count=OBJECTS):
    for number in range(count):
        s3.put(bucket, "%s%04d.csv" % (prefix, number), "id,name\n%d,x\n" % (number + 10))


def all_ids(count=OBJECTS):
    return [1, 2] + [number + 10 for number in range(count)]


def test_a_delay_is_waited_for(loaded_through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket)
    late = proxy.delay(0.5, key="/many/0003", times=1)
    listed = proxy.delay(0.5, key="list-type=2", times=1)
    loaded_through_proxy.load(path_prefix="many/")
    assert loaded_through_proxy.ids() == all_ids()
    assert late.fired == listed.fired == 1


@pytest.mark.parametrize("status, code", [(500, "InternalError"), (503, "ServiceUnavailable"), (503, "SlowDown"),
                                          (502, "BadGateway"), (504, "GatewayTimeout")])
@pytest.mark.parametrize("after", [None, 1])
def test_errors_of_the_server_are_retried(loaded_through_proxy, proxy, s3, bucket, status, code, after):
    put_numbers(s3, bucket, count=4)
    headers = [] if after is None else ["Retry-After: %d" % after]
    start = time.monotonic()
    for key in ("list-type=2", "/many/0001", "/many/0002"):
        proxy.error(status, code, headers=headers, key=key, times=1)
    loaded_through_proxy.load(path_prefix="many/", maximum_retry_interval_millis=2000)
    assert loaded_through_proxy.ids() == all_ids(4)
    if after is not None:
        assert time.monotonic() - start >= after  # not a measurement: the server asked for it


@pytest.mark.parametrize("nth", [0, 1, 5])
def test_a_token_that_expires_at_the_nth_request_fails_the_load_whole(loaded_through_proxy, proxy, s3, bucket, nth):
    put_numbers(s3, bucket)
    access, secret, token = s3.session_token()
    proxy.error(400, "ExpiredToken", "The provided token has expired.", key="/many/", times=10_000, skip=nth)
    result = refuse(loaded_through_proxy, "ExpiredToken", status=77, path_prefix="many/", auth_method="session",
                    access_key_id=access, secret_access_key=secret, session_token=token)
    assert token not in result.text and secret not in result.text


def test_a_listing_page_that_comes_again_is_an_error_not_rows_twice(loaded_through_proxy, proxy, s3, bucket):
    """More than one page (the server's are of 1000); the second request is answered with the first page again."""
    put_numbers(s3, bucket, count=1005)
    proxy.repeat_page(key="list-type=2", skip=1, times=100)
    refuse(loaded_through_proxy, "list", status=None, path_prefix="many/")


def test_a_listing_page_cut_in_its_middle_is_asked_for_again(loaded_through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket)
    proxy.cut(after=700, key="list-type=2", times=1)
    proxy.reset(after=300, key="list-type=2", times=1)
    loaded_through_proxy.load(path_prefix="many/")
    assert loaded_through_proxy.ids() == all_ids()


def test_a_listing_page_cut_with_the_right_length_is_an_error(loaded_through_proxy, proxy, s3, bucket):
    """The transport is whole, the document is not: some of the objects would be missing."""
    put_numbers(s3, bucket)
    proxy.edit(lambda body: body[:len(body) // 2], key="list-type=2", times=100)
    refuse(loaded_through_proxy, "list", status=None, path_prefix="many/")


def test_a_listing_that_says_there_is_more_but_not_where_is_an_error(loaded_through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket)
    proxy.edit(lambda body: body.replace(b"<IsTruncated>false<", b"<IsTruncated>true<"), key="list-type=2", times=100)
    refuse(loaded_through_proxy, "list", status=None, path_prefix="many/")


def test_an_object_that_is_listed_but_gone_is_an_error(loaded_through_proxy, proxy, s3, bucket):
    put_numbers(s3, bucket, count=3)
    proxy.before(lambda: s3.delete(bucket, "many/0001.csv"), key="/many/0001", times=1)
    refuse(loaded_through_proxy, "many/0001.csv", status=None, path_prefix="many/")


def test_a_short_body_is_completed(loaded_through_proxy, proxy, s3, bucket):
    """An orderly end before the length that was declared, at the first byte and in the middle."""
    put_numbers(s3, bucket, count=3)
    for after in (0, 3, 9):
        proxy.cut(after=after, key="/many/0001", times=1)
    loaded_through_proxy.load(path_prefix="many/", maximum_retries=7)
    assert loaded_through_proxy.ids() == all_ids(3)


def test_a_flipped_byte_is_not_loaded_when_it_happens_once(loaded_through_proxy, proxy, s3, bucket):
    """The digest finds it; the task is tried again and gets the right bytes."""
    put_numbers(s3, bucket, count=3)
    flipped = proxy.corrupt(at=9, key="/many/0001", times=1)
    result = loaded_through_proxy.issue(loaded_through_proxy.config(path_prefix="many/"), status=None)
    assert flipped.fired == 1
    if result.status == 0:
        assert loaded_through_proxy.ids() == all_ids(3)
    else:
        assert result.has("many/0001.csv") and loaded_through_proxy.ids() == [1, 2], result.text
