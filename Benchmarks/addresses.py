#!/usr/bin/env python3
"""Measures what is known of an address costs: how long `luaslack ban` takes, how late a single message is, and how long a
storm takes to be taken in, with neither `[geo]` nor `[rdns]`, with a database of addresses, and with that and a resolver
that never answers. `make bench` calls it; two minutes, most of them to build.

Prints a table, and as its last line one JSON object. Exit status 2, with --strict: a figure is over its bar; 3:
it could not measure.
"""

import argparse
import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from format import is_empty  # noqa: E402
from history import build  # noqa: E402
from measure import spawn  # noqa: E402
from stage import ENVIRONMENT, Failed, end, make_directory, wait_until  # noqa: E402

ROUNDS = 5
CALLS = 100
SINGLE = 3  # after so many silences nobody is asked for a minute
STORM = 1000
DEADLINE = 300  # milliseconds
NOISE = 1.1
MODES = ("off", "geo", "silent")


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="What is known of an address costs.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual rounds")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on tmpfs")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


class Slack:
    """Takes every message and notes when."""

    def __init__(self):
        self.times = []
        times = self.times

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                times.append(time.monotonic())
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                """Nothing is printed."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # luaslackd ends whenever a part does, with its connections.
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def address(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/services/T0/B0/x"


class Resolver:
    """Hears every question and never answers."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.questions = 0
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        """Until the end of the program."""
        while True:
            self.socket.recv(4096)
            self.questions += 1


class Bench:
    """A spool, a config for each mode, and who listens."""

    def __init__(self, release, directory):
        self.release = Path(release).resolve()
        self.directory = directory
        self.slack, self.resolver = Slack(), Resolver()
        (directory / "webhook").write_text(self.slack.address() + "\n")
        (directory / "webhook").chmod(0o600)
        port = self.resolver.socket.getsockname()[1]
        usual = 'warnings = false\n[destination.default]\nwebhook_file = "webhook"\nrate = "10/1s"\nburst = 100\n'
        places = '[geo]\ndatabases = ["addresses.mmdb"]\n'
        names = f'[rdns]\nenabled = true\nserver = "127.0.0.1:{port}"\n'
        subprocess.run([build(), "addresses", directory / "addresses.mmdb"], check=True)
        (directory / "off.toml").write_text(usual)
        (directory / "geo.toml").write_text(usual + places)
        (directory / "silent.toml").write_text(usual + places + names)

    def ban(self, spool, ip):
        """One event, as fail2ban hands it over; returns the milliseconds that it took."""
        command = [str(self.release / "luaslack"), "ban", f"--spool={spool}", "--", "sshd", ip, "5"]
        run = spawn(command, ENVIRONMENT | {"LUASLACK_SPAWN": "0"})
        if run.status != 0:
            raise Failed("luaslack ban failed")
        return run.wall

    def daemon(self, mode, spool):
        """luaslackd with one of the configs."""
        command = [str(self.release / "luaslackd"), "serve", "--spool", str(spool)]
        command += ["--config", str(self.directory / f"{mode}.toml")]
        return subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def spool(self):
        """A new one."""
        spool = self.directory / "spool"
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(mode=0o700)
        return spool

    def stop(self, daemon):
        """Ends what this started."""
        daemon.send_signal(signal.SIGTERM)
        end(daemon.pid)
        daemon.returncode = 0

    @contextlib.contextmanager
    def running(self, mode):
        """A new spool on which luaslackd runs."""
        spool = self.spool()
        daemon = self.daemon(mode, spool)
        try:
            wait_until((spool / "trigger").exists, 10, "luaslackd listens")
            time.sleep(0.3)
            yield spool
        finally:
            self.stop(daemon)

    def calls(self, mode):
        """Milliseconds of each `luaslack ban` of some in a row, while luaslackd works."""
        with self.running(mode) as spool:
            return [self.ban(spool, f"198.18.99.{number + 1}") for number in range(CALLS)]

    def single(self, mode, number):
        """Milliseconds from the end of `luaslack ban` to the message, for a few bans one after the other."""
        times = []
        with self.running(mode) as spool:
            for index in range(SINGLE):
                seen = len(self.slack.times)
                self.ban(spool, f"198.18.{number}.{index + 1}")
                begin = time.monotonic()
                wait_until(lambda: len(self.slack.times) > seen, 10, "a message")
                times.append((self.slack.times[seen] - begin) * 1e3)
        return times

    def storm(self, mode):
        """Milliseconds an event until all of a storm is taken in; questions that were asked meanwhile."""
        spool = self.spool()
        for number in range(STORM):
            self.ban(spool, f"198.19.{number // 250}.{number % 250 + 1}")
        before, begin = self.resolver.questions, time.monotonic()
        daemon = self.daemon(mode, spool)
        try:
            wait_until(lambda: is_empty(spool / "incoming"), 60, f"{STORM} events, {mode}")
            wall = time.monotonic() - begin
        finally:
            self.stop(daemon)
        self.check(mode, spool)
        return wall * 1e3 / STORM, self.resolver.questions - before

    def check(self, mode, spool):
        """That what was measured was done."""
        with contextlib.closing(sqlite3.connect(spool / "luaslack.db")) as database:
            known = database.execute("SELECT count(*) FROM ban WHERE country = 'DE'").fetchone()[0]
        if known != (0 if mode == "off" else STORM):
            raise Failed(f"of {STORM} addresses {known} have a country, {mode}")


def measure(chosen):
    """All rounds; prints them and returns the figures."""
    directory = make_directory(chosen.memory)
    try:
        bench = Bench(chosen.release, directory)
        calls = {mode: [] for mode in MODES}
        single = {mode: [] for mode in MODES}
        storm = {mode: [] for mode in MODES}
        asked = 0
        for number in range(max(1, int(ROUNDS * chosen.scale))):
            for mode in MODES if number % 2 else reversed(MODES):
                calls[mode] += bench.calls(mode)
                single[mode] += bench.single(mode, number)
                wall, questions = bench.storm(mode)
                storm[mode].append(wall)
                asked += questions
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    medians = {
        mode: [statistics.median(each[mode]) for each in (calls, single, storm)] for mode in MODES
    }
    table.heading("What is known of an address: nothing; where it is; that, and a resolver that never answers")
    table.rows(
        ["", "ban, ms", "message, ms", "at most", "storm, ms an event"],
        [[mode, call, message, max(single[mode]), event] for mode, (call, message, event) in medians.items()])
    (call, message, event), geo, silent = (medians[mode] for mode in MODES)
    table.note(f"to look an address up, and to keep what is known: {(geo[2] - event) * 1e3:.0f} µs an event")
    table.note(f"questions asked in storms of {STORM}: {asked}")
    return {
        "ban_geo": table.verdict("ban, of its time without, geo", geo[0] / call, NOISE, ""),
        "ban_silent": table.verdict("ban, of its time without, silent", silent[0] / call, NOISE, ""),
        "late": table.verdict("a message is later by", silent[1] - message, DEADLINE * NOISE, " ms"),
        "storm": table.verdict("a storm takes, of its time with geo alone", silent[2] / geo[2], NOISE, ""),
        "geo": geo[2] - event,
        "asked": asked,
    }


def main():
    """Exit status as above."""
    chosen = options()
    try:
        figures = measure(chosen)
    except (Failed, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    print(json.dumps(figures))
    missed = any(not figure["met"] for figure in figures.values() if isinstance(figure, dict))
    return 2 if missed and chosen.strict else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
