"""Part 2: what a slow disk costs the caller: both flushes, and nothing else."""

import shutil
import statistics
import time

import table
from measure import spawn

RUNS = 15
DELAYS = (20, 100)  # milliseconds added to every fsync


def traced(strace, log, delay):
    """strace's part of the command line; `delay` in milliseconds, 0 for none."""
    command = [strace, "-f", "-qq", "-o", str(log), "-e", "trace=fsync"]
    if delay:
        command.append(f"--inject=fsync:delay_enter={delay * 1000}")
    return command


def run(stage, deadline, scale):
    """Measures, prints, and returns the figures; there is no bar."""
    table.heading("2. The call on a slow disk: fsync delayed by strace")
    strace = shutil.which("strace")
    if strace is None:
        table.note("not measured: strace is not installed.")
        return {}, {}
    spool = stage.spool(stage.disk, "flush").manage()
    log = stage.memory / "strace.log"
    prefixes = {"plain": []}
    for delay in (0, *DELAYS):
        prefixes[f"strace_{delay}"] = traced(strace, log, delay)
    walls = {key: [] for key in prefixes}
    flushes = 0
    instant = int(time.time())
    for _ in range(max(1, int(RUNS * scale))):
        if deadline.is_over():
            break
        for key, prefix in prefixes.items():
            instant += 1
            command = prefix + spool.ban("203.0.113.7", instant)
            walls[key].append(spawn(command, spool.environment).wall)
        flushes = log.read_text().count("fsync(")
    result = {key: statistics.median(each) for key, each in walls.items()}
    result["flushes"] = flushes
    show(result)
    return result, {}


def show(result):
    """The table, and why there are two flushes."""
    base = result["strace_0"]
    lines = [
        ["as it is", result["plain"], None],
        ["under strace, no delay", base, None],
    ]
    for delay in DELAYS:
        wall = result[f"strace_{delay}"]
        lines.append([f"under strace, each fsync {delay} ms longer", wall, wall - base])
    table.rows(["spool on disk", "wall ms", "added"], lines)
    table.note(
        f"{result['flushes']} flushes a call: the file's bytes, before the rename lets luaslackd "
        "see it, and the"
    )
    table.note(
        "directory, without which the name could be gone after a power cut. Nothing else waits."
    )
