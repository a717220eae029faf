"""Runs one program and measures it; summarises many such runs.

Every subject is started and timed in the same way: posix_spawn to wait4, nothing in between.
"""

import ctypes
import os
import statistics
import time
from dataclasses import dataclass, field

NULL_INPUT = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
NULL_OUTPUT = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]


@dataclass
class Run:
    """One run: wall and CPU (user and system) in milliseconds, and the exit status."""

    wall: float
    cpu: float
    status: int


@dataclass
class Subject:
    """A program under measurement. `arguments(n)` gives the command line of its n-th run, so that
    no two runs are the same event."""

    name: str
    arguments: object
    environment: dict
    runs: list = field(default_factory=list)

    def measure(self):
        """Runs it once more and keeps the result."""
        run = spawn(self.arguments(len(self.runs)), self.environment)
        self.runs.append(run)
        return run

    @property
    def failures(self):
        """How many runs did not exit with 0."""
        return sum(run.status != 0 for run in self.runs)

    def summary(self):
        """The figures of all runs, in milliseconds."""
        return summary([run.wall for run in self.runs], [run.cpu for run in self.runs])


def spawn(arguments, environment, silent=False):
    """Starts the program, waits for its end and says what it took. `silent`: its output is not
    wanted."""
    actions = NULL_INPUT + NULL_OUTPUT if silent else NULL_INPUT
    begin = time.perf_counter_ns()
    pid = os.posix_spawn(arguments[0], arguments, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter_ns() - begin
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall / 1e6, cpu * 1e3, os.waitstatus_to_exitcode(status))


def summary(walls, cpus=()):
    """Median, p90, p99 and maximum of the wall times and the median CPU time, in their unit."""
    figures = {
        "runs": len(walls),
        "median": statistics.median(walls),
        "p90": quantile(walls, 0.90),
        "p99": quantile(walls, 0.99),
        "max": max(walls),
    }
    if cpus:
        figures["cpu"] = statistics.median(cpus)
    return figures


def quantile(values, share):
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleave(subjects, rounds, pause, deadline):
    """Runs every subject once a round, each round beginning with another one, so that neither the
    machine's mood nor the predecessor favours any. `pause`: seconds before each run."""
    for number in range(rounds):
        if deadline.is_over():
            break
        first = number % len(subjects)
        for subject in subjects[first:] + subjects[:first]:
            time.sleep(pause)
            subject.measure()


def paired_ratio(subject, reference, value):
    """The median over the rounds of subject to reference: each pair ran within the same moment."""
    pairs = zip(subject.runs, reference.runs)
    return statistics.median(value(ours) / max(value(theirs), 1e-6) for ours, theirs in pairs)


class Deadline:
    """When the whole has to end."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def is_over(self):
        """Whether nothing more is to be begun."""
        return self.left() <= 0

    def left(self):
        """Seconds, negative when over."""
        return self._end - time.monotonic()


def adopt_orphans():
    """Makes this process the parent of its descendants' orphans: `peak_memory` needs that, and a
    luaslackd started by a call can then be found and ended."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def peak_memory(arguments, environment):
    """The largest resident set of one run, in KiB.

    The kernel counts what a process was before its exec: spawned from here it would never be less
    than this Python. So a shell starts it, which is smaller than any subject, and leaves at once;
    the program then is this process's child (`adopt_orphans`)."""
    # Not begun before the shell is gone: a shell may reap what ends before itself.
    script = '(read go; exec "$0" "$@" >/dev/null 3<&-) <&3 & echo $!'
    gate, opener = os.pipe()
    reading, writing = os.pipe()
    actions = [
        *NULL_INPUT, (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_DUP2, gate, 3),
    ]  # fmt: skip
    shell = ["/bin/sh", "-c", script, *arguments]
    pid = os.posix_spawn(shell[0], shell, environment, file_actions=actions)
    os.close(writing)
    os.close(gate)
    with os.fdopen(reading) as output:
        child = int(output.readline())
    os.waitpid(pid, 0)
    os.write(opener, b"\n")
    os.close(opener)
    return os.wait4(child, 0)[2].ru_maxrss
