#!/usr/bin/env python3
"""Measures how luaslack delivers: what a message costs beside the curl line that people paste, what
100,000 waiting events cost everybody, and what becomes of a storm. One run, on loopback. `make
bench` calls it; about two minutes.

Prints tables, and as its last line one JSON object. Exit status 1: an event was lost; 2, with
--strict: a figure is over its bar; 3: it could not measure.
"""

import argparse
import json
import os
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from call import curl_command  # noqa: E402
from measure import Deadline, Subject, adopt_orphans, interleave, quantile, spawn  # noqa: E402
from stage import ENVIRONMENT, Failed, Stage, wait_until  # noqa: E402

LONGEST = 100.0  # seconds until no new round is begun
ROUNDS = 5
MESSAGES = 300
CURLS = 100  # calls of curl beside each round
TARGETS = 3  # webhooks: each has its own pace, and 100 may go at once
BACKLOG = 100_000
BANS = 200
STATUSES = 20
STORM = 1000
STORM_LIMIT = 60.0  # seconds

CPU_BAR = 1.0  # of curl's, a message
STATUS_BAR = 50.0  # milliseconds
MEMORY_BAR = 40.0  # MiB
STORM_BAR = 12  # messages


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="How luaslack delivers.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual numbers")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on tmpfs")
    parser.add_argument("--disk", default="/var/tmp", help="a directory on a disk")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


def configure(spool, webhooks, pace='rate = "10/1s"\nburst = 100', top=""):
    """Gives a spool the destinations `default`, `d1`, …; no webhook file is written."""
    names = ["default"] + [f"d{number}" for number in range(1, webhooks)]
    text = f'linger = "60s"\nwarnings = false\n{top}\n' + "".join(
        f'[destination.{name}]\nwebhook_file = "webhook-{name}"\n{pace}\n' for name in names
    )
    (spool.home / "config.toml").write_text(text)
    return names


def aim(spool, name, url):
    """Writes a webhook's file."""
    path = spool.home / f"webhook-{name}"
    path.touch(mode=0o600)
    path.write_text(url + "\n")


def address(number):
    """An address of its own for each event."""
    return f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def pending(spool):
    """Deliveries that wait."""
    return spool.rows("SELECT sum(count) FROM tally WHERE state IN ('waiting', 'sending')")[0][0]


# 1. A message's price


def price(stage, deadline, scale):
    """luaslackd with 300 messages that are ready to go, beside curl in a loop."""
    messages = max(TARGETS, int(MESSAGES * scale) // TARGETS * TARGETS)
    curls = max(2, int(CURLS * scale))
    table.heading(f"1. {messages} messages from the database to Slack, beside curl in a loop")
    runs = []
    for number in range(ROUNDS):
        if runs and deadline.is_over():
            break
        each = delivered(stage, f"price-{number}", messages)
        each["curl_cpu"], each["curl_connections"] = posted(stage, curls)
        each["ratio"] = each["cpu"] / max(each["curl_cpu"], 1e-6)
        runs.append(each)
    figures = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    lines = [
        ["luaslackd", figures["cpu"], figures["connections"]],
        ["curl, one process a message", figures["curl_cpu"], figures["curl_connections"]],
    ]
    table.rows(["", "CPU ms a message", "connections a message"], lines)
    table.note(f"medians of {len(runs)} rounds; luaslackd's start and end are in it")
    bar = table.verdict("luaslackd's CPU to curl's", figures["ratio"], CPU_BAR, "")
    return figures | {"rounds": len(runs)}, {"deliver_cpu_ratio": bar}


def delivered(stage, name, messages):
    """CPU milliseconds and connections of luaslackd for each of so many messages."""
    spool = stage.spool(stage.memory, name)
    names = configure(spool, TARGETS, top="formatters = []")
    spool.manage()
    for number in range(messages):
        target = names[number % TARGETS]
        command = spool.ban(address(number), int(time.time()), to=target)
        if spawn(command, spool.environment).status != 0:
            raise Failed("luaslack ban failed")
    # Taken in and formatted by one that has no webhook, sent by the next.
    spool.serve()
    wait_until(spool.is_taken_in, 30, "the events are taken in")
    spool.stop()
    stage.slack.forget()
    for target in names:
        aim(spool, target, stage.slack.webhook.replace("/x", f"/{target}"))
    spool.serve()
    flush = [stage.luaslack, "queue", "flush", f"--spool={spool.directory}"]
    spawn(flush, spool.environment)
    wait_until(lambda: pending(spool) == 0, 60, "the messages are delivered", 0.02)
    cpu = spool.stop()
    seen = stage.slack.messages()
    if len(seen) != messages:
        raise Failed(f"{len(seen)} messages of {messages}")
    connections = len({message["connection"] for message in seen})
    return {"cpu": cpu / messages, "connections": connections / messages}


def posted(stage, count):
    """The same of curl."""
    stage.slack.forget()
    runs = [spawn(curl_command(stage.slack.webhook), ENVIRONMENT) for _ in range(count)]
    if any(run.status for run in runs):
        raise Failed("curl failed")
    seen = {message["connection"] for message in stage.slack.messages()}
    return statistics.mean(run.cpu for run in runs), len(seen) / count


# 2. A backlog


def backlog(stage, deadline, scale):
    """100,000 events wait for a Slack that takes none."""
    count, bans = max(100, int(BACKLOG * scale)), max(4, int(BANS * scale))
    table.heading(f"2. {count} events wait for a Slack that refuses")
    stage.slack.control({"mode": "status", "status": 500, "body": "rollup_error"})
    empty, full = (waiting_spool(stage, name) for name in ("backlog-none", "backlog"))
    full.stop()
    multiply(full, count)
    full.serve()
    instant = int(time.time())
    environment = full.environment
    # What luaslackd needs at all it has after the first.
    spawn(full.ban("192.0.2.2", instant), environment)
    wait_until(full.is_taken_in, 60, "the first ban is taken in")
    resident_before, _ = memory(full)
    subjects = [
        Subject(name, lambda n, spool=spool: spool.ban(f"172.16.{n // 250}.{n % 250 + 1}", instant),
                environment)
        for name, spool in (("an empty spool", empty), ("the full one", full))
    ]  # fmt: skip
    interleave(subjects, bans, 0.03, deadline)
    wait_until(full.is_taken_in, 60, "the bans are taken in")
    walls = [subject.summary()["median"] for subject in subjects]
    asking = [stage.luaslack, "status", f"--spool={full.directory}"]
    number = max(3, int(STATUSES * scale))
    statuses = [spawn(asking, environment, silent=True).wall for _ in range(number)]
    resident, peak = memory(full)
    cpu = [spool.stop() / (bans + 1) for spool in (empty, full)]
    stage.slack.control({"mode": "ok"})
    figures = {
        "waiting": count, "ban_empty": walls[0], "ban_full": walls[1],
        "ban_ratio": statistics.median(
            ours.wall / theirs.wall for theirs, ours in zip(subjects[0].runs, subjects[1].runs)),
        "failed_runs": sum(subject.failures for subject in subjects),
        "cpu_empty": cpu[0], "cpu_full": cpu[1],
        "status_median": statistics.median(statuses), "status_p90": quantile(statuses, 0.9),
        "resident_mib": resident, "peak_mib": peak, "grown_mib": resident - resident_before,
    }  # fmt: skip
    lines = [
        [f"ban, {subject.name}", wall, each] for subject, wall, each in zip(subjects, walls, cpu)
    ]
    lines.append(["status, the full one", figures["status_median"], None])
    table.rows(["", "median ms", "luaslackd's CPU ms a ban"], lines)
    table.note(f"ban, full to empty, pairwise: {figures['ban_ratio']:.2f}")
    table.note(f"luaslackd grew by {figures['grown_mib']:.1f} MiB while {bans} more came")
    bars = {
        "status_ms": table.verdict("status", figures["status_median"], STATUS_BAR, " ms"),
        "memory_mib": table.verdict("luaslackd's memory, peak", peak, MEMORY_BAR, " MiB"),
    }
    return figures, bars


def waiting_spool(stage, name):
    """A spool that is served and in which one event waits."""
    spool = stage.spool(stage.memory, name)
    configure(spool, 1)
    aim(spool, "default", stage.slack.webhook)
    spool.serve()
    spawn(spool.ban("192.0.2.1", int(time.time())), spool.environment)
    wait_until(spool.is_taken_in, 10, "the event is taken in")
    wait_until(lambda: spool.rows("SELECT attempts FROM delivery")[0][0], 10, "one waits", 0.02)
    return spool


def multiply(spool, count):
    """Makes so many of the one event, each with an address of its own. Not by `ban`, because that
    is not what is measured here."""
    connection = sqlite3.connect(spool.directory / "luaslack.db")
    connection.executescript(
        f"""
        PRAGMA synchronous = OFF;
        BEGIN;
        WITH RECURSIVE numbers (n) AS
          (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1})
        INSERT INTO event (kind, jail, subject, accepted_at, record)
          SELECT kind, jail, address, accepted_at,
            json_set(record, '$.ip', address, '$.id', address)
          FROM event, (SELECT format('10.%d.%d.%d', n / 65536, n / 256 % 256, n % 256) AS address
            FROM numbers) WHERE event.id = 1;
        INSERT INTO delivery (event, destination, state, payload, reason, attempts, next_attempt_at,
            set_at)
          SELECT event.id, destination, 'waiting', replace(payload, '192.0.2.1', event.subject),
            reason, attempts, next_attempt_at, set_at
          FROM delivery, event WHERE delivery.id = 1 AND event.id > 1;
        COMMIT;
        """
    )
    connection.close()


def memory(spool):
    """luaslackd's resident set now and at its peak, in MiB."""
    lines = Path(f"/proc/{spool.process_id}/status").read_text().splitlines()
    figures = dict(line.split(":", 1) for line in lines)
    return tuple(int(figures[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


# 3. A storm


def storm(stage, _deadline, scale):
    """1,000 bans at once, one destination with the usual pace, and a Slack that refuses more than
    one message a second."""
    count = max(20, int(STORM * scale))
    table.heading(f"3. {count} bans at once, one webhook, 1 message a second")
    stage.slack.forget()
    stage.slack.control({"mode": "rate", "per_second": 1, "burst": 5})
    spool = stage.spool(stage.memory, "storm")
    configure(spool, 1, pace="")
    aim(spool, "default", stage.slack.webhook)
    spool.serve()
    begin = time.monotonic()
    ips = "".join(f"{address(number)}\n" for number in range(count))
    command = ["xargs", "-P", "4", "-I@", stage.luaslack, "ban", f"--spool={spool.directory}",
               f"--config={spool.home / 'config.toml'}", "--", "sshd", "@", "5"]  # fmt: skip
    done = subprocess.run(command, input=ips, text=True, env=spool.environment, check=False)
    accepted = time.monotonic() - begin
    seconds, lost = None, 0

    def is_settled():
        return spool.is_taken_in() and not pending(spool)

    try:
        wait_until(is_settled, STORM_LIMIT, "the storm", 0.1)
        seconds = time.monotonic() - begin
    except Failed:
        lost = pending(spool)  # late is as bad
    states = dict(spool.rows(
        "SELECT state, count(*) FROM delivery JOIN event ON event.id = event "
        "WHERE kind = 'ban' GROUP BY 1"))  # fmt: skip
    told = states.get("delivered", 0) + states.get("folded", 0)
    spool.stop()
    messages = stage.slack.messages()
    refused = len(stage.slack.messages(accepted=False)) - len(messages)
    stage.slack.control({"mode": "ok"})
    figures = {
        "bans": count, "accepted_seconds": accepted, "settled_seconds": seconds,
        "messages": len(messages), "refused": refused, "alone": states.get("delivered", 0),
        "folded": states.get("folded", 0), "lost": max(lost, count - told),
        "failed_runs": int(done.returncode != 0),
    }  # fmt: skip
    titles = ["", "accepted s", "told s", "messages", "alone", "folded", "429"]
    values = [accepted, seconds, len(messages), figures["alone"], figures["folded"], refused]
    table.rows(titles, [[f"{count} bans", *values]])
    bars = {
        "storm_messages": table.verdict("messages", len(messages), STORM_BAR, ""),
        "storm_seconds": table.verdict("told after", seconds or STORM_LIMIT, 30.0, " s"),
        "storm_429": table.verdict("refused with 429", refused, 0, ""),
    }
    return figures, bars


PARTS = {"price": price, "backlog": backlog, "storm": storm}


def rounded(value):
    """The figures with no more digits than they are worth."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def main():
    """Measures and says how it went."""
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    adopt_orphans()
    print(
        f"luaslack on {platform.machine()}, {os.cpu_count()} processors, load "
        f"{os.getloadavg()[0]:.1f} before it begins; user {os.geteuid()}"
    )
    figures, bars = {}, {}
    deadline = Deadline(LONGEST)
    try:
        with Stage(chosen.release, chosen.memory, chosen.disk) as stage:
            for name, part in PARTS.items():
                if not chosen.part or name in chosen.part:
                    figures[name], checked = part(stage, deadline, chosen.scale)
                    bars |= checked
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    lost = sum(part.get(name, 0) for part in figures.values() for name in ("lost", "failed_runs"))
    print(f"\n{lost} LOST" if lost else "\nEvery event was told or waits.")
    print(json.dumps({"figures": rounded(figures), "bars": bars, "lost": lost}))
    if lost:
        return 1
    return 2 if chosen.strict and any(not bar["met"] for bar in bars.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
