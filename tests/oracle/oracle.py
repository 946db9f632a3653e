"""What the judges of this folder share: the program on a file, and TAP.

A judge makes inputs from a fixed seed, works out with Python's own means (or from the letter of the
specification) what must come out, and compares. It shares no code with the program.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

SEED = int(os.environ.get("PENSTOCK_SEED", "20150127"))
REJECTED = re.compile(r"^rejected .*?/in\.dat:(\d+)(?: column '(?:[^']*)')?(?: filter '(?:[^']*)')?: (.*)$")


class Program:
    """The program with a home of its own, in a folder that goes away."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.work = tempfile.mkdtemp(prefix="penstock-oracle-")
        self.data = os.path.join(self.work, "in.dat")

    def close(self):
        shutil.rmtree(self.work)

    def run(self, *arguments):
        keep = {k: v for k, v in os.environ.items()
                if k.startswith(("ASAN_", "UBSAN_", "LSAN_", "LD_", "MALLOC_"))}
        keep.update(PATH="/usr/bin:/bin", HOME=self.work, PENSTOCK_HOME=os.path.join(self.work, "home"),
                    LC_ALL="C", TZ="Asia/Kolkata")
        done = subprocess.run([self.path, *arguments], cwd=self.work, env=keep, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def config(self, data, parser, filters=(), decoders=()):
        """Writes input and configuration; returns the configuration's path."""
        with open(self.data, "wb") as file:
            file.write(data)
        config = {"in": {"type": "file", "path_prefix": self.data, "decoders": list(decoders), "parser": parser},
                  "filters": list(filters), "exec": {"preview_sample_buffer_bytes": 16 << 20}}
        path = os.path.join(self.work, "load.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return path

    def preview(self, data, parser, **more):
        """Returns (rows as lines of JSON, rejects as (line, reason with what follows), other stderr lines)."""
        path = self.config(data, parser, **more)
        status, out, err = self.run("connector:preview", path, "--rows", "1000000", "-f", "jsonl")
        lines = err.split("\n")
        rejects = [(int(found.group(1)), found.group(2)) for found in map(REJECTED.match, lines) if found]
        others = [line for line in lines if line and not REJECTED.match(line)]
        nothing = status == 1 and any("No input records to preview" in line for line in others)
        if status != 0 and not nothing:
            return None, rejects, others
        return out.split("\n")[:-1], rejects, others


def dump(value):
    """A row as the program prints it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def first_difference(got, wanted):
    for i in range(max(len(got), len(wanted))):
        here, there = got[i:i + 1], wanted[i:i + 1]
        if here != there:
            return "item %d: wanted %r, got %r" % (i, there, here)
    return None


def main(tests):
    """Runs test(program, random numbers); each returns None or what is wrong. Prints TAP."""
    program = Program(sys.argv[1])
    failed = 0
    print("1..%d" % len(tests))
    try:
        for number, test in enumerate(tests, 1):
            complaint = test(program, random.Random("%d %s" % (SEED, test.__name__)))
            print("%s %d - %s" % ("ok" if complaint is None else "not ok", number, test.__name__))
            if complaint is not None:
                failed += 1
                print("# seed %d" % SEED)
                print("\n".join("# " + line for line in str(complaint).split("\n")))
            sys.stdout.flush()
    finally:
        program.close()
    return 1 if failed else 0
