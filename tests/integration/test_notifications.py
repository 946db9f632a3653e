"""Notifications reach a real SMTP server and an HTTP receiver, signed and complete."""
import asyncio
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import signal
import threading
import time

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from api import Server
from penstock import wait_for

SECRET = "webhook-secret-hush"


class Hook(http.server.ThreadingHTTPServer):
    """Keeps what is posted; answers with the next of `answers`, then 200."""

    def __init__(self):
        hook = self
        hook.posts, hook.answers = [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posts.append((dict(self.headers), body))
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Mailbox:
    def __init__(self):
        self.mails, self.logins = [], []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos,
                           email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"

    def login(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data == type(data)(b"ana", b"mail-hush"))


@pytest.fixture
def hook():
    server = Hook()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def mailbox():
    box, loop = Mailbox(), asyncio.new_event_loop()
    smtp = lambda: SMTP(box, authenticator=box.login, auth_require_tls=False, loop=loop)  # noqa: E731
    server = loop.run_until_complete(loop.create_server(smtp, "127.0.0.1", 0))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield box
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def settings(penstock, notifications, **others):
    os.makedirs(penstock.home, mode=0o700, exist_ok=True)
    with open(os.path.join(penstock.home, "penstock.yml"), "w", encoding="utf-8") as file:
        json.dump({"notifications": notifications, **others}, file)


def mail_to(port, **changes):
    return {"mail": {"to": ["Bob <bob@example.org>", "eve@example.org"], "from": "Penstock <penstock@example.org>",
                     "server": "smtp://127.0.0.1:%d" % port, "encrypt": False, **changes}}


def check_signature(headers, body):
    stamp = headers["X-Penstock-Timestamp"]
    assert abs(time.time() - int(stamp)) < 300
    wanted = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Penstock-Signature"] == "sha256=" + wanted


def test_webhook_is_signed(penstock, hook, bucket):
    settings(penstock, [{"webhook": {"url": "http://127.0.0.1:%d/x?token=hush" % hook.server_port,
                                     "secret": SECRET}}])
    result = penstock.run("notify:test")
    assert "ok       webhook http://127.0.0.1:%d/x\n" % hook.server_port in result.out
    (headers, body), = hook.posts
    check_signature(headers, body)
    assert headers["Content-Type"] == "application/json" and headers["X-Penstock-Event"] == "test"
    assert json.loads(body)["data"] == {"test": True}
    assert "hush" not in result.text


def test_mail_arrives_with_login(penstock, mailbox, bucket):
    settings(penstock, [mail_to(mailbox.port, user="ana", password="mail-hush")])
    penstock.run("notify:test")
    (sender, receivers, mail), = mailbox.mails
    assert sender == "penstock@example.org" and receivers == ["bob@example.org", "eve@example.org"]
    assert mail["Subject"] == "Penstock: a test of the notifications"
    assert mail["From"] == "Penstock <penstock@example.org>" and mail["Auto-Submitted"] == "auto-generated"
    assert "a test of the notifications" in mail.get_content()
    assert mailbox.logins == [(b"ana", b"mail-hush")]


def test_wrong_mail_password_is_said(penstock, mailbox, bucket):
    settings(penstock, [mail_to(mailbox.port, user="ana", password="wrong-hush")])
    result = penstock.run("notify:test", status=1)
    assert result.has("failed   mail Bob <bob@example.org> eve@example.org") and not mailbox.mails, result.text
    assert "wrong-hush" not in result.text


def test_mail_is_not_sent_in_clear_by_default(penstock, mailbox, bucket):
    settings(penstock, [mail_to(mailbox.port, encrypt=True)])
    assert penstock.run("notify:test", status=1).has("failed") and not mailbox.mails


def test_receiver_that_refuses_is_said(penstock, hook, bucket):
    hook.answers = [403]
    settings(penstock, [{"webhook": {"url": "http://127.0.0.1:%d/" % hook.server_port}}])
    assert penstock.run("notify:test", status=1).has("the webhook answered 403")
    headers, _ = hook.posts[0]
    assert "X-Penstock-Signature" not in headers


def test_home_without_notifications_says_so(penstock, bucket):
    assert penstock.run("notify:test", status=1).has("penstock.yml has no notifications")


def posts_of(hook):
    """What was posted, by event and job. The same may come twice: after a 503, say."""
    messages = [json.loads(body) for _, body in list(hook.posts)]
    return {(message["event"], message["data"]["job_id"]): message for message in messages}


def test_server_tells_of_a_failed_job_and_of_rejects(penstock, s3, hook, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\nno number,y\n")
    settings(penstock, [{"webhook": {"url": "http://127.0.0.1:%d/" % hook.server_port, "secret": SECRET}}])
    hook.answers = [503]  # that one waits for its next attempt, the other goes on
    penstock.issue(penstock.config(bucket="no-such-bucket-here"), status=None)
    penstock.load()
    with Server(penstock):
        wait_for("two messages", lambda: len(posts_of(hook)) == 2)
    posts = posts_of(hook)
    assert set(posts) == {("job_error", 1), ("rejects", 2)}
    assert "no-such-bucket-here" in posts["job_error", 1]["data"]["error"]
    assert posts["rejects", 2]["data"]["rejected"] == 1 and posts["rejects", 2]["data"]["records"] == 1
    assert posts["rejects", 2]["title"] == "job 2 rejected 1 records: test_db.tab"
    for headers, body in hook.posts:
        check_signature(headers, body)
        assert penstock.credentials[1].encode() not in body


def test_sighup_takes_new_receivers(penstock, hook, bucket):
    settings(penstock, [])
    with Server(penstock) as server:
        settings(penstock, [{"on": ["job_error"],
                             "webhook": {"url": "http://127.0.0.1:%d/" % hook.server_port}}])
        server.process.send_signal(signal.SIGHUP)
        wait_for("the new settings", lambda: "settings are reread" in server.log())
        penstock.issue(penstock.config(bucket="no-such-bucket-here"), "-w", status=None)
        wait_for("the message", lambda: hook.posts)
        post, = posts_of(hook).values()
        assert post["event"] == "job_error" and "no-such-bucket-here" in post["data"]["error"]
