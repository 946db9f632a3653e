"""`make install`, and what it puts where: the program, its library, documents and the systemd unit."""
import configparser
import filecmp
import os
import re
import shlex
import signal
import socket
import subprocess

import pytest

from api import DEADLINE_SECONDS
from penstock import ROOT

# What systemd-analyze thinks of the unit, times ten: 0 is a closed sandbox, 100 none at all.
EXPOSURE_MAX = 20


def make_install(**variables):
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    words = ["%s=%s" % each for each in variables.items()]
    done = subprocess.run(["make", "-C", ROOT, "install", *words], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False, encoding="utf-8",
                          umask=0o022)
    assert done.returncode == 0, done.stdout


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder)
                  for path, _, names in os.walk(folder) for name in names)


def read_unit(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    with open(path, encoding="utf-8") as file:
        unit.read_file(file)
    return unit


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A prefix that holds an installation."""
    prefix = str(tmp_path_factory.mktemp("installed") / "usr")
    make_install(PREFIX=prefix)
    return prefix


def test_prefix_holds_what_there_is_to_install(installed):
    files = files_of(installed)
    assert {"bin/penstock", "lib/penstock/penstock", "lib/penstock/libduckdb.so",
            "lib/systemd/system/penstock.service", "share/doc/penstock/LICENSE", "share/doc/penstock/README.md",
            "share/doc/penstock/CHANGELOG.md", "share/doc/penstock/docs/openapi.yaml"} <= set(files)
    known = re.compile(r"bin/penstock|lib/penstock/(penstock|libduckdb\.so)|lib/systemd/system/penstock\.service"
                       r"|share/doc/penstock/(LICENSE|README\.md|CHANGELOG\.md|docs/.+|examples/.+)")
    assert [name for name in files if not known.fullmatch(name)] == []
    documents = os.path.join(installed, "share/doc/penstock")
    for folder in ("docs", "examples"):
        assert files_of(os.path.join(documents, folder)) == files_of(os.path.join(ROOT, folder))


def test_everybody_may_read_and_nobody_else_write(installed):
    for folder, _, names in os.walk(installed):
        for path in [folder] + [os.path.join(folder, name) for name in names]:
            mode = os.stat(path).st_mode
            assert mode & 0o022 == 0 and mode & 0o444 == 0o444, path
            assert os.stat(path).st_uid == os.geteuid(), path


def test_destdir_only_stands_before_the_prefix(installed, tmp_path):
    staged = str(tmp_path / "stage")
    make_install(DESTDIR=staged, PREFIX="/opt/penstock")
    prefix = staged + "/opt/penstock"
    assert os.listdir(staged) == ["opt"] and files_of(prefix) == files_of(installed)
    unit = read_unit(prefix + "/lib/systemd/system/penstock.service")
    assert unit["Service"]["ExecStart"].split()[0] == "/opt/penstock/bin/penstock"
    assert os.readlink(prefix + "/bin/penstock") == "../lib/penstock/penstock"
    before = {name: os.stat(os.path.join(prefix, name)).st_size for name in files_of(prefix)}
    make_install(DESTDIR=staged, PREFIX="/opt/penstock")
    assert {name: os.stat(os.path.join(prefix, name)).st_size for name in files_of(prefix)} == before
    assert filecmp.cmp(prefix + "/lib/penstock/penstock", installed + "/lib/penstock/penstock", shallow=False)


def test_program_runs_from_wherever_it_was_put(installed, tmp_path):
    moved = str(tmp_path / "elsewhere")
    subprocess.run(["cp", "-a", installed, moved], check=True, timeout=120)
    program = moved + "/bin/penstock"
    out = subprocess.run([program, "--home", str(tmp_path / "home"), "query", "SELECT 40 + 2 AS answer"],
                         env={}, check=True, timeout=120, stdout=subprocess.PIPE).stdout
    assert b"42" in out
    libraries = subprocess.run(["ldd", moved + "/lib/penstock/penstock"], check=True, timeout=60,
                               stdout=subprocess.PIPE, encoding="utf-8").stdout
    assert re.search(r"libduckdb\.so => %s/lib/penstock/" % re.escape(moved), libraries), libraries
    assert "not found" not in libraries


def test_unit_is_one_that_systemd_takes(installed):
    path = installed + "/lib/systemd/system/penstock.service"
    with open(path, encoding="utf-8") as file:
        assert re.findall(r"@[A-Z]+@", file.read()) == []
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, encoding="utf-8")
    # whatever else is wrong with the machine's own units is not ours
    about_it = [line for line in done.stdout.splitlines() if "penstock" in line and "/bin/kill" not in line]
    assert about_it == []
    unit = read_unit(path)
    assert os.access(unit["Service"]["ExecStart"].split()[0], os.X_OK)
    assert os.path.isfile(unit["Unit"]["Documentation"].removeprefix("file://"))


def test_unit_is_a_closed_sandbox(installed):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=%d" % EXPOSURE_MAX,
                           installed + "/lib/systemd/system/penstock.service"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, encoding="utf-8")
    assert "Overall exposure level" in done.stdout and done.returncode == 0, done.stdout


class Manager:
    """Does with the unit's command what systemd does: starts it, hears it, reloads and stops it."""

    def __init__(self, unit, home, **env):
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind("")  # an abstract address that the kernel chooses
        self.heard.settimeout(DEADLINE_SECONDS)
        words = shlex.split(unit["Service"]["ExecStart"].replace("/var/lib/penstock", home))
        address = "@" + self.heard.getsockname()[1:].decode()
        self.process = subprocess.Popen(words + ["--listen", "127.0.0.1:0"],
                                        env={"NOTIFY_SOCKET": address, **env}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def next(self):
        return self.heard.recv(4096).decode()

    def until(self, word):
        """The messages up to the one with the word."""
        messages = []
        while not messages or word not in messages[-1]:
            messages.append(self.next())
        return messages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.heard.close()


def test_unit_starts_reloads_and_stops_as_it_says(installed, tmp_path):
    unit = read_unit(installed + "/lib/systemd/system/penstock.service")
    assert (unit["Service"]["Type"], unit["Service"]["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")
    with Manager(unit, str(tmp_path / "home"), WATCHDOG_USEC="200000") as manager:
        assert "STATUS=listening on http://127.0.0.1:" in manager.until("READY=1")[-1]
        manager.until("WATCHDOG=1")
        manager.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", manager.until("RELOADING=1")[-1])
        manager.until("READY=1")
        manager.until("WATCHDOG=1")
        manager.process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert manager.process.wait(timeout=DEADLINE_SECONDS) == 0


def test_watchdog_of_another_process_is_not_fed(installed, tmp_path):
    unit = read_unit(installed + "/lib/systemd/system/penstock.service")
    with Manager(unit, str(tmp_path / "home"), WATCHDOG_USEC="200000", WATCHDOG_PID="1") as manager:
        manager.until("READY=1")
        for _ in range(3):  # each time the loop that feeds has gone round
            manager.process.send_signal(signal.SIGHUP)
            assert [message.split("=")[0] for message in manager.until("READY=1")] == ["RELOADING", "READY"]
