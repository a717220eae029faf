#!/usr/bin/env python3
"""Measures whether the firewall waits: a private fail2ban-server bans 200 addresses at once, with luaslack
beside a firewall action that writes down when it ran. `make bench` calls it; about six minutes.

fail2ban looks into its logs once a second: the addresses fail just after it did. What else the machine does is
chance: so there are rounds, each with every case, and each ratio is the median over the rounds. The processor
time that the whole service takes until the last address is firewalled depends less on it, and says why.

Prints tables, and as its last line one JSON object. Exit status 1: an address was not firewalled or is in no
message; 2, with --strict: a figure is over its bar; 3: it could not measure.
"""

import argparse
import atexit
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from deliver import address, aim, configure  # noqa: E402
from measure import adopt_orphans, quantile  # noqa: E402
from stage import ENVIRONMENT, Failed, Stage, end, wait_until  # noqa: E402

SERVER = "/usr/bin/fail2ban-server"
CLIENT = "/usr/bin/fail2ban-client"
PROBE = "192.0.2.1"  # fails once, which is too seldom: it shows when the log is read
ADDRESSES = 200
ROUNDS = 2
RETRY = 2  # failures that lead to a ban
BAN_LIMIT = 120.0  # seconds for all of them to be firewalled
TELL_LIMIT = 90.0  # seconds for all of them to be told once Slack is back
START_LIMIT = 30.0
END_LIMIT = 10.0

TRUE_BAR = 1.25  # of a run with /bin/true, Slack fast
SLACK_BAR = 1.05  # of a run with Slack fast
STOP_BAR = 3.0  # seconds

# How Slack is while addresses are banned; None: there is none.
CASES = {
    "true": {"mode": "ok"},
    "fast": {"mode": "ok"},
    "slow": {"mode": "rate", "per_second": 1, "burst": 1},
    "hanging": {"mode": "hang", "seconds": 600},
    "down": None,
}
TITLES = {
    "true": "/bin/true in luaslack's place",
    "fast": "luaslack, Slack fast",
    "slow": "luaslack, Slack takes 1 message/s",
    "hanging": "luaslack, Slack hanging",
    "down": "luaslack, Slack down",
}


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="Whether the firewall waits.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--case", action="append", choices=CASES, help="only this; repeatable")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual addresses")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on tmpfs")
    parser.add_argument("--disk", default="/var/tmp", help="a directory on a disk")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


class Fail2ban:
    """A fail2ban-server of this run's own: socket, log, database and configuration are in `home`."""

    def __init__(self, home, spool, luaslack):
        self.home = home
        self.log = home / "auth.log"
        self.marks = home / "firewalled"
        conf = home / "fail2ban"
        shutil.copytree("/etc/fail2ban", conf)
        for file in (conf / "jail.d").iterdir():
            file.unlink()
        for file in (Path(__file__).resolve().parent.parent / "action.d").glob("*.conf"):
            shutil.copy(file, conf / "action.d")
        self.log.touch()
        (conf / "action.d" / "mark.conf").write_text(
            "[Definition]\n"
            f'actionban = printf "%%s " "<ip>" >> {self.marks}; date +%%s.%%N >> {self.marks}\n'
        )
        (conf / "fail2ban.local").write_text(
            f"[DEFAULT]\ndbfile = {home}/db\nlogtarget = {home}/fail2ban.log\nallowipv6 = auto\n"
        )
        where = f"--spool={spool.directory} --config={spool.home}/config.toml"
        (conf / "jail.local").write_text(
            f"[sshd]\nenabled = true\nbackend = polling\nmaxretry = {RETRY}\nbantime = 600\n"
            f"logpath = {self.log}\n"
            f'action = mark\n         luaslack[luaslack="{luaslack}", options="{where}"]\n'
        )
        self.options = ["-c", conf, "-s", home / "socket", "-p", home / "pid"]
        self.group = Group(home.name)
        self.process = subprocess.Popen(
            [*self.group.enter, SERVER, *self.options, "-xf", "start"],
            env=spool.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: self.client("ping") == 0, START_LIMIT, "fail2ban answers", 0.2)
        wait_until(lambda: self.says("Jail 'sshd' started"), START_LIMIT, "sshd runs", 0.1)

    def client(self, *words):
        """The exit status of a command."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run([CLIENT, *self.options, *words], env=ENVIRONMENT, **quiet).returncode

    def says(self, text):
        """Whether that stands in its log."""
        log = self.home / "fail2ban.log"
        return log.exists() and text in log.read_text()

    def attack(self, ips):
        """Every address fails as often as it takes, all at once; returns when."""
        self.write([PROBE])
        wait_until(lambda: self.says(f"Found {PROBE}"), START_LIMIT, "the log is read", 0.01)
        begin = time.time()
        self.write(ip for ip in ips for _ in range(RETRY))
        return begin

    def write(self, ips):
        """A failed login of each."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
        line = "{} host sshd[12]: Failed password for invalid user test from {} port 22 ssh2\n"
        with open(self.log, "a") as log:
            log.write("".join(line.format(stamp, ip) for ip in ips))

    def firewalled(self):
        """When each address was."""
        if not self.marks.exists():
            return {}
        words = [line.split() for line in self.marks.read_text().splitlines()]
        return {pair[0]: float(pair[1]) for pair in words if len(pair) == 2}

    def stop(self):
        """Seconds that `fail2ban-client stop` and the server's end take."""
        begin = time.monotonic()
        self.client("stop")
        end(self.process.pid)
        self.process.returncode = 0
        return time.monotonic() - begin

    def terminate(self, daemons):
        """The same when the service manager ends a service: TERM to all that it started, and, when its main process
        has gone, once more to what came since."""
        begin = time.monotonic()
        self.signal(self.group.members() or [self.process.pid, *daemons])
        end(self.process.pid)
        self.process.returncode = 0
        late = self.group.members()
        self.signal(late)
        for pid in {*daemons, *late}:
            try:
                end(pid)
            except ChildProcessError:
                pass  # somebody else's child, such as a sandbox
        wait_until(lambda: not self.group.members(), END_LIMIT, "the service is empty")
        return time.monotonic() - begin

    @staticmethod
    def signal(pids):
        """Asks processes to end."""
        for pid in pids:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass  # ended meanwhile


class Group:
    """A control group of cgroup v2, as systemd has one for each service. Where none can be made (no rights, no
    cgroup v2), `members` is empty, and a stop asks the server and its luaslackd by their ids."""

    def __init__(self, name):
        self._path = None
        with open("/proc/self/mounts") as mounts, open("/proc/self/cgroup") as groups:
            mount = next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)
            own = next((line[4:].strip() for line in groups if line.startswith("0::/")), None)
        if mount and own is not None:
            path = Path(mount) / own / f"luaslack-{os.getpid()}-{name}"
            try:
                path.mkdir()
                self._path = path
                atexit.register(self.remove)  # when the storm failed, and its processes were ended
            except OSError:
                pass
        # What begins a command line so that it runs in the group.
        script = 'echo $$ > "$0" && exec "$@"'
        self.enter = ["/bin/sh", "-c", script, self._path / "cgroup.procs"] if self._path else []

    def members(self):
        """The ids of its processes."""
        return [int(pid) for pid in (self._path / "cgroup.procs").read_text().split()] if self._path else []

    def cpu(self):
        """Seconds of processor time that all of it has taken."""
        if not self._path:
            return 0.0
        words = (self._path / "cpu.stat").read_text().split()
        return int(words[words.index("usage_usec") + 1]) / 1e6

    def remove(self):
        """It has no processes any more."""
        if self._path:
            path, self._path = self._path, None
            path.rmdir()


def daemons(spool):
    """Every luaslackd that serves this spool: its path, like no other, is an argument."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/luaslackd") and str(spool.directory).encode() in words:
            found.append(int(place.name))
    return found


def storm(stage, case, number, ips):
    """One case: all addresses at once. Returns its figures."""
    name = f"{case}-{number}"
    spool = stage.spool(stage.memory, name)
    configure(spool, 1, pace="", top='connect_timeout = "5s"\ntimeout = "5s"')
    rule = CASES[case]
    stage.slack.control(rule or CASES["fast"])
    aim(spool, "default", stage.slack.webhook if rule else "http://127.0.0.1:9/services/T/B/x")
    home = stage.memory / f"{name}-fail2ban"
    home.mkdir()
    server = Fail2ban(home, spool, "/bin/true" if case == "true" else stage.luaslack)
    before = server.group.cpu()
    begin = server.attack(ips)
    try:
        wait_until(lambda: len(server.firewalled()) >= len(ips), BAN_LIMIT, "bans", 0.1)
    except Failed:
        pass  # counted below
    cpu = server.group.cpu() - before
    # The last ones' luaslack runs after their firewall action.
    time.sleep(1.0)
    delays = [at - begin for at in server.firewalled().values()]
    figures = {
        "median": quantile(delays, 0.5), "p99": quantile(delays, 0.99), "max": max(delays), "cpu": cpu,
        "load": os.getloadavg()[0], "not_firewalled": len(ips) - len(delays),
    }  # fmt: skip
    # Every other round the way systemd ends a service, with all that it started.
    if case != "true" and number % 2:
        figures["stop_cgroup"] = server.terminate(daemons(spool))
    else:
        figures["stop"] = server.stop()
    if case != "true":
        stage.slack.control({"mode": "ok"})
        aim(spool, "default", stage.slack.webhook)
        figures["untold"] = len(spool.untold(ips, TELL_LIMIT))
    for pid in daemons(spool):
        os.kill(pid, signal.SIGTERM)
        end(pid)
    server.group.remove()
    shutil.rmtree(home, ignore_errors=True)
    return figures


def measure(chosen):
    """Runs every case in each round; returns the figures by case, a list each."""
    cases = [case for case in CASES if not chosen.case or case in chosen.case]
    ips = [address(number) for number in range(max(4, int(ADDRESSES * chosen.scale)))]
    runs = {case: [] for case in cases}
    with Stage(chosen.release, chosen.memory, chosen.disk) as stage:
        for number in range(chosen.rounds):
            # No case always has the machine's same mood.
            first = number % len(cases)
            for case in cases[first:] + cases[:first]:
                runs[case].append(storm(stage, case, number, ips))
    return runs, len(ips)


def report(runs, count):
    """Prints the table; returns the bars and how many addresses went astray."""
    table.heading(f"{count} addresses at once: seconds until the firewall action ran")
    lines = []
    for case, each in runs.items():
        middle = {key: statistics.median(run[key] for run in each) for key in ("median", "p99", "max", "cpu")}
        stops = [run[key] for run in each for key in ("stop", "stop_cgroup") if key in run]
        lines.append(
            [TITLES[case], middle["median"], middle["p99"], middle["max"], middle["cpu"], max(stops),
             sum(run["not_firewalled"] for run in each), sum(run.get("untold", 0) for run in each)]
        )  # fmt: skip
    table.rows(["", "p50", "p99", "max", "CPU s", "longest stop", "not firewalled", "untold"], lines)

    def ratio(case, other):
        return statistics.median(a["p99"] / b["p99"] for a, b in zip(runs[case], runs[other]))

    bars = {}
    if {"true", "fast"} <= runs.keys():
        bars["fast_to_true"] = table.verdict("Slack fast to /bin/true, p99", ratio("fast", "true"), TRUE_BAR, "")
    for case in ("slow", "hanging", "down"):
        if {case, "fast"} <= runs.keys():
            bars[f"{case}_to_fast"] = table.verdict(f"Slack {case} to fast, p99", ratio(case, "fast"), SLACK_BAR, "")
    for key, word in (("stop", "fail2ban-client stop"), ("stop_cgroup", "stop of the whole service")):
        stops = [run[key] for run in runs.get("hanging", []) if key in run]
        if stops:
            bars[key] = table.verdict(f"{word}, Slack hanging", max(stops), STOP_BAR, " s")
    lost = sum(run["not_firewalled"] + run.get("untold", 0) for each in runs.values() for run in each)
    return bars, lost


def main():
    """Measures and says how it went."""
    chosen = options()
    if not os.access(SERVER, os.X_OK):
        print("fail2ban is not installed: whether the firewall waits is not measured")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    adopt_orphans()
    print(f"fail2ban with luaslack on {platform.machine()}, load {os.getloadavg()[0]:.1f}")
    try:
        runs, count = measure(chosen)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    bars, lost = report(runs, count)
    print(f"\n{lost} LOST" if lost else "\nEvery address was firewalled, and every one is told.")
    print(json.dumps({"figures": runs, "bars": bars, "lost": lost}))
    if lost:
        return 1
    missed = any(not bar["met"] for bar in bars.values())
    return 2 if chosen.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
