"""Secrets of a configuration, its filters and the environment show up nowhere: marked ones are planted and looked
for in the home, the logs, the catalog, every command's output, and what a dying process leaves."""
import os
import resource
import signal
import stat
import subprocess

import pytest

from penstock import BINARY, PATIENCE_SECONDS, wait_for

MARKS = {name: "mark-%s-7f3a9c" % name for name in ("proxy", "hash", "salt", "wrong", "token", "profile", "ignored")}
ROWS = "id,name,mail\n1,x,a@b\nbad,y,c@d\n"
COLUMNS = [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}, {"name": "mail", "type": "string"}]


class Planted:
    """A configuration with a secret wherever one may stand, and what must not be seen."""

    def __init__(self, penstock, s3, proxy):
        self.penstock, self.proxy = penstock, proxy
        self.keys = s3.session_token()
        self.secrets = [*self.keys[1:], *MARKS.values()]  # the access key's id is public, as in AWS's own logs
        s3.put(penstock.bucket, "a.csv", ROWS)
        self.outputs = []

    def source(self, **changes):
        access, secret, token = self.keys
        return {"auth_method": "session", "access_key_id": access, "secret_access_key": secret, "session_token": token,
                "http_proxy": {"host": "127.0.0.1", "port": self.proxy.port, "https": False, "user": "somebody",
                               "password": MARKS["proxy"]},
                "parser": {"type": "csv", "skip_header_lines": 1, "columns": COLUMNS}, **changes}

    def config(self, name="load.yml", **changes):
        filters = [{"type": "hash", "columns": [
            {"name": "mail", "algorithm": "HmacSHA256", "secret_key": MARKS["hash"]},
            {"name": "name", "algorithm": "SHA-256", "salt": MARKS["salt"]}]}]
        return self.penstock.config(name, filters=filters, out={"mode": "append", "apikey": MARKS["ignored"]},
                                    **self.source(**changes))

    def run(self, *arguments, status=0, env=None):
        result = self.penstock.run(*arguments, status=status, env=env)
        self.outputs.append(result.text.replace(self.penstock.folder, ""))
        return result

    def check(self):
        """No secret in any output nor in any file of the home."""
        assert len(self.outputs) > 1
        for text in self.outputs:
            for secret in self.secrets:
                assert secret not in text, text
        files = list(files_of(self.penstock.home))
        assert any(path.endswith("catalog.sqlite") for path in files)
        for path in files:
            with open(path, "rb") as file:
                content = file.read()
            for secret in self.secrets:
                assert secret.encode() not in content, "%s is in %s" % (secret, path)


def files_of(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(place, name)


@pytest.fixture
def planted(penstock, s3, proxy):
    return Planted(penstock, s3, proxy)


def issue_words(config):
    return ["connector:issue", config, "--database", "test_db", "--table", "tab", "--auto-create-table"]


def test_no_secret_is_in_home_logs_or_output(planted):
    config = planted.config()
    planted.run("-v", "--trace=all", *issue_words(config), "-w")
    planted.run("--json", *issue_words(config))
    planted.run("connector:preview", config)
    planted.run("config:check", config)
    planted.run("doctor", config, status=None)
    for job in (1, 2):
        planted.run("job:show", job, "-v")
        planted.run("--json", "job:show", job)
        planted.run("job:rejects", job)
        planted.run("job:objects", job)
    planted.run("job:list")
    assert planted.penstock.query("SELECT count(*) AS n FROM tab") == [{"n": 2}]
    assert planted.proxy.count("GET", "a.csv") > 0
    planted.check()


def test_no_secret_is_in_errors(planted):
    planted.run(*issue_words(planted.config()))
    wrong = {"secret_access_key": MARKS["wrong"]}
    for trouble in (wrong, {"session_token": MARKS["token"]}, {"bucket": "no-such-bucket"},
                    {"http_proxy": {"host": "127.0.0.1", "port": 1, "user": "u", "password": MARKS["proxy"]}},
                    {"no_such_option": MARKS["ignored"]},
                    {"secret_access_key": [MARKS["ignored"]]}):
        result = planted.run("-v", "--trace=all", *issue_words(planted.config("bad.yml", **trouble)), status=None)
        assert result.status != 0, result.text
    for scheme in ("http", "gopher"):
        proxy = {"http_proxy": "%s://u:%s@127.0.0.1:1" % (scheme, MARKS["proxy"])}
        result = planted.run("-v", "--trace=all", *issue_words(planted.config("bad.yml", http_proxy=None)), env=proxy,
                             status=1)
        assert "127.0.0.1:1" in result.err, result.text
    planted.run("doctor", planted.config("bad.yml", **wrong), status=None)
    planted.check()


def test_no_secret_of_environment_or_profile_is_shown(planted):
    access, secret, token = planted.keys
    nothing = {"access_key_id": None, "secret_access_key": None, "session_token": None}
    env = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
    planted.run("--trace=all", *issue_words(planted.config(auth_method="env", **nothing)), env=env)
    planted.run(*issue_words(planted.config(auth_method="env", **nothing)), status=None,
                env=dict(env, AWS_SECRET_ACCESS_KEY=MARKS["wrong"]))
    profile = planted.penstock.write("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n"
                                     "aws_session_token = %s\n[other]\naws_access_key_id = A\naws_secret_access_key = %s\n"
                                     % (access, secret, token, MARKS["profile"]), "credentials")
    planted.run("--trace=all", *issue_words(planted.config(auth_method="profile", profile_file=profile, **nothing)))
    planted.run("doctor", planted.config(auth_method="profile", profile_file=profile, profile_name="other", **nothing),
                status=None)
    planted.check()


def test_guess_keeps_secrets_in_its_file_only(planted):
    seed = planted.config("seed.yml", parser=None)
    planted.run("-v", "connector:guess", seed, "-o", "guessed.yml")
    planted.run("config:check", "guessed.yml")
    planted.run(*issue_words("guessed.yml"))
    guessed = os.path.join(planted.penstock.folder, "guessed.yml")
    assert stat.S_IMODE(os.stat(guessed).st_mode) == 0o600
    planted.check()


def test_an_aborted_process_leaves_no_core(planted, s3):
    """It dies while it holds every secret. A process that does not hide its memory shows that the test can see."""
    def limits():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    stall = planted.proxy.stall(after=1, seconds=PATIENCE_SECONDS, key="a.csv", times=2)
    dumped = {}
    for hide in (True, False):
        env = planted.penstock.env({} if hide else {"PENSTOCK_CORE_DUMPS": "1"})
        fired = stall.fired
        words = [BINARY, *issue_words(planted.config("hide-%s.yml" % hide))]
        process = subprocess.Popen(words, cwd=planted.penstock.folder, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limits)
        wait_for("its request", lambda: stall.fired > fired, process)  # noqa: B023 (called at once)
        process.send_signal(signal.SIGABRT)
        status = os.waitpid(process.pid, 0)[1]
        process.returncode = -signal.SIGABRT  # its status is taken: subprocess must not wait again
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
        dumped[hide] = os.WCOREDUMP(status)
        for path in files_of(planted.penstock.folder):
            if os.path.basename(path).startswith("core"):
                os.remove(path)
    print("core dumped: hidden %s, not hidden %s" % (dumped[True], dumped[False]))
    assert not dumped[True]


def test_files_and_folders_are_the_owners_only(planted):
    mask = os.umask(0)
    try:
        planted.run(*issue_words(planted.config()))
        planted.run(*issue_words(planted.config("bad.yml", bucket="no-such-bucket")), status=None)
    finally:
        os.umask(mask)
    for place, _, names in os.walk(planted.penstock.home):
        assert stat.S_IMODE(os.stat(place).st_mode) == 0o700, place
        for name in names:
            path = os.path.join(place, name)
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
