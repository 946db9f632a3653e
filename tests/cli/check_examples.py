#!/usr/bin/env python3
"""Every configuration of examples/ does what it says.

    check_examples.py PENSTOCK

Each *.yml of a file on disk is previewed: rows and rejected records must be those of
tests/cli/examples/<name>.jsonl and, if there is one, <name>.err. Those that name a bucket must
bind. Seeds (seed*.yml) are guessed, and what comes out is previewed. Prints TAP.
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples")
EXPECTED = os.path.join(HERE, "examples")


def run(program, work, *arguments):
    """Returns (status, stdout, stderr) of the program in a copy of the examples."""
    keep = {k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "LSAN_", "LD_", "MALLOC_"))}
    keep.update(PATH="/usr/bin:/bin", HOME=work, PENSTOCK_HOME=os.path.join(work, "home"), LC_ALL="C",
                TZ="Asia/Kolkata", AWS_EC2_METADATA_DISABLED="true")
    done = subprocess.run([program, *arguments], cwd=os.path.join(work, "examples"), env=keep,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read(name):
    try:
        with open(os.path.join(EXPECTED, name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def preview(program, work, name, config):
    """The complaints about one preview."""
    status, out, err = run(program, work, "connector:preview", config, "-f", "jsonl")
    wanted, wanted_err = read(name + ".jsonl"), read(name + ".err")
    if status != 0:
        return ["status %d" % status, err]
    if wanted is None:
        return ["tests/cli/examples/%s.jsonl is missing" % name]
    rejected = "".join(line + "\n" for line in err.splitlines() if "rejected" in line)
    complaints = [] if out == wanted else ["rows wanted:", wanted, "got:", out]
    if rejected != (wanted_err or "") or "arning" in err:
        complaints += ["rejected wanted:", wanted_err or "nothing, and no warning", "got:", err]
    return complaints


def check(program, work, config):
    name = config[:-len(".yml")]
    with open(os.path.join(EXAMPLES, config), encoding="utf-8") as file:
        is_local = "type: file" in file.read()
    if name.startswith("seed"):
        status, _, err = run(program, work, "connector:guess", config, "-o", name + ".load.yml")
        return ["status %d" % status, err] if status != 0 else preview(program, work, name, name + ".load.yml")
    if is_local:
        return preview(program, work, name, config)
    status, out, err = run(program, work, "config:check", config)
    return [] if (status, out, err) == (0, "%s is fine.\n" % config, "") else ["status %d" % status, out, err]


def main():
    configs = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".yml"))
    with open(os.path.join(EXAMPLES, "README.md"), encoding="utf-8") as file:
        guide = file.read()
    kept = {name.rsplit(".", 1)[0] for name in os.listdir(EXPECTED)}
    print("1..%d" % (len(configs) + 1))
    failed = 0
    for number, config in enumerate(configs, 1):
        work = tempfile.mkdtemp(prefix="penstock-examples-")
        try:
            shutil.copytree(EXAMPLES, os.path.join(work, "examples"))
            complaints = check(os.path.abspath(sys.argv[1]), work, config)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if "(%s)" % config not in guide:
            complaints.append("examples/README.md does not mention it")
        failed += bool(complaints)
        print("%s %d - %s" % ("not ok" if complaints else "ok", number, config))
        for line in "\n".join(complaints).splitlines():
            print("# " + line)
    stray = kept - {config[:-len(".yml")] for config in configs}
    print("%s %d - every expectation has its example" % ("not ok" if stray or not configs else "ok", len(configs) + 1))
    for name in sorted(stray):
        print("# " + name)
    return 1 if failed or stray or not configs else 0


if __name__ == "__main__":
    sys.exit(main())
