#!/usr/bin/env python3
"""A real S3 server for tests and the demo: Ceph RADOS Gateway on loopback.

One monitor, one OSD with its data in memory and one radosgw, all in a folder of their own, with
cephx keys, the S3 and the STS interface. It answers about 12 s after start. Only the processes
that this module started are ended, by their ids, also when starting fails half-way.

As a program (the demo uses it):
    rgw.py FOLDER        starts, prints `export NAME=value` lines, serves until stdin closes
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

START_SECONDS = 600  # it takes 15; a machine that does much else may need far longer
STS_KEY = "abcdefghijklmnop"  # 16 characters: an AES key of this throw-away server
USER_ACCESS, USER_SECRET = "PENSTOCKTESTKEY00001", "penstock/test+secret/key0000000000000001"

CONF = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_port}/0]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
admin socket = {folder}/$name.asok
run dir = {folder}
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
mon cluster log to syslog = false
crash dir = {folder}/crash
pid file = {folder}/$name.pid
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 1
ms bind ipv6 = false
ms bind msgr1 = false

[mon]
mon data = {folder}/mon
[mon.a]
mon addr = 127.0.0.1

[osd]
osd objectstore = memstore
memstore device bytes = {memory_bytes}
osd data = {folder}/osd
osd class load list = *
osd class default list = *
osd journal = {folder}/osd/journal
osd journal size = 16
osd mclock override recovery settings = true

[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{rgw_port}
rgw dns name = {dns_name}
rgw sts key = {sts_key}
rgw s3 auth use sts = true
rgw s3 auth order = local, sts
rgw enable usage log = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw run sync thread = false
rgw thread pool size = 64
rgw override bucket index max shards = 1
rgw list buckets max chunk = 1000
"""


def _die_with_parent():
    """In a child: the kernel ends it when the parent goes, however the parent goes."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class StartError(RuntimeError):
    """The server did not come up; the text holds the tail of the process's log."""


class ReservedPort:
    """A loopback port that the kernel gives to nobody else while this object is open.

    The socket is bound and never listens: a server that sets SO_REUSEADDR, as Ceph's do, can still
    bind and listen there, but no other port 0 and no outgoing connection gets it meanwhile.
    """

    def __init__(self):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.number = self.sock.getsockname()[1]

    def close(self):
        self.sock.close()


def tail(path, lines=15):
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return "".join(text.readlines()[-lines:])
    except OSError:
        return "(no %s)\n" % path


class Gateway:
    """A running server. `endpoint`, `port`, `access`, `secret` after start()."""

    dns_name = "s3.penstock.localhost"  # <bucket>.s3.penstock.localhost is loopback by RFC 6761

    def __init__(self, folder=None, memory_bytes=4 << 30):
        self.folder = folder or tempfile.mkdtemp(prefix="penstock-rgw-", dir="/tmp")
        self.is_own_folder = folder is None
        self.memory_bytes = memory_bytes
        self.processes = []
        self.reserved = []
        self.access, self.secret = USER_ACCESS, USER_SECRET

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # -- small tools

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *command, check=True, text_in=None):
        done = subprocess.run([str(c) for c in command], text=True, input=text_in, timeout=START_SECONDS,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if check and done.returncode != 0:
            raise StartError("%s\nexit status %d\n%s" % (" ".join(map(str, command)), done.returncode,
                                                         done.stderr[-2000:]))
        return done

    def ceph(self, *arguments):
        return self.run("ceph", "-c", self.path("ceph.conf"), "--connect-timeout", str(START_SECONDS), *arguments)

    def admin(self, *arguments):
        """radosgw-admin; its JSON answer (None when it answers nothing)."""
        done = self.run("radosgw-admin", "-c", self.path("ceph.conf"), "-n", "client.rgw", *arguments)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def spawn(self, *command):
        """Starts a server process in a session of its own, so that a Ctrl-C here does not reach it."""
        with open(self.path("%s.out" % command[0]), "ab") as out:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out, start_new_session=True,
                                       preexec_fn=_die_with_parent)
        self.processes.append(process)
        return process

    # -- life

    def start(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        for program in ("ceph-mon", "ceph-osd", "radosgw", "ceph"):
            if shutil.which(program) is None:
                raise StartError("%s is not installed: run tools/deps.sh s3" % program)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o700)
        self.reserved = [ReservedPort(), ReservedPort()]
        mon_port, self.port = (port.number for port in self.reserved)
        self.endpoint = "http://127.0.0.1:%d" % self.port
        self.fsid = str(uuid.uuid4())
        with open(self.path("ceph.conf"), "w", encoding="utf-8") as conf:
            conf.write(CONF.format(fsid=self.fsid, folder=self.folder, mon_port=mon_port,
                                   rgw_port=self.port, memory_bytes=self.memory_bytes,
                                   dns_name=self.dns_name, sts_key=STS_KEY))
        self._start_monitor()
        self._start_osd()
        self._start_gateway()
        self._wait_for_s3()

    def _start_monitor(self):
        keyring = self.path("keyring")
        self.run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.",
                 "--cap", "mon", "allow *")
        self.run("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *",
                 "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self.run("ceph-authtool", keyring, "--gen-key", "-n", "client.rgw", "--cap", "mon", "allow *",
                 "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        conf = self.path("ceph.conf")
        port = [line for line in open(conf, encoding="utf-8") if "mon host" in line][0]
        port = port.split("127.0.0.1:")[1].split("/")[0]
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a",
                 "[v2:127.0.0.1:%s/0]" % port, self.path("monmap"))
        os.makedirs(self.path("mon"))
        self.run("ceph-mon", "-c", conf, "--mkfs", "-i", "a", "--monmap", self.path("monmap"),
                 "--keyring", keyring)
        self.spawn("ceph-mon", "-c", conf, "-i", "a", "-f")

    def _start_osd(self):
        conf = self.path("ceph.conf")
        osd_id = str(uuid.uuid4())
        keyring = self.path("osd", "keyring")
        os.makedirs(self.path("osd"))
        self.run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "osd.0")
        self.ceph("osd", "new", osd_id)
        self.ceph("auth", "add", "osd.0", "-i", keyring, "mon", "allow profile osd",
                  "mgr", "allow profile osd", "osd", "allow *")
        self.run("ceph-osd", "-c", conf, "-i", "0", "--mkfs", "--osd-uuid", osd_id,
                 "--keyring", keyring)
        self.spawn("ceph-osd", "-c", conf, "-i", "0", "-f", "--keyring", keyring)

    def _start_gateway(self):
        conf = self.path("ceph.conf")
        self.admin("user", "create", "--uid", "tester", "--display-name", "Tester", "--access-key",
                   self.access, "--secret-key", self.secret, "--caps", "roles=*;user-policy=*")
        self.spawn("radosgw", "-c", conf, "-n", "client.rgw", "-f")

    def _wait_for_s3(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for process in self.processes:
                if process.poll() is not None:
                    name = os.path.basename(process.args[0])
                    raise StartError("%s ended with status %d\n%s" % (
                        name, process.returncode, tail(self.path(name + ".out"))))
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                    sock.settimeout(5)
                    sock.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                    if sock.recv(12).startswith(b"HTTP/1."):
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise StartError("no answer from %s in %d s\n%s" % (
            self.endpoint, START_SECONDS, tail(self.path("client.rgw.log"))))

    def stop(self):
        """Ends what was started, newest first, and removes the folder if this object made it."""
        for port in self.reserved:
            port.close()
        self.reserved = []
        for process in reversed(self.processes):
            process.kill()  # nothing of theirs is kept, and an orderly end takes 10 s
            process.wait()
        self.processes = []
        if self.is_own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- users

    def create_user(self, uid, access, secret):
        self.admin("user", "create", "--uid", uid, "--display-name", uid, "--access-key", access,
                   "--secret-key", secret)


def main():
    gateway = Gateway(sys.argv[1] if len(sys.argv) > 1 else None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        gateway.start()
        print("export S3_ENDPOINT=%s" % gateway.endpoint)
        print("export S3_ACCESS_KEY=%s" % gateway.access)
        print("export S3_SECRET_KEY=%s" % gateway.secret, flush=True)
        sys.stdin.read()
    except StartError as error:
        sys.exit("rgw: %s" % error)
    finally:
        gateway.stop()


if __name__ == "__main__":
    main()
