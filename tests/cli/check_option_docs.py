#!/usr/bin/env python3
"""docs/formats/*.md and docs/filters.md know every option of `penstock config:options`, with its default.

    check_option_docs.py PENSTOCK
"""
import os
import re
import subprocess
import sys

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs")


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


def tables(text):
    """{heading: {option: default}} of what config:options printed; entries count for their filter."""
    made, heading = {}, None
    for line in text.splitlines():
        found = re.match(r"### (\w+) `type: (\w+)`", line)
        if line.startswith("#"):
            heading = found and found.groups()
        row = re.match(r"\| `([\w.\[\]]+)` \| [^|]* \| (.*?) \| .*\|$", line)
        if row and heading:
            made.setdefault(heading, {})[re.split(r"[.\]]", row.group(1))[-1]] = row.group(2).strip("`")
    return made


def complaints_of(kind, name, options):
    if kind == "filter":
        text = read("filters.md")
        return ["docs/filters.md: no `%s` of filter %s" % (o, name) for o in options if not re.search(r"\b%s\b" % o, text)]
    page = {"csv": "formats/csv.md", "json": "formats/json.md", "zip": "formats/compression.md"}[name]
    rows = {}
    for line in read(page).splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        names = re.findall(r"`(\w+)`", cells[0]) if len(cells) >= 2 and line.startswith("| `") else []
        defaults = [cell.strip("`") for cell in cells[1].split(", ")] if names else []
        for at, option in enumerate(names):
            rows.setdefault(option, defaults[at] if len(defaults) == len(names) else cells[1].strip("`"))
    wrong = []
    for option, default in options.items():
        if option not in rows:
            wrong.append("docs/%s: no row for `%s`" % (page, option))
        elif default not in ("", "required") and rows[option] != default:
            wrong.append("docs/%s: `%s` has the default %s, not %s" % (page, option, default, rows[option]))
    return wrong


def main():
    made = subprocess.run([sys.argv[1], "config:options"], stdout=subprocess.PIPE, check=True).stdout.decode()
    pages = {key: options for key, options in tables(made).items()
             if key[0] == "filter" or key[1] in ("csv", "json", "zip")}
    print("1..%d" % (len(pages) + 1))
    failed = len(pages) < 12
    print("%s 1 - every_step_type_has_a_table" % ("not ok" if failed else "ok"))
    for number, ((kind, name), options) in enumerate(sorted(pages.items()), 2):
        complaints = complaints_of(kind, name, options)
        print("%s %d - %s_%s_is_documented" % ("not ok" if complaints else "ok", number, kind, name))
        for complaint in complaints:
            print("# " + complaint)
        failed = failed or bool(complaints)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
