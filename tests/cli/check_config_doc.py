#!/usr/bin/env python3
"""docs/config.md is what `penstock config:options` prints.

    check_config_doc.py PENSTOCK
"""
import difflib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    made = subprocess.run([sys.argv[1], "config:options"], stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    with open(os.path.join(ROOT, "docs", "config.md"), encoding="utf-8") as file:
        kept = file.read()
    print("1..1")
    if made == kept:
        print("ok 1 - docs_config_md_is_up_to_date")
        return 0
    print("not ok 1 - docs_config_md_is_up_to_date")
    print("# run: penstock config:options > docs/config.md")
    for line in difflib.unified_diff(kept.splitlines(), made.splitlines(), "docs/config.md",
                                     "config:options", lineterm=""):
        print("# " + line)
    return 1


if __name__ == "__main__":
    sys.exit(main())
