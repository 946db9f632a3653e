#!/usr/bin/env python3
"""Runs the program as a user types it: one folder of tests/cli is one case.

    run_cli_cases.py PENSTOCK [NAME ...]      all cases, or those whose names contain a NAME

    cmd            a shell script; `penstock` is the program under test
    exit           its exit status; 0 when the file is missing
    stdout.exact   what stdout must be, byte for byte
    stdout.glob    or: line by line, * stands for anything in a line, a line ... for any lines
    stderr.glob    the same for stderr
    anything else  is there for the script: it runs in a copy of the folder

A missing stdout or stderr file means: nothing may be printed. PENSTOCK_HOME is an empty folder of
the case's own. The name of the case's temporary folder reads {dir} in all outputs. Prints TAP.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 900  # a sanitizer's build on a busy machine takes a tenth of it


def environment(work, program):
    bin_folder = os.path.join(work, "bin")
    os.mkdir(bin_folder)
    os.symlink(program, os.path.join(bin_folder, "penstock"))
    keep = {k: v for k, v in os.environ.items()
            if k.startswith(("ASAN_", "UBSAN_", "LSAN_", "LD_", "MALLOC_"))}
    keep.update(PATH=bin_folder + ":/usr/local/bin:/usr/bin:/bin", HOME=work, TMPDIR=work,
                PENSTOCK_HOME=os.path.join(work, "home"), LC_ALL="C", TZ="Asia/Kolkata",
                AWS_EC2_METADATA_DISABLED="true", TERM="dumb")
    return keep


def run(case, program):
    """Returns (exit status, stdout, stderr) of the case's script."""
    work = os.path.realpath(tempfile.mkdtemp(prefix="penstock-cli-"))
    try:
        folder = os.path.join(work, "case")
        shutil.copytree(case, folder)
        done = subprocess.run(["sh", "-u", "cmd"], cwd=folder, env=environment(work, program),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        replaced = [text.replace(folder.encode(), b"{dir}").replace(work.encode(), b"{dir}/..")
                    for text in (done.stdout, done.stderr)]
        return (done.returncode, *replaced)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def glob_to_regex(glob):
    parts = []
    for line in glob.split(b"\n")[:-1] if glob.endswith(b"\n") else glob.split(b"\n"):
        if line == b"...":
            parts.append(rb"(?:[^\n]*\n)*?")
        else:
            parts.append(b"[^\n]*".join(re.escape(p) for p in line.split(b"*")) + rb"\n?")
    return re.compile(b"".join(parts) + rb"\Z")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def compare(case, stream, got):
    """The complaint about one stream, or None."""
    exact, glob = os.path.join(case, stream + ".exact"), os.path.join(case, stream + ".glob")
    if os.path.exists(exact):
        wanted = read(exact)
        is_right = got == wanted
    elif os.path.exists(glob):
        wanted = read(glob)
        is_right = glob_to_regex(wanted).match(got) is not None
    else:
        wanted, is_right = b"", got == b""
    if is_right:
        return None
    return "%s is\n%s\nbut should be\n%s" % (stream, got.decode(errors="replace"),
                                             wanted.decode(errors="replace"))


def check(case, program):
    try:
        status, out, err = run(case, program)
    except subprocess.TimeoutExpired:
        return ["not finished after %d s" % SECONDS]
    wanted = os.path.join(case, "exit")
    expected = int(read(wanted)) if os.path.exists(wanted) else 0
    complaints = [compare(case, "stdout", out), compare(case, "stderr", err)]
    if status != expected:
        complaints.append("exit status is %d but should be %d" % (status, expected))
    return [c for c in complaints if c]


def main():
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    cases = sorted(e.name for e in os.scandir(HERE)
                   if e.is_dir() and os.path.exists(os.path.join(e.path, "cmd"))
                   and (not names or any(n in e.name for n in names)))
    print("1..%d" % len(cases))
    failed = 0
    for number, name in enumerate(cases, 1):
        complaints = check(os.path.join(HERE, name), program)
        print("%s %d - %s" % ("not ok" if complaints else "ok", number, name))
        for complaint in complaints:
            print("\n".join("# " + line for line in complaint.split("\n")))
        sys.stdout.flush()
        failed += bool(complaints)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
