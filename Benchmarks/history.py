#!/usr/bin/env python3
"""Measures what a synthetic year of a million bans costs: to remember one, to ask what came before one (as every
message does), `luaslack history` and `luaslack report`. The bans are made by History, the
same at every run. `make bench` calls it; two minutes, most of them to build.

Prints a table, and as its last line one JSON object. Exit status 2, with --strict: a figure is over its bar; 3:
it could not measure.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the checkout

import table  # noqa: E402
from stage import ENVIRONMENT, Failed, make_directory  # noqa: E402

HERE = Path(__file__).resolve().parent
LOOKUP_BAR = 2.0  # milliseconds, p99, with nothing in memory
REPORT_BAR = 2.0  # seconds
RUNS = 15
CONFIG = '[destination.default]\nwebhook_file = "webhook"\n'


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="What a year of bans costs.")
    parser.add_argument("release", help="directory of the built programs")
    parser.add_argument("--disk", default="/tmp", help="a directory on a disk")
    parser.add_argument("--strict", action="store_true", help="status 2 if a bar is missed")
    return parser.parse_args()


def build():
    """The program that makes the year, and addresses; returns its path."""
    package = HERE / "History"
    command = [HERE.parent / "tools/quiet-link", "swift", "build", "-c", "release", "--static-swift-stdlib", "--quiet"]
    command += ["--package-path", package]
    if subprocess.run(command, check=False).returncode != 0:
        raise Failed("Benchmarks/History could not be built")
    return package / ".build/release/history"


class Place:
    """A spool with the year, and a config."""

    def __init__(self, release, directory):
        self.luaslack = str(Path(release).resolve() / "luaslack")
        self.directory = directory
        self.spool = directory / "spool"
        self.spool.mkdir(mode=0o700)
        (directory / "config.toml").write_text(CONFIG)
        (directory / "webhook").write_text("http://127.0.0.1:9/services/T0/B0/x\n")
        (directory / "webhook").chmod(0o600)

    def seconds(self, *arguments):
        """Median time of a command that only reads."""
        places = ["--spool", str(self.spool), "--config", str(self.directory / "config.toml")]
        times = []
        for _ in range(RUNS):
            start = time.monotonic()
            result = subprocess.run(
                [self.luaslack, *arguments, *places], env=ENVIRONMENT, capture_output=True, check=False, timeout=60)
            times.append(time.monotonic() - start)
            if result.returncode != 0:
                raise Failed(f"{' '.join(arguments)}: {result.stderr.decode(errors='replace')}")
        return statistics.median(times)


def measure(arguments, directory):
    """Runs it all; returns the figures."""
    place = Place(arguments.release, directory)
    made = subprocess.run([build(), "bans", place.spool / "luaslack.db"], capture_output=True, check=False, timeout=600)
    if made.returncode != 0:
        raise Failed(made.stderr.decode(errors="replace"))
    year = json.loads(made.stdout)
    cold, new, warm = year["cold"], year["new"], year["warm"]
    commands = {
        "history of an address": ["history", "10.158.55.1"],
        "history of a network": ["history", "10.0.0.0/8"],
        "history of a jail": ["history", "sshd"],
        "report of 24 hours": ["report", "--since", "24h", "--dry-run"],
        "report of 7 days": ["report", "--since", "7d", "--dry-run"],
    }
    seconds = {name: place.seconds(*command) for name, command in commands.items()}
    table.heading(f"A year of {year['bans']} bans")
    table.rows(
        ["what came before a ban, ms", "median", "p99", "most"],
        [[name, *(each[key] / 1_000 for key in ("median", "p99", "most"))]
         for name, each in (("the first after a start", cold), ("a new network", new), ("asked again", warm))])
    table.rows(["command", "s"], list(seconds.items()))
    table.note(f"to remember a ban takes {year['remember']:.0f} µs and {year['bytes']} bytes")
    return {
        "lookup": table.verdict("lookup, p99", cold["p99"] / 1_000, LOOKUP_BAR, " ms"),
        "report": table.verdict("report", max(seconds[name] for name in seconds if "report" in name), REPORT_BAR, " s"),
        "bytes": year["bytes"],
        "remember": year["remember"],
    }


def main():
    """Exit status as above."""
    arguments = options()
    directory = make_directory(arguments.disk)
    try:
        figures = measure(arguments, directory)
    except (Failed, OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as problem:
        print(f"history.py: {problem}", file=sys.stderr)
        return 3
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(figures))
    missed = any(not figure["met"] for figure in figures.values() if isinstance(figure, dict))
    return 2 if missed and arguments.strict else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
