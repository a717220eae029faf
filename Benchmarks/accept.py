#!/usr/bin/env python3
"""Measures how luaslack accepts an event, beside the curl line that people paste today: both in one
run, interleaved, on loopback. `make bench` calls it; about three minutes.

Prints tables, and as its last line one JSON object. Exit status 1: an event was lost or a call
failed; 2, with --strict: a figure is over its bar; 3: it could not measure.
"""

import argparse
import json
import os
import platform
import signal
import sys

sys.dont_write_bytecode = True  # nothing is left in the checkout

import call  # noqa: E402
import crowd  # noqa: E402
import flush  # noqa: E402
import full  # noqa: E402
import latency  # noqa: E402
from measure import Deadline, adopt_orphans  # noqa: E402
from stage import Failed, Stage  # noqa: E402

PARTS = {"call": call, "flush": flush, "latency": latency, "crowd": crowd, "full": full}
# Seconds until no new round is begun; crowd and full come last and take less than two minutes.
# full leaves the host's mount namespace, so nothing may follow it.
LONGEST = 120.0


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="How luaslack accepts an event, beside curl.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual runs")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on tmpfs")
    parser.add_argument("--disk", default="/var/tmp", help="a directory on a disk")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


def measure(chosen):
    """Runs the parts; returns their figures and the bars."""
    figures, bars = {}, {}
    deadline = Deadline(LONGEST)
    with Stage(chosen.release, chosen.memory, chosen.disk) as stage:
        for name, part in PARTS.items():
            if chosen.part and name not in chosen.part:
                continue
            figures[name], checked = part.run(stage, deadline, chosen.scale)
            bars |= checked
    return figures, bars


def losses(figures):
    """How many calls failed and how many events are not in exactly one message."""
    parts = list(figures.values()) + list(figures.get("crowd", {}).values())
    names = ("failed_runs", "lost", "refused", "in_none", "in_several")
    return sum(part.get(name, 0) for part in parts for name in names)


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
    try:
        figures, bars = measure(chosen)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    lost = losses(figures)
    good = "Every call succeeded, every event arrived once."
    print(f"\n{lost} LOST" if lost else f"\n{good}")
    print(json.dumps({"figures": rounded(figures), "bars": bars, "lost": lost}))
    if lost:
        return 1
    missed = any(not bar["met"] for bar in bars.values())
    return 2 if chosen.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
