#!/usr/bin/env python3
"""The demo: a real S3 server on this machine, a few days of orders, and one load from start to end.

Everything happens in build/demo (made new each time); the server is stopped at the end, whatever
happens. Every command is shown before it runs; they are what you would type yourself.
"""
import csv
import gzip
import io
import os
import random
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

from rgw import Gateway, StartError  # noqa: E402
from s3_client import S3Client  # noqa: E402

FOLDER = os.path.join(ROOT, "build", "demo")
IS_COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
CUSTOMERS = ("Ada Byron", "Grace Hopper", "O'Neil, Pat", "Jürgen Groß", "佐藤 花子", "Smith, Jo \"JJ\"")
ITEMS = ("teapot", "lamp", "desk, oak", "chair", "pen set", "notebook", "kettle", "mirror 40\" wide")
CITIES = ("Berlin", "Osaka", "Lisbon", "Nairobi", "Recife", "")
NOTES = ("", "", "", "gift wrap, please", "ring\ntwice", "call \"JJ\" first")
BAD_LINES = {5: "this line was cut",
             23: "100023,Grace Hopper,lamp,Berlin,3,not a number,true,2026-11-02 10:11:12,",
             41: "100041,Ada Byron,pen set,Osaka,1,9.90,false,2026-13-45 99:00:00,"}


def heading(text):
    print(("\n\033[1m%s\033[0m" if IS_COLOURED else "\n=== %s") % text, flush=True)


def orders(day):
    """One day's file: CSV with quoted fields, a few empty ones and, on the second day, bad lines."""
    chance = random.Random(day)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["order_id", "customer", "item", "city", "quantity", "price", "is_gift", "ordered_at", "note"])
    for number in range(400):
        if day == 2 and number in BAD_LINES:
            out.write(BAD_LINES[number] + "\n")
            continue
        second = number * 200 + chance.randrange(200)
        writer.writerow([day * 100000 + number, chance.choice(CUSTOMERS), chance.choice(ITEMS), chance.choice(CITIES),
                         chance.randrange(1, 6), "%.2f" % (chance.randrange(300, 30000) / 100),
                         chance.choice(("true", "false")),
                         "2026-11-%02d %02d:%02d:%02d" % (day, second // 3600, second // 60 % 60, second % 60),
                         chance.choice(NOTES)])
    return gzip.compress(out.getvalue().encode(), mtime=0)


def write(name, text):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        file.write(text)


def show(name):
    print("\n$ cat %s" % name)
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        print(file.read().rstrip(), flush=True)


def run(*arguments):
    """Shows a penstock command and runs it; the demo ends when one fails."""
    print("\n$ " + " ".join(shlex.quote(a) for a in ("penstock", *arguments)), flush=True)
    env = dict(os.environ, PENSTOCK_HOME=os.path.join(FOLDER, "home"))
    for name in list(env):
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            del env[name]
    status = subprocess.run([os.path.join(ROOT, "build", "penstock"), *arguments], cwd=FOLDER, env=env,
                            stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        sys.exit("demo: the command above ended with status %d" % status)


def walk(gateway):
    s3 = S3Client(gateway.endpoint, (gateway.access, gateway.secret))
    s3.create_bucket("demo")
    for day in (1, 2, 3):
        s3.put("demo", "orders/2026-11-%02d.csv.gz" % day, orders(day))
    print("bucket 'demo' at %s holds: %s" % (gateway.endpoint, ", ".join(s3.keys("demo"))))

    heading("1. Say where the files are; guess finds out how they are written")
    write("seed.yml", "in:\n  type: s3\n  endpoint: %s\n  bucket: demo\n  path_prefix: orders/\n"
                      "  access_key_id: %s\n  secret_access_key: %s\n  skip_loaded_objects: true\n"
                      "out:\n  mode: append\n" % (gateway.endpoint, gateway.access, gateway.secret))
    show("seed.yml")
    run("connector:guess", "seed.yml", "-o", "load.yml")

    heading("2. Preview: the run's own code on a sample; nothing is written")
    run("connector:preview", "load.yml", "--rows", "5")

    heading("3. Load: rows, the list of loaded objects and the job in one transaction")
    run("connector:issue", "load.yml", "--database", "shop", "--table", "orders", "--time-column", "ordered_at",
        "--auto-create-table")

    heading("4. Query what is there")
    run("query", "-d", "shop", "SELECT strftime(ordered_at, '%Y-%m-%d') AS day, count(*) AS orders, "
                               "round(sum(quantity * price), 2) AS revenue FROM orders GROUP BY 1 ORDER BY 1")

    heading("5. Nothing is dropped silently: the three bad lines of the second day")
    run("job:rejects", "1")

    heading("6. A new file arrives; the next run loads only what is new (skip_loaded_objects)")
    s3.put("demo", "orders/2026-11-04.csv.gz", orders(4))
    print("uploaded orders/2026-11-04.csv.gz")
    run("connector:issue", "load.yml", "--database", "shop", "--table", "orders", "--time-column", "ordered_at")
    run("query", "-d", "shop", "SELECT city, count(*) AS orders, round(avg(price), 2) AS average_price "
                               "FROM orders GROUP BY city ORDER BY orders DESC, city")
    run("job:list")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    heading("Starting a local S3 server (Ceph RADOS Gateway, about 15 s)")
    try:
        with Gateway() as gateway:
            walk(gateway)
    except StartError as error:
        sys.exit("demo: the S3 server did not start: %s" % error)
    except KeyboardInterrupt:
        sys.exit(130)
    heading("Done; the S3 server is stopped, the table stays")
    print("""Try next:
  export PENSTOCK_HOME=$PWD/build/demo/home
  build/penstock query -d shop "SELECT * FROM orders LIMIT 5"
  build/penstock table:show shop orders
  build/penstock job:show 1
  build/penstock help

The table is plain Parquet with a DuckLake catalog; any DuckDB reads it:
  ATTACH 'ducklake:sqlite:build/demo/home/catalog.sqlite' AS lake; FROM lake.shop.orders;

Your own files: put your bucket, region and keys into a seed.yml as above (docs in README.md).""")


if __name__ == "__main__":
    main()
