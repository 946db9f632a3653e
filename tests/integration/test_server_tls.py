"""HTTPS of the server itself: a certificate made here, clients that check it, and what goes wrong."""
import json
import os
import signal
import socket
import ssl
import subprocess

import pytest

from api import DEADLINE_SECONDS, Server, TdClient
from penstock import BINARY, wait_for
from test_api import config_of


def make_certificate(folder, name):
    """A self-signed certificate of 127.0.0.1 and its key, as PEM files."""
    files = [os.path.join(str(folder), name + ending) for ending in (".crt", ".key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                    "-out", files[0], "-keyout", files[1]],
                   check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return files


def settings(penstock, **words):
    os.makedirs(penstock.home, mode=0o700, exist_ok=True)
    with open(os.path.join(penstock.home, "penstock.yml"), "w", encoding="utf-8") as file:
        json.dump(words, file)


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path, "server")


@pytest.fixture
def tls_server(penstock, certificate):
    settings(penstock, server_tls_certificate=certificate[0], server_tls_key=certificate[1])
    with Server(penstock, tls=ssl.create_default_context(cafile=certificate[0])) as running:
        yield running


def test_load_is_issued_over_https(tls_server, penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,one\n")
    td = TdClient(tls_server)
    assert td.server_status() == "ok"
    td.create_database("sample_db")
    td.create_table("sample_db", "tab")
    assert td.wait(td.issue("sample_db", "tab", config_of(penstock))) == "success"
    assert td.tail("sample_db", "tab", 1)[0]["name"] == "one"


def test_large_reply_comes_whole_over_https(tls_server):
    td = TdClient(tls_server)
    td.create_database("sample_db")
    job_id = td.query("SELECT i, repeat('x', 100) AS s FROM range(100000) t(i)", "sample_db")
    assert td.wait(job_id) == "success"
    assert [row[0] for row in td.rows(job_id)] == list(range(100000))


def test_cookies_are_secure_over_https(tls_server):
    reply = tls_server.ask("POST", "/api/v1/login", json.dumps({"name": "root", "password": "correct horse battery"}),
                           {"Content-Type": "application/json"})
    cookies = reply.headers.get_all("Set-Cookie")
    assert reply.status == 200 and len(cookies) == 2
    assert all(cookie.endswith("; Secure") for cookie in cookies)


def test_client_that_does_not_know_the_certificate_leaves(tls_server, tmp_path):
    other = make_certificate(tmp_path, "other")
    for context in (ssl.create_default_context(), ssl.create_default_context(cafile=other[0])):
        with pytest.raises(ssl.SSLCertVerificationError):
            Server.ask(_with(tls_server, context), "GET", "/healthz")
    assert tls_server.ask("GET", "/healthz").status == 200


def _with(server, context):
    """The same server, asked by a client with another context."""
    other = Server(server.penstock, tls=context)
    other.port = server.port
    return other


def handshake(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as plain:
        with context.wrap_socket(plain) as wrapped:
            return wrapped.version()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(tls_server):
    assert handshake(tls_server, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(tls_server, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(tls_server, version)


def test_plain_http_and_half_a_handshake_hold_nobody_up(tls_server):
    half = [socket.create_connection(("127.0.0.1", tls_server.port), timeout=DEADLINE_SECONDS) for _ in range(50)]
    for i, connection in enumerate(half):
        connection.sendall([b"", b"\x16\x03\x01\x02\x00", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"][i % 3])
    assert tls_server.ask("GET", "/healthz").status == 200
    plain = half[2].recv(4096)  # an alert of TLS, or the end: no reply of HTTP
    assert not plain.startswith(b"HTTP/")
    for connection in half:
        connection.close()
    assert tls_server.ask("GET", "/healthz").status == 200


def test_hangup_keeps_the_certificate_and_says_so(tls_server, penstock, tmp_path):
    other = make_certificate(tmp_path, "other")
    settings(penstock, server_tls_certificate=other[0], server_tls_key=other[1])
    tls_server.process.send_signal(signal.SIGHUP)
    wait_for("reread", lambda: "server_tls_*" in tls_server.log())
    assert tls_server.ask("GET", "/healthz").status == 200
    tls_server.stop()
    with Server(penstock, tls=ssl.create_default_context(cafile=other[0])) as again:
        assert again.ask("GET", "/healthz").status == 200


def test_with_tls_any_address_is_fine(penstock, certificate):
    settings(penstock, server_tls_certificate=certificate[0], server_tls_key=certificate[1])
    process = subprocess.Popen([BINARY, "server", "--listen", "0.0.0.0:0"], cwd=penstock.folder,
                               env=penstock.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    assert process.stdout.readline().startswith(b"listening on https://0.0.0.0:")
    process.terminate()
    assert process.wait(timeout=DEADLINE_SECONDS) == 0
    process.stdout.close()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_certificate_that_cannot_serve_stops_the_start(penstock, certificate, tmp_path):
    good, key = certificate
    other = make_certificate(tmp_path, "other")
    none = write(str(tmp_path / "none.pem"), "no certificate\n")
    missing = str(tmp_path / "missing.pem")
    cases = [({"server_tls_certificate": good}, ["server_tls_key", "belong together"]),
             ({"server_tls_key": key}, ["server_tls_certificate", "belong together"]),
             ({"server_tls_certificate": missing, "server_tls_key": key}, ["missing.pem"]),
             ({"server_tls_certificate": good, "server_tls_key": missing}, ["missing.pem"]),
             ({"server_tls_certificate": none, "server_tls_key": key}, ["https", "pem"]),
             ({"server_tls_certificate": good, "server_tls_key": none}, ["https", "pem"]),
             ({"server_tls_certificate": good, "server_tls_key": other[1]}, ["https", "belong together"])]
    for words, said in cases:
        settings(penstock, **words)
        refused = penstock.run("server", "--listen", "127.0.0.1:0", status=1)
        assert refused.has(*said), refused.text
        assert refused.out == ""
