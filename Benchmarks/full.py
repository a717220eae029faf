"""Part 5: everything goes wrong at once: a full disk below the spool, and a Slack that hangs."""

import ctypes
import errno
import os
import subprocess
import time

import table
from measure import spawn, summary

BAR = 20.0  # milliseconds; the worst call, not the median
CALLS = 200
HANG = 3  # seconds that Slack lets a request hang
DELIVERY_LIMIT = 60.0  # seconds after both are mended
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000  # linux/sched.h, sys/mount.h


def leave_mount_namespace():
    """What is mounted from here on is seen by this process and its children alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace of our own")


def fill(directory):
    """Leaves not a byte; returns the file that took them."""
    filler = directory / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise
    return filler


def run(stage, deadline, scale):
    """Measures, prints, and returns the figures and the bar."""
    table.heading("5. The spool's disk is full and Slack hangs")
    try:
        leave_mount_namespace()
    except OSError as problem:
        table.note(f"not measured, it needs root: {problem}")
        return {}, {}
    small = stage.memory / "small"
    small.mkdir(mode=0o700)
    options = "size=16m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", small], check=True)
    try:
        return storm(stage, small, int(CALLS * min(scale, 1)))
    finally:
        subprocess.run(["umount", "--lazy", small], check=False)


def storm(stage, small, calls):
    """The calls themselves, and what becomes of their events."""
    stage.slack.forget()
    stage.slack.control({"mode": "hang", "seconds": HANG})
    spool = stage.spool(small, "full")
    # On another disk, as /run is.
    spool.environment["LUASLACK_OVERFLOW"] = str(stage.memory / "overflow")
    spool.serve()
    filler = fill(small)
    begin = int(time.time())
    addresses = [f"198.19.0.{number + 1}" for number in range(calls)]
    runs = [
        # Each says on standard error where it put the event.
        spawn(["/bin/sh", "-c", 'exec "$@" 2>/dev/null', "sh", *spool.ban(ip, begin + number)],
              spool.environment)
        for number, ip in enumerate(addresses)
    ]  # fmt: skip
    walls = [each.wall for each in runs]
    refused = sum(each.status != 0 for each in runs)
    filler.unlink()
    stage.slack.control({"mode": "ok"})
    lost = len(spool.untold(addresses, DELIVERY_LIMIT))
    spool.stop()

    figures = summary(walls) | {"refused": refused, "lost": lost}
    worst = max(walls)
    table.rows(
        ["one after the other", "p50 ms", "p99", "max", "calls"],
        [["ban", figures["median"], figures["p99"], worst, calls]],
    )
    bar = table.verdict("worst call", worst, BAR, " ms")
    table.note(f"{calls - refused} accepted; {calls - lost} told once both were mended")
    return figures, {"full_worst": bar}
