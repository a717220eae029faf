#!/usr/bin/env python3
"""Measures how long somebody who edits a formatter waits: for `luaslack preview`, and with `--watch` from the
save to the changed picture. `make bench` calls it; about fifteen seconds.

Prints a table, and as its last line one JSON object. Exit status 2, with --strict: a figure is over its bar; 3:
it could not measure.
"""

import argparse
import json
import os
import pty
import random
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from measure import spawn, summary  # noqa: E402
from stage import ENVIRONMENT, Failed, end, make_directory  # noqa: E402

RUNS = 100
SAVES = 60
PREVIEW_BAR = 30.0  # milliseconds for one event
WATCH_BAR = 150.0  # milliseconds from the save to the changed picture
PATIENCE = 5.0  # seconds that a picture may take until the measurement fails

SCRIPT = """
local colour = {{ sshd = "#d64545", ["nginx-http-auth"] = "#e8a33d" }}
return {{
  ban = function(event, payload)
    payload.text = "picture {number}: " .. slack.bold(event.jail) .. " banned " .. slack.code(event.ip)
    payload.attachments[1].color = colour[event.jail]
  end,
}}
"""
CONFIG = '[destination.default]\nwebhook_file = "webhook"\n'


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="How long an editor of formatters waits.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual runs")
    parser.add_argument("--disk", default="/tmp", help="a directory on a disk")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


class Place:
    """A config with one formatter beside the shipped `default`."""

    def __init__(self, release, directory):
        self.luaslack = str(Path(release).resolve() / "luaslack")
        if not os.access(self.luaslack, os.X_OK):
            raise Failed(f"no program {self.luaslack}; `make build` makes it")
        (directory / "formatters").mkdir(mode=0o700)
        self.formatter = directory / "formatters/50-colours.lua"
        (directory / "config.toml").write_text(CONFIG)
        self.arguments = [
            self.luaslack, "preview", "--config", str(directory / "config.toml"),
            "--spool", str(directory / "spool"),
        ]  # fmt: skip
        self.save(0)

    def save(self, number):
        """As an editor does that puts a new file in the place of the old one."""
        new = self.formatter.with_suffix(".tmp")
        new.write_text(SCRIPT.format(number=number))
        new.rename(self.formatter)


def previews(place, runs):
    """The wall time of each preview of one event."""
    walls = []
    for _ in range(runs):
        run = spawn(place.arguments, ENVIRONMENT, silent=True)
        if run.status != 0:
            raise Failed(f"luaslack preview ended with {run.status}")
        walls.append(run.wall)
    return walls


def watched(place, saves):
    """Milliseconds from each save until the changed picture is on the terminal."""
    terminal, inner = pty.openpty()
    environment = ENVIRONMENT | {"TERM": "xterm-256color"}
    program = subprocess.Popen(
        [*place.arguments, "--watch"], env=environment, stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    chance = random.Random(7)
    try:
        shows(terminal, 0)
        waits = []
        for number in range(1, saves + 1):
            # Not in step with anything that the program does at intervals.
            time.sleep(0.03 + chance.random() * 0.1)
            begin = time.perf_counter()
            place.save(number)
            shows(terminal, number)
            waits.append((time.perf_counter() - begin) * 1e3)
        return waits
    finally:
        program.terminate()
        end(program.pid)
        program.returncode = 0
        os.close(terminal)


def shows(terminal, number):
    """Reads until that picture is there."""
    wanted, seen = f"picture {number}:".encode(), b""
    limit = time.monotonic() + PATIENCE
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, limit - time.monotonic()))
        if not ready:
            raise Failed(f"picture {number} was not shown within {PATIENCE:g} s")
        seen = seen[-64:] + os.read(terminal, 65536)


def main():
    """Measures and says how it went."""
    chosen = options()
    directory = make_directory(chosen.disk)
    try:
        place = Place(chosen.release, directory)
        walls = summary(previews(place, max(5, int(RUNS * chosen.scale))))
        waits = summary(watched(place, max(5, int(SAVES * chosen.scale))))
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 3
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    table.heading("Editing a formatter: until the picture is there, ms")
    names = ("median", "p90", "max", "runs")
    table.rows(
        ["", *names],
        [
            ["luaslack preview", *(walls[name] for name in names)],
            ["preview --watch, from the save", *(waits[name] for name in names)],
        ],
    )
    bars = {
        "preview": table.verdict("preview, one event", walls["median"], PREVIEW_BAR, " ms"),
        "watch": table.verdict("from the save to the picture", waits["p90"], WATCH_BAR, " ms"),
    }
    figures = {
        name: {key: round(value, 3) for key, value in each.items()}
        for name, each in {"preview": walls, "watch": waits}.items()
    }
    print(json.dumps({"figures": figures, "bars": bars}))
    return 2 if chosen.strict and any(not bar["met"] for bar in bars.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
