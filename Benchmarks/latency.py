"""Part 3: from the call's start to the message's arrival at Slack."""

import time

import table
from measure import spawn, summary
from stage import Failed, wait_until

BARS = {"running": 15.0, "started": 40.0}  # milliseconds
ROUNDS = 100
PAUSE = 0.04  # seconds; the message before has arrived by then
ARRIVAL_LIMIT = 1.0  # seconds after the last call; what has not arrived then counts as lost
LEAVE_LIMIT = 10.0  # seconds luaslackd may take to leave when nothing is left to do


def address(number):
    """A new address for each event, from the range that RFC 2544 sets aside for benchmarks."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


class Case:
    """One way of being delivered; `begun` maps each event's address to its call's start, in
    seconds since 1970."""

    def __init__(self, stage, place, mode, addresses):
        # With no stay at all it leaves after each message, so that the next call finds none.
        linger = "0s" if mode == "started" else "60s"
        self.spool = stage.spool(getattr(stage, place), f"latency-{mode}", linger=linger)
        self.mode = mode
        self.begun = {}
        self.failures = 0
        self._addresses = addresses
        if mode == "running":
            self.spool.serve()

    def measure(self):
        """One event."""
        lock = self.spool.directory / "lock"
        if self.mode == "started" and lock.exists():
            # In this order: an event still there means that luaslackd is not to be disturbed yet.
            wait_until(self.spool.is_taken_in, LEAVE_LIMIT, "luaslackd takes an event in")
            wait_until(self.spool.is_free, LEAVE_LIMIT, "luaslackd leaves")
        time.sleep(PAUSE)
        ip = next(self._addresses)
        command = self.spool.ban(ip, int(time.time()))
        self.begun[ip] = time.time()
        self.failures += spawn(command, self.spool.environment).status != 0

    def latencies(self, arrived):
        """Milliseconds of each event that arrived."""
        return [(arrived[ip] - begin) * 1e3 for ip, begin in self.begun.items() if ip in arrived]


def run(stage, deadline, scale):
    """Measures, prints, and returns the figures and the bars."""
    table.heading("3. From just before the call to the POST's arrival at fake-slack")
    stage.slack.forget()
    addresses = map(address, range(65_000))
    cases = {
        f"{mode}_{place}": Case(stage, place, mode, addresses)
        for mode in BARS
        for place in ("memory", "disk")
    }
    for number in range(max(1, int(ROUNDS * scale))):
        if deadline.is_over():
            break
        order = list(cases.values())
        for case in order[number % 4 :] + order[: number % 4]:
            case.measure()
    time.sleep(ARRIVAL_LIMIT)
    arrived = arrivals(stage.slack.messages(), set().union(*(c.begun for c in cases.values())))
    return report(cases, arrived)


def report(cases, arrived):
    """Prints the table; returns the figures and the bars."""
    result, checked, lines = {}, {}, []
    for key, case in cases.items():
        case.spool.stop()
        latencies = case.latencies(arrived)
        if not latencies:
            raise Failed(f"none of {len(case.begun)} messages arrived, {key}")
        result[key] = summary(latencies)
        result[key]["lost"] = len(case.begun) - len(latencies)
        figures = [result[key][name] for name in ("median", "p90", "p99", "runs")]
        place = "disk" if key.endswith("disk") else "tmpfs"
        word = "is running" if case.mode == "running" else "is started by the call"
        lines.append([f"luaslackd {word}, spool on {place}", *figures])
    table.rows(["", "median ms", "p90", "p99", "events"], lines)
    for key, case in cases.items():
        name = f"median, {key.replace('_memory', ', tmpfs').replace('_disk', ', disk')}"
        median = result[key]["median"]
        checked[f"post_{key}"] = table.verdict(name, median, BARS[case.mode], " ms")
    result["failed_runs"] = sum(case.failures for case in cases.values())
    result["lost"] = sum(result[key]["lost"] for key in cases)
    return result, checked


def arrivals(messages, wanted):
    """When the message of each address arrived, in seconds since 1970."""
    found = {}
    for message in messages:
        for ip in addresses_in(message["body"]) & wanted:
            found.setdefault(ip, message["time"])
    return found


def addresses_in(body):
    """The benchmark addresses that a message speaks of."""
    words = "".join(c if c.isdigit() or c == "." else " " for c in body).split()
    return {word.strip(".") for word in words if word.startswith("198.18.")}
