"""The whole program with one of its allocations refused: done and right, or an error and the table as before.

tests/torture/ does the same for parse and commit alone, for every allocation; here they are sampled.
"""
import os
import random

import pytest

import torture_bed
from penstock import BINARY
from test_broken_disk import disk_bed  # noqa: F401 (a fixture)
from torture_bed import IS_LONG, is_crash, new_seed, rows_of

pytestmark = pytest.mark.torture
REFUSING = os.path.join(os.path.dirname(BINARY), "tests", "torture", "penstock_refuse")


def run_refusing(bed, at, monkeypatch):
    """The second load with the at-th allocation refused (0: none). Returns its result and what was reported."""
    report = os.path.join(bed.penstock.folder, "alloc-report")
    if os.path.exists(report):
        os.remove(report)
    with monkeypatch.context() as patch:
        patch.setattr("penstock.BINARY", REFUSING)
        result = bed.penstock.run(*bed.arguments("more"), status=None,
                                  env={"PEN_ALLOC_AT": str(at), "PEN_ALLOC_REPORT": report})
    return result, torture_bed.read_report(report)


def test_a_refused_allocation_anywhere_gives_an_error_or_the_whole_load(disk_bed, monkeypatch):  # noqa: F811
    result, report = run_refusing(disk_bed, 0, monkeypatch)
    assert result.status == 0 and report.counted > 500, result.text
    places = range(1, report.counted + 1)
    if not IS_LONG:
        places = sorted(random.Random(new_seed()).sample(places, 100))
    failed = 0
    for at in places:
        disk_bed.restore()
        result, report = run_refusing(disk_bed, at, monkeypatch)
        assert not is_crash(result.status), "allocation %d: %s" % (at, result.text)
        expected = disk_bed.after if result.status == 0 else disk_bed.before
        assert rows_of(disk_bed.penstock, "tab") == expected, "allocation %d: %s" % (at, result.text)
        failed += result.status != 0
    assert failed > len(places) // 2
