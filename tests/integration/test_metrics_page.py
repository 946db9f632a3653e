"""The text of /metrics, line by line, by the rules of the exposition format and of Prometheus' own linter;
what the figures count is in test_api_console.py."""
import os
import re

import pytest

from openapi_check import ROOT
from penstock import wait_for
from test_api import config_of

NAME = re.compile(r"[a-z][a-z0-9_]*")
SAMPLE = re.compile(r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>[^{}]*)\})? (?P<value>\S+)')
LABEL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>(?:[^"\\\n]|\\[\\"n])*)"')
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|[+-]Inf|NaN")
# What a unit may not be abbreviated to, and what Prometheus gives every series itself.
NO_WORDS = {"ms", "us", "ns", "sec", "secs", "min", "mins", "hours", "kb", "mb", "kib", "mib", "pct", "percent",
            "counter", "gauge", "histogram", "summary"}
NO_LABELS = {"job", "instance", "quantile"}


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, []


def families_of(text):
    """The families in their order; fails on a line that has no place."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    families = []
    for line in text.splitlines():
        assert line == line.strip()
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert name not in [family.name for family in families], "a second head of " + name
            families.append(Family(name, words))
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == families[-1].name and families[-1].type is None and not families[-1].samples
            families[-1].type = kind
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            family, labels = families[-1], sample["labels"] or ""
            pairs = [(each["name"], each["value"]) for each in LABEL.finditer(labels)]
            assert ",".join('%s="%s"' % pair for pair in pairs) == labels, line
            assert NUMBER.fullmatch(sample["value"]), line
            endings = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
            assert sample["name"] in [family.name + ending for ending in endings], line
            family.samples.append((sample["name"], dict(pairs), float(sample["value"])))
            assert len(dict(pairs)) == len(pairs)
    return families


@pytest.fixture
def pages(penstock, s3, bucket, server, td):
    """Before anything happened and after a bit of everything."""
    before = families_of(server.ask("GET", "/metrics").body.decode("utf-8"))
    s3.put(bucket, "a.csv", "id,name\n1,one\nx,bad\n")
    assert td.wait(td.issue("sample_db", "tab", config_of(penstock))) == "success"
    assert td.wait(td.issue("sample_db", "tab", config_of(penstock, bucket="no-such-bucket-here"))) == "error"
    assert td.wait(td.query("SELECT 1", "sample_db")) == "success"
    td.create_session(name='we"ird \\ name', cron="10 0 29 2 *", database="sample_db", table="tab",
                      config=config_of(penstock))
    server.ask("GET", "/no/such")
    after = []

    def are_counted():  # a job's figures are counted when its process has told its end
        after[:] = families_of(server.ask("GET", "/metrics").body.decode("utf-8"))
        ended = next(family for family in after if family.name == "penstock_jobs_total")
        return sum(value for _, _, value in ended.samples) == 3

    wait_for("three ended jobs", are_counted)
    return before, after


def test_page_is_what_a_linter_takes(pages):
    for family in (family for page in pages for family in page):
        words = family.name.split("_")
        assert NAME.fullmatch(family.name) and not NO_WORDS & set(words), family.name
        assert words[0] in ("penstock", "process"), family.name
        assert family.help.strip() and "\\" not in family.help, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert family.name.endswith("_total") == (family.type == "counter"), family.name
        assert not family.name.endswith(("_bucket", "_sum", "_count")), family.name
        if "seconds" in words or "bytes" in words:  # a unit stands at the end, before _total
            unit = words[-2] if words[-1] == "total" else words[-1]
            assert unit in ("seconds", "bytes"), family.name
        keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in family.samples]
        assert len(set(keys)) == len(keys), family.name
        for _, labels, value in family.samples:
            assert not NO_LABELS & set(labels), family.name
            assert family.type == "gauge" or value >= 0, family.name


def test_series_of_a_name_have_the_same_labels(pages):
    for family in (family for page in pages for family in page):
        assert len({(name, tuple(sorted(labels))) for name, labels, _ in family.samples}) <= 3, family.name
        if family.type != "histogram":
            assert len({tuple(sorted(labels)) for _, labels, _ in family.samples}) <= 1, family.name


def test_histograms_add_up(pages):
    seen = 0
    for family in (family for page in pages for family in page if family.type == "histogram"):
        series = {}
        for name, labels, value in family.samples:
            own = tuple(sorted(pair for pair in labels.items() if pair[0] != "le"))
            series.setdefault(own, {}).setdefault(name[len(family.name):], []).append((labels.get("le"), value))
        for parts in series.values():
            bounds = [float(bound.replace("+Inf", "inf")) for bound, _ in parts["_bucket"]]
            counts = [count for _, count in parts["_bucket"]]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
            assert counts == sorted(counts)
            assert [(None, counts[-1])] == parts["_count"] and len(parts["_sum"]) == 1
            seen += counts[-1] > 0
    assert seen >= 3


def test_counters_only_grow(pages):
    before, after = ({(name, tuple(sorted(labels.items()))): value for family in page if family.type != "gauge"
                      for name, labels, value in family.samples} for page in pages)
    assert set(before) <= set(after)
    assert [key for key in before if after[key] < before[key]] == []
    assert sum(after.values()) > sum(before.values())


def test_page_and_documentation_name_the_same(pages):
    with open(os.path.join(ROOT, "docs", "server.md"), encoding="utf-8") as file:
        table = file.read().split("| metric | |", 1)[1]
    documented = {name: set(filter(None, (labels or "").split(",")))
                  for name, labels in re.findall(r"`((?:penstock|process)_\w+)(?:\{([\w,]+)\})?`", table)}
    shown = {family.name: {label for _, labels, _ in family.samples for label in labels} - {"le"}
             for family in pages[1]}
    assert set(documented) - set(shown) == {"penstock_credential_expiry_seconds"}  # these do not expire
    assert set(shown) <= set(documented)
    for name, labels in documented.items():
        if labels:
            assert labels == shown[name], name


def test_nobody_sees_the_page_without_proof(server, pages):
    assert server.ask("GET", "/metrics", headers={"Authorization": "TD1 wrong"}).status == 401
    assert server.ask("GET", "/metrics", headers={"Authorization": ""}).status == 401
