"""Sets up what the measurements need: directories, a fake Slack, spools and their luaslackd.

Whatever is started here is ended here, by its own process id, and every directory is removed.
"""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

# What a service gets from systemd, no more: variables cost each program time.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
START_LIMIT = 10.0  # seconds that a program may take until it answers
END_LIMIT = 5.0  # seconds that it may take to end when asked


class Failed(Exception):
    """The measurement cannot go on, or what it measures went wrong."""


def wait_until(condition, seconds, what, interval=0.002):
    """Asks every `interval` seconds; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


class FakeSlack:
    """The loopback Slack; it lives as long as this object's owner."""

    def __init__(self, program, directory):
        port_file = directory / "port"
        command = [program, "--port", "0", "--port-file", port_file, "--max-seconds", "600"]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
        wait_until(port_file.exists, START_LIMIT, "fake-slack answers")
        self._base = f"http://127.0.0.1:{port_file.read_text().strip()}"
        self.webhook = self._base + "/services/T/B/x"

    def messages(self, accepted=True):
        """Every accepted message so far, or every request: dictionaries with `time` (seconds),
        `body` and `connection` (a number)."""
        query = "?accepted=1" if accepted else ""
        with urllib.request.urlopen(f"{self._base}/messages{query}", timeout=30) as answer:
            return json.load(answer)

    def control(self, rule):
        """Sets how it answers from now on."""
        data = json.dumps(rule).encode()
        request = urllib.request.Request(self._base + "/control", data=data, method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def forget(self):
        """Forgets the messages, so that the next part counts its own."""
        request = urllib.request.Request(self._base + "/reset", data=b"", method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def stop(self):
        """Ends it."""
        self.process.terminate()
        end(self.process.pid)
        self.process.returncode = 0


class Spool:
    """One spool directory with its configuration, and the luaslackd that a part may run on it."""

    # So that what a part sends goes out one by one, and nothing waits for its pace.
    PACE = 'rate = "10/1s"\nburst = 100\n'

    def __init__(self, stage, place, name, linger="60s", destinations=()):
        self._stage = stage
        self._daemon = None
        self.home = place / name
        self.home.mkdir(mode=0o700)
        self.directory = self.home / "spool"
        self.directory.mkdir(mode=0o700)
        self._config = self.home / "config.toml"
        text = f'linger = "{linger}"\nwarnings = false\n'
        for destination in ("default", *destinations):
            text += f'[destination.{destination}]\nwebhook_file = "{destination}"\n{self.PACE}'
            webhook = self.home / destination
            webhook.touch(mode=0o600)
            webhook.write_text(f"{stage.slack.webhook}-{destination}\n")
        self._config.write_text(text)
        overflow = str(self.home / "overflow")
        self.environment = ENVIRONMENT | {"LUASLACK_OVERFLOW": overflow}

    def manage(self):
        """Somebody else starts luaslackd, that is: nobody does, and calls only leave their file."""
        (self.directory / "managed").touch()
        return self

    def ban(self, ip, instant, to=None):
        """The command line as fail2ban's action gives it; `instant` in seconds since 1970."""
        where = [f"--to={to}"] if to else []
        return [
            self._stage.luaslack, "ban", f"--spool={self.directory}",
            f"--config={self._config}", *where, f"--id={ip}", f"--time={instant}", "--bantime=600",
            "--bancount=1", "--family=inet4", "--user=root", "--restored=0", "--", "sshd", ip, "5",
        ]  # fmt: skip

    def serve(self):
        """Runs luaslackd by hand: it stays until `stop`."""
        log = open(self.home / "luaslackd.log", "wb")
        paths = ["--spool", self.directory, "--config", self._config]
        command = [self._stage.luaslackd, *paths]
        self._daemon = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stderr=log
        )
        log.close()
        try:
            wait_until(self.is_served, START_LIMIT, "luaslackd listens")
        except Failed as problem:
            raise Failed(f"{problem}: {(self.home / 'luaslackd.log').read_text()}") from None
        return self

    @property
    def process_id(self):
        """Of the luaslackd that `serve` runs."""
        return self._daemon.pid

    def is_served(self):
        """Whether luaslackd holds the lock and listens."""
        return (self.directory / "trigger").exists() and not self.is_free()

    def stop(self):
        """Ends luaslackd; returns the CPU time that it and its sandboxes took, in milliseconds."""
        if self._daemon is None:
            return 0.0
        self._daemon.send_signal(signal.SIGTERM)
        usage = end(self._daemon.pid)
        self._daemon.returncode = 0
        self._daemon = None
        return (usage.ru_utime + usage.ru_stime) * 1e3

    def is_free(self):
        """Whether no luaslackd holds the lock. Not to be asked while a call runs, which must not
        find this process holding it."""
        with open(self.directory / "lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def is_taken_in(self):
        """Whether luaslackd has taken every file."""
        incoming = self.directory / "incoming"
        return not incoming.exists() or not any(os.scandir(incoming))

    def rows(self, query):
        """What the database says."""
        connection = sqlite3.connect(f"file:{self.directory}/luaslack.db?mode=rw", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def untold(self, ips, limit):
        """Those of the addresses that no message tells of, alone or in a digest, though each second what waits is
        sent at once, for `limit` seconds."""
        where = [f"--spool={self.directory}", f"--config={self._config}"]
        flush = [self._stage.luaslack, "queue", "flush", *where]
        told = """
          SELECT event.subject FROM event JOIN delivery ON delivery.event = event.id
            LEFT JOIN delivery AS digest ON digest.id = delivery.folded_into
          WHERE event.kind = 'ban' AND (delivery.state = 'delivered'
            OR delivery.state = 'folded' AND digest.state = 'delivered')"""

        def missing():
            return set(ips) - {row[0] for row in self.rows(told)}

        def is_told():
            subprocess.run(flush, env=self.environment, stdout=subprocess.DEVNULL, check=False)
            return not missing()

        try:
            wait_until(is_told, limit, "all is told", 1.0)
        except Failed:
            pass
        return missing()


class Stage:
    """The directories and programs of one benchmark run; a context manager."""

    def __init__(self, release, memory_parent, disk_parent):
        release = Path(release).resolve()
        self.luaslack, self.luaslackd, fake_slack = (
            str(release / name) for name in ("luaslack", "luaslackd", "fake-slack")
        )
        for program in (self.luaslack, self.luaslackd, fake_slack):
            if not os.access(program, os.X_OK):
                raise Failed(f"no program {program}; `make build` makes it")
        self._spools = []
        self._parents = (memory_parent, disk_parent)
        self.memory = self.disk = self.slack = None
        self._fake_slack = fake_slack

    def __enter__(self):
        try:
            # One after the other: if the second cannot be made, the first has to go again.
            self.memory = make_directory(self._parents[0])
            self.disk = make_directory(self._parents[1])
            self.slack = FakeSlack(self._fake_slack, self.memory)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for spool in self._spools:
            spool.stop()
        end_adopted(keep={self.slack.process.pid} if self.slack else set())
        if self.slack:
            self.slack.stop()
        for directory in filter(None, (self.memory, self.disk)):
            shutil.rmtree(directory, ignore_errors=True)

    def spool(self, place, name, **options):
        """A new spool in `place`, one of this stage's two directories."""
        spool = Spool(self, place, name, **options)
        self._spools.append(spool)
        return spool


def end_adopted(keep):
    """Ends and reaps the orphans that became this process's children: each luaslackd that a call
    started and that has not left by itself."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for pid in set(map(int, children)) - keep:
        try:
            os.kill(pid, signal.SIGTERM)
            end(pid)
        except (ProcessLookupError, ChildProcessError):
            continue


def end(pid):
    """Waits for a child that was asked to end, and kills it if it does not; returns its usage."""
    limit = time.monotonic() + END_LIMIT
    while True:
        found, _, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return usage
        if time.monotonic() > limit:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def make_directory(parent):
    """A directory of our own in `parent`, closed to others."""
    try:
        return Path(tempfile.mkdtemp(prefix="luaslack-bench.", dir=parent))
    except OSError as problem:
        raise Failed(f"no directory for the spools: {problem}") from None
