#!/usr/bin/env python3
"""Loads the same data with Penstock (over loopback HTTP) and with DuckDB's own COPY (local files).

    bench/run.py [CASE...]     cases: parse plain gz1 gz16 small bzip2 filters schedules
                       (default: all)

ROWS (2,890,000: about 500 MB), REPEATS (3, the fastest counts) and KEEP=1 (keep the outputs) come from
the environment. Both sides write Parquet with the same options on 2 threads; row counts and a
checksum of every column are compared. Prints wall and CPU seconds, ratios and peak memory. `parse`
has no sink: both read every typed column of a local file on one thread, CSV and JSON lines. `filters`
needs no data: processor time of each filter in memory.
"""
import bz2
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
DATA = os.path.join(BUILD, "bench", "data")
LIBRARY = os.path.join(ROOT, ".deps", "duckdb", "libduckdb.so")
PENSTOCK = os.path.join(BUILD, "penstock")
ROWS = int(os.environ.get("ROWS", 2_890_000))
REPEATS = int(os.environ.get("REPEATS", 3))
# As our parts are written (src/parquet), with the limit that makes DuckDB fastest.
PARQUET_OPTIONS = "COMPRESSION snappy, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 8192"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
COLUMNS = [("id", "long"), ("user_id", "long"), ("quantity", "long"), ("price", "double"),
           ("discount", "double"), ("country", "string"), ("category", "string"), ("session", "string"),
           ("description", "string"), ("created_at", "timestamp"), ("updated_at", "timestamp"),
           ("active", "boolean")]
DUCK_TYPES = {"long": "BIGINT", "double": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMP",
              "boolean": "BOOLEAN"}
CHECKS = {"long": "sum({0}::HUGEINT)", "double": "sum(round({0} * 1000000)::HUGEINT)",
          "string": "sum(hash({0})::HUGEINT)", "timestamp": "sum(epoch_us({0})::HUGEINT)",
          "boolean": "count(*) FILTER ({0})"}
# name: (key prefix, files for DuckDB, decoders, aim as times DuckDB's speed)
CASES = {"plain": ("d.csv", "d.csv", [], 1.6),
         "gz1": ("gz1/", "gz1/*.gz", ["gzip"], 2.0),
         "gz16": ("gz16/", "gz16/*.gz", ["gzip"], 2.0)}


class Run:
    """What one child process cost."""

    def __init__(self, command, **kwargs):
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **kwargs)
        self.out = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mib = usage.ru_maxrss / 1024
        if process.returncode != 0:
            sys.exit("bench: %s ended with status %d" % (" ".join(command)[:300], process.returncode))


def make_data():
    marker = os.path.join(DATA, ".rows")
    if os.path.exists(marker) and open(marker).read() == str(ROWS) and os.path.exists(
            os.path.join(DATA, "d.jsonl")):
        return
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA)
    print("bench: making %d rows of data in build/bench/data" % ROWS, flush=True)
    subprocess.run([os.path.join(BUILD, "bench", "bench_data"), DATA, str(ROWS)], check=True)
    for folder in ("gz1", "gz16"):
        os.mkdir(os.path.join(DATA, folder))
    pack = 'gzip -6 -n -c "$1" >"$2"'
    jobs = [("d.csv", "gz1/d.csv.gz")] + [("parts/%02d.csv" % i, "gz16/%02d.csv.gz" % i) for i in range(16)]
    for start in range(0, len(jobs), 2):
        pair = [subprocess.Popen(["sh", "-c", pack, "sh", *job], cwd=DATA) for job in jobs[start:start + 2]]
        if any(process.wait() for process in pair):
            sys.exit("bench: gzip failed")
    shutil.rmtree(os.path.join(DATA, "parts"))
    duckdb("COPY (SELECT * FROM %s) TO '%s' (FORMAT json)" % (
        read_csv("d.csv"), os.path.join(DATA, "d.jsonl")))
    with open(marker, "w") as file:
        file.write(str(ROWS))


def load_config(port, prefix, decoders):
    parser = {"type": "csv", "charset": "UTF-8", "newline": "LF", "delimiter": ",", "quote": '"', "escape": '"',
              "skip_header_lines": 1, "columns": [
                  dict({"name": name, "type": kind}, **({"format": TIME_FORMAT} if kind == "timestamp" else {}))
                  for name, kind in COLUMNS]}
    return {"in": {"type": "s3", "endpoint": "http://127.0.0.1:%d" % port, "bucket": "bench",
                   "auth_method": "anonymous", "path_prefix": prefix, "parser": parser,
                   "decoders": [{"type": name} for name in decoders]}, "out": {"mode": "append"}}


def penstock(port, prefix, decoders, home):
    """One load into an empty home. Returns the Run."""
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    config = os.path.join(home, "load.yml")
    with open(config, "w") as file:
        json.dump(load_config(port, prefix, decoders), file)
    return Run([PENSTOCK, "--home", home, "connector:issue", config, "--database", "bench", "--table", "data",
                "--time-column", "created_at", "--auto-create-table"], stderr=open(os.path.join(home, "err"), "w"))


def duckdb(*statements):
    return Run([sys.executable, os.path.join(ROOT, "bench", "duckdb_copy.py"), LIBRARY, *statements])


def duck_columns():
    return ", ".join("'%s': '%s'" % (name, DUCK_TYPES[kind]) for name, kind in COLUMNS)


def read_csv(files):
    return ("read_csv('%s', header = true, delim = ',', quote = '\"', escape = '\"', new_line = '\\n', "
            "auto_detect = false, timestampformat = '%s', columns = {%s})" % (
                os.path.join(DATA, files), TIME_FORMAT, duck_columns()))


def read_json(files):
    return ("read_json('%s', format = 'newline_delimited', timestampformat = '%s', columns = {%s})" % (
        os.path.join(DATA, files), TIME_FORMAT, duck_columns()))


def duckdb_copy(files, out):
    return duckdb("SET threads = 2", "SET preserve_insertion_order = false",
                  "COPY (SELECT * FROM %s) TO '%s' (FORMAT parquet, %s)" % (
                      read_csv(files), out, os.environ.get("PARQUET", PARQUET_OPTIONS)))


def checks(files):
    """Row count and a checksum of every column of Parquet files."""
    sums = ", ".join(CHECKS[kind].format(name) for name, kind in COLUMNS)
    return duckdb("SELECT count(*), %s FROM read_parquet('%s', union_by_name = true)" % (sums, files)).out.split()


def best(runs):
    return min(runs, key=lambda run: run.wall)


def best_cpu(runs):
    return min(run.cpu for run in runs)


def compare(name, port, work):
    prefix, files, decoders, aim = CASES[name]
    home, out = os.path.join(work, "home"), os.path.join(work, "duckdb.parquet")
    ours = best([penstock(port, prefix, decoders, home) for _ in range(REPEATS)])
    theirs = best([duckdb_copy(files, out) for _ in range(REPEATS)])
    mine, other = checks(os.path.join(home, "lake", "**", "*.parquet")), checks(out)
    megabytes = os.path.getsize(os.path.join(DATA, "d.csv")) / 1e6
    ratio = theirs.wall / ours.wall
    print("%-6s penstock %6.2f s %5.0f MB/s  cpu %6.2f s  peak %4.0f MiB | duckdb %6.2f s  cpu %6.2f s  peak %4.0f MiB"
          " | speed %.2fx (aim %.1f)  cpu %.2fx | %s" % (
              name, ours.wall, megabytes / ours.wall, ours.cpu, ours.peak_mib, theirs.wall, theirs.cpu,
              theirs.peak_mib, ratio, aim, theirs.cpu / ours.cpu,
              "%s rows, all columns equal" % mine[0] if mine == other else "RESULTS DIFFER: %s %s" % (mine, other)),
          flush=True)
    return mine == other


def parse():
    """The parsers without a sink against DuckDB's readers: one thread, processor time."""
    good = True
    nulls = " + ".join("count(*) - count(%s)" % name for name, _ in COLUMNS)
    # what a process costs that only starts DuckDB
    idle = best_cpu([duckdb("SET threads = 1", "SELECT 1") for _ in range(REPEATS)])
    for name, file, read in (("csv", "d.csv", read_csv), ("json", "d.jsonl", read_json)):
        path = os.path.join(DATA, file)
        ours = Run([os.path.join(BUILD, "bench", "bench_parse"), name, path, str(REPEATS)]).out.split()
        query = "SELECT count(*), %s, sum(id) FROM %s" % (nulls, read(file))
        runs = [duckdb("SET threads = 1", query) for _ in range(REPEATS)]
        theirs = best_cpu(runs) - idle
        seconds, megabytes = float(ours[3]), os.path.getsize(path) / 1e6
        same = ours[:3] == runs[0].out.split()
        good = good and same
        print("parse  %-4s penstock %6.2f s %5.0f MB/s | duckdb %6.2f s %5.0f MB/s | cpu %.2fx (aim 3.0) | %s" % (
            name, seconds, megabytes / seconds, theirs, megabytes / theirs, theirs / seconds,
            "%s rows, all nulls and ids equal" % ours[0] if same else "RESULTS DIFFER: %s %s" % (
                ours[:3], runs[0].out.split())), flush=True)
    return good


def small(port, work):
    """20,000 objects of 10 KB against 5,000: the cost per object must not grow."""
    home = os.path.join(work, "home")
    costs = []
    for prefix, count in (("small/a/", 5000), ("small/", 20000)):
        run = best([penstock(port, prefix, [], home) for _ in range(REPEATS)])
        parts = sum(name.endswith(".parquet") for _, _, names in os.walk(os.path.join(home, "lake")) for name in names)
        costs.append(run.wall / count)
        print("small  %6d objects  %6.2f s  %6.1f us an object  cpu %6.2f s  peak %4.0f MiB  %d parts" % (
            count, run.wall, 1e6 * run.wall / count, run.cpu, run.peak_mib, parts), flush=True)
    print("small  cost per object, 20,000 against 5,000: %.2fx (aim at most 1.1)" % (costs[1] / costs[0]))
    return True


def bzip2():
    """The decoder by itself against libbz2, on the first 100 MB of the data."""
    stored = os.path.join(DATA, "bz2", "d.csv.bz2")
    if not os.path.exists(stored):
        os.makedirs(os.path.dirname(stored), exist_ok=True)
        with open(os.path.join(DATA, "d.csv"), "rb") as plain, open(stored + ".part", "wb") as packed:
            packed.write(bz2.compress(plain.read(100_000_000)))
        os.rename(stored + ".part", stored)
    return subprocess.run([os.path.join(BUILD, "bench", "bench_bzip2"), stored, str(REPEATS)], check=False).returncode == 0


def filters():
    """What each filter costs a row, in memory, on one thread."""
    return subprocess.run([os.path.join(BUILD, "bench", "bench_filters"), str(REPEATS)], check=False).returncode == 0


def schedules():
    """Lists, next-due and history over 10,000 schedules and 1,000,000 jobs."""
    return subprocess.run([os.path.join(BUILD, "bench", "bench_schedules")], check=False).returncode == 0


def one(name, port, work):
    alone = {"parse": parse, "bzip2": bzip2, "filters": filters, "schedules": schedules}
    if name in alone:
        return alone[name]()
    return small(port, work) if name == "small" else compare(name, port, work)


def main():
    names = sys.argv[1:] or ["parse", *CASES, "small", "bzip2", "filters", "schedules"]
    if names == ["filters"]:
        return 0 if filters() else 1
    if names == ["schedules"]:
        return 0 if schedules() else 1
    make_data()
    work = tempfile.mkdtemp(prefix="run-", dir=os.path.join(BUILD, "bench"))
    server = subprocess.Popen([os.path.join(BUILD, "bench", "bench_server"), DATA], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        good = [one(name, port, work) for name in names]
    finally:
        server.kill()
        server.wait()
        if not os.environ.get("KEEP"):
            shutil.rmtree(work, ignore_errors=True)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
