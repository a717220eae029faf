#!/usr/bin/env python3
"""Measures what formatting costs: 1,000 events from the spool into the database, through no
formatter, one, and a chain of three, everything on one core and in one run, interleaved. `make
bench` calls it; about half a minute.

Prints a table, and as its last line one JSON object. Exit status 2, with --strict: a figure is over
its bar; 3: it could not measure.
"""

import argparse
import fcntl
import json
import os
import platform
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from measure import Deadline, spawn  # noqa: E402
from stage import ENVIRONMENT, Failed, end, make_directory, wait_until  # noqa: E402

ROUNDS = 5
EVENTS = 1000
STARTS = 50
LONGEST = 45.0  # seconds until no new round is begun
BATCH_LIMIT = 30.0  # seconds that one batch of events may take
WALL_BAR = 1.0  # milliseconds an event: 1 s for 1,000, the sandbox included
CPU_BAR = 2.0  # milliseconds an event of luaslackd's own

LOCAL = {
    "50-colours.lua": """
local colour = { sshd = "#d64545", ["nginx-http-auth"] = "#e8a33d" }
local emoji = { info = ":shield:", warning = ":warning:", critical = ":rotating_light:" }
return {
  ban = function(event, payload)
    payload.text = ("%s *%s* banned %s after %d failures"):format(
      emoji[event.severity], event.jail, slack.code(event.ip), event.failures)
    payload.attachments[1].color = colour[event.jail]
  end,
}
""",
    "60-link.lua": """
return {
  ban = function(event, payload)
    local url = "https://example.org/whois?q=" .. event.ip
    payload.text = payload.text .. " " .. slack.link(url, "who is that?")
    if ip.within(event.ip, "198.51.100.0/24", "2001:db8::/32") then
      payload.attachments[1].footer = "lab"
    end
    if event.matches then
      payload.attachments[1].text = slack.pre(slack.truncate(event.matches, 300))
    end
  end,
}
""",
}
CHAINS = {"none": [], "one": ["default"], "three": ["default", "local"]}
NAMES = {"none": "no formatter", "one": "`default`", "three": "`default` and two local files"}


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="What formatting an event costs.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual rounds")
    parser.add_argument("--events", type=int, default=EVENTS, help="events of one batch")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on tmpfs")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


class Bench:
    """The programs, and a spool of accepted events that every batch begins with a copy of."""

    def __init__(self, release, place, events):
        self.release = Path(release).resolve()
        self.place = place
        self.events = events
        self.core = min(os.sched_getaffinity(0))
        self.template = place / "template"
        for name in ("luaslack", "luaslackd", "luaslack-sandbox"):
            if not os.access(self.release / name, os.X_OK):
                raise Failed(f"no program {self.release / name}; `make build` makes it")
        (place / "formatters").mkdir(mode=0o700)
        for name, source in LOCAL.items():
            (place / "formatters" / name).write_text(source)
        for key, chain in CHAINS.items():
            names = ", ".join(f'"{name}"' for name in chain)
            # A webhook that is not there: the events are formatted and wait, nothing is sent.
            text = f'formatters = [{names}]\n[destination.default]\nwebhook_file = "absent"\n'
            (place / f"{key}.toml").write_text(text)
        self.accept()

    def accept(self):
        """Makes the events, by the program that fail2ban calls."""
        self.template.mkdir(mode=0o700)
        (self.template / "managed").touch()  # calls only leave their file
        begin = int(time.time())
        for number in range(self.events):
            ip = f"198.18.{number // 250}.{number % 250 + 1}"
            line = f"Nov 21 09:05:44 web1 sshd[{number}]: Failed password for root from {ip}"
            command = [
                str(self.release / "luaslack"), "ban", f"--spool={self.template}",
                f"--config={self.place / 'none.toml'}", f"--time={begin + number}",
                "--bantime=600", "--bancount=1", "--user=root", f"--matches={line}",
                "--", "sshd", ip, "5",
            ]  # fmt: skip
            if spawn(command, ENVIRONMENT).status != 0:
                raise Failed("luaslack ban failed")

    def batch(self, key):
        """One luaslackd takes all events in; its figures in milliseconds an event."""
        spool = self.place / "spool"
        shutil.copytree(self.template, spool)
        spool.chmod(0o700)
        incoming = spool / "incoming"
        command = [
            "taskset", "-c", str(self.core), str(self.release / "luaslackd"), "serve",
            "--spool", str(spool), "--config", str(self.place / f"{key}.toml"),
        ]  # fmt: skip
        log = open(self.place / "luaslackd.log", "wb")
        begin = time.perf_counter()
        daemon = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stderr=log)
        try:
            wait_until(lambda: is_empty(incoming), BATCH_LIMIT, f"{self.events} events, {key}")
            wall = time.perf_counter() - begin
            own, others = cpu(daemon.pid)
        finally:
            log.close()
            daemon.send_signal(signal.SIGTERM)
            end(daemon.pid)
            daemon.returncode = 0
            shutil.rmtree(spool)
        figures = {"wall": wall, "own": own, "sandbox": others}
        return {name: value * 1e3 / self.events for name, value in figures.items()}

    def start(self):
        """One sandbox with the chain of three, which gets no event; wall and CPU milliseconds."""
        job = os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(job, self.job)
        f_add_seals, shrink_grow_write = 1033, 2 | 4 | 8
        fcntl.fcntl(job, f_add_seals, shrink_grow_write)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, job if n == 0 else null, n) for n in range(4)]
        program = str(self.release / "luaslack-sandbox")
        begin = time.perf_counter()
        pid = os.posix_spawn(program, [program], {}, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - begin
        os.close(job)
        os.close(null)
        if status != 0:
            raise Failed(f"luaslack-sandbox ended with {os.waitstatus_to_exitcode(status)}")
        return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3

    def prepare_job(self):
        """The bytes that luaslackd would give the sandbox for the chain of three."""
        top = Path(__file__).resolve().parent.parent
        default = (top / "scripts/default/formatter.lua").read_text()
        files = {"default.lua": default} | LOCAL
        body = tree({
            "prelude": (top / "Sources/LuaslackCore/Format/prelude.lua").read_text(),
            "files": [{"name": name, "source": source} for name, source in files.items()],
            "libs": {}, "destinations": ["default"], "zone": "UTC0", "limits": {},
        })  # fmt: skip
        self.job = b"LSJ2" + struct.pack("<I", len(body)) + body


def tree(value):
    """A value in the codec of the sandbox's pipe: LuaslackCore/Format/Tree.swift."""
    if isinstance(value, str):
        text = value.encode()
        return b"\x05" + struct.pack("<I", len(text)) + text
    if isinstance(value, list):
        return b"\x06" + struct.pack("<I", len(value)) + b"".join(map(tree, value))
    members = b"".join(tree(key)[1:] + tree(value[key]) for key in sorted(value))
    return b"\x07" + struct.pack("<I", len(value)) + members


def is_empty(incoming):
    """Whether every event was taken in: formatted, stored, and its file removed."""
    return not any(not entry.name.startswith(".") for entry in os.scandir(incoming))


def cpu(pid):
    """Seconds of CPU of a process, and of what it started: the sandbox and its children."""
    ticks = os.sysconf("SC_CLK_TCK")

    def times(process):
        words = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return [int(word) / ticks for word in words[11:15]]

    user, system, others_user, others_system = times(pid)
    others = others_user + others_system
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        others += sum(times(child))  # a sandbox that still runs
    return user + system, others


def measure(chosen):
    """All rounds; returns the figures."""
    place = make_directory(chosen.memory)
    try:
        bench = Bench(chosen.release, place, chosen.events)
        bench.prepare_job()
        deadline = Deadline(LONGEST)
        runs = {key: [] for key in CHAINS}
        starts = []
        keys = list(CHAINS)
        for number in range(max(1, int(ROUNDS * chosen.scale))):
            if deadline.is_over():
                break
            first = number % len(keys)
            for key in keys[first:] + keys[:first]:
                runs[key].append(bench.batch(key))
            starts += [bench.start() for _ in range(max(1, int(STARTS / ROUNDS)))]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    figures = {
        key: {name: statistics.median(run[name] for run in each) for name in each[0]}
        | {"rounds": len(each)}
        for key, each in runs.items()
    }
    figures["start"] = {
        "wall": statistics.median(wall for wall, _ in starts),
        "cpu": statistics.median(cpu for _, cpu in starts),
        "runs": len(starts),
    }
    return figures


def report(figures, events):
    """Prints the table; returns the bars."""
    table.heading(
        f"Formatting: {events} events from the spool into the database, one core, tmpfs; medians, "
        "ms an event"
    )
    lines = [
        [NAMES[key], *(figures[key][name] for name in ("wall", "own", "sandbox", "rounds"))]
        for key in CHAINS
    ]
    table.rows(["", "wall", "luaslackd's CPU", "sandbox's CPU", "rounds"], lines)
    start = figures["start"]
    table.note(
        f"The start of a sandbox, once a batch: {start['wall']:.2f} ms, of CPU {start['cpu']:.2f} "
        f"ms ({start['runs']} runs, chain of three, no event)."
    )
    three = figures["three"]
    return {
        "wall_three": table.verdict("wall, chain of three", three["wall"], WALL_BAR, " ms"),
        "cpu_three": table.verdict("luaslackd's CPU, the same", three["own"], CPU_BAR, " ms"),
    }


def main():
    """Measures and says how it went."""
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    print(
        f"luaslack on {platform.machine()}, {os.cpu_count()} processors, load "
        f"{os.getloadavg()[0]:.1f} before it begins; user {os.geteuid()}"
    )
    try:
        figures = measure(chosen)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    bars = report(figures, chosen.events)
    rounded = {
        key: {name: round(value, 3) for name, value in each.items()}
        for key, each in figures.items()
    }
    print(json.dumps({"figures": rounded, "bars": bars}))
    return 2 if chosen.strict and any(not bar["met"] for bar in bars.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
