"""Part 4: a thousand calls from eight processes at once, and where their events end up."""

import json
import os
import time
from collections import Counter

import table
from call import curl_command
from latency import address, addresses_in
from measure import spawn, summary
from stage import ENVIRONMENT, Failed, wait_until

WORKERS = 8
CALLS = 125  # by each worker
DRAIN_LIMIT = 60.0  # seconds for all messages to arrive
SETTLE = 1.0  # seconds in which a message sent twice would show


def run(stage, _deadline, scale):
    """Measures, prints, and returns the figures; there is no bar, but nothing may be lost."""
    calls = max(2, int(CALLS * scale))
    table.heading(f"4. {WORKERS} processes at once, each calling {calls} times")
    result, lines = {}, []
    for name, place in (("tmpfs", stage.memory), ("disk", stage.disk)):
        # curl before, between and after: what the machine does meanwhile meets all alike.
        curls = curl_calls(stage, calls // 2)
        for word, is_delivering in (("delivering", True), ("not_running", False)):
            # One each: what one of them cannot take in a moment would be told in a digest.
            names = [f"d{worker}" for worker in range(WORKERS)]
            spool = stage.spool(place, f"crowd-{word}", destinations=names)
            figures = burst(stage.slack, spool, calls, is_delivering)
            result[f"{name}_{word}"] = figures
            title = f"ban, spool on {name}, luaslackd {word.replace('_', ' ')}"
            lines.append(line(title, figures["call"]))
            curls += curl_calls(stage, calls // 2)
        result[f"{name}_curl"] = {"call": summary([wall for wall, _ in curls])}
        title = "curl one-liner, before, between and after"
        lines.append(line(title, result[f"{name}_curl"]["call"]))
    table.rows(["", "p50 ms", "p99", "max", "calls"], lines)
    for key, figures in result.items():
        if "events" in figures:
            table.note(f"{key.replace('_', ' ')}: {ending(figures)}")
    return result, {}


def line(name, each):
    """One row of the table."""
    return [name, each["median"], each["p99"], each["max"], each["runs"]]


def ending(figures):
    """Where the events ended up, in words."""
    return (
        f"{figures['events']} events, {figures['refused']} calls failed; in exactly one message: "
        f"{figures['in_one_message']}, in none: {figures['in_none']}, in several: "
        f"{figures['in_several']}; all there after {figures['drained_seconds']:.1f} s"
    )


def curl_calls(stage, calls):
    """The one-liner, from every worker at once."""
    command = curl_command(stage.slack.webhook)
    return at_once(lambda *_: command, ENVIRONMENT, calls)


def burst(slack, spool, calls, is_delivering):
    """Every worker's calls, while luaslackd delivers or before it is started; then the account."""
    slack.forget()
    if is_delivering:
        spool.serve()
    else:
        spool.manage()
    instant = int(time.time())
    ips = [address(number) for number in range(WORKERS * calls)]

    def ban(worker, number):
        return spool.ban(ips[worker * calls + number], instant + number, to=f"d{worker}")

    bans = at_once(ban, spool.environment, calls)
    if not is_delivering:
        spool.serve()
    figures = account(slack, ips)
    figures["luaslackd_cpu_ms"] = spool.stop()
    figures["refused"] = sum(status != 0 for _, status in bans)
    figures["call"] = summary([wall for wall, _ in bans])
    return figures


def at_once(command, environment, calls):
    """Every worker makes its calls one after the other, all workers at once. Returns (wall in
    milliseconds, exit status) of each call."""
    start = time.monotonic() + 0.1  # by then the last worker is there
    pipes = [worker(number, command, environment, calls, start) for number in range(WORKERS)]
    runs = []
    for pid, reading in pipes:
        with os.fdopen(reading) as output:
            text = output.read()
        os.waitpid(pid, 0)
        if not text:
            raise Failed("a worker ended without a result")
        runs += [tuple(run) for run in json.loads(text)]
    return runs


def worker(number, command, environment, calls, start):
    """Forks one worker; returns its id and where its result can be read."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        time.sleep(max(0.0, start - time.monotonic()))
        runs = [spawn(command(number, call), environment) for call in range(calls)]
        with os.fdopen(writing, "w") as output:
            json.dump([(run.wall, run.status) for run in runs], output)
    finally:
        # Never back into the parent's cleaning up.
        os._exit(0)


def account(slack, ips):
    """Waits until every address was in a message, then counts in how many each one was."""
    begin = time.monotonic()
    expected = len(ips)
    try:
        wait_until(lambda: len(slack.messages()) >= expected, DRAIN_LIMIT, "messages", 0.25)
    except Failed:
        pass  # the count below says what is missing
    drained = time.monotonic() - begin
    time.sleep(SETTLE)
    count = Counter(ip for message in slack.messages() for ip in addresses_in(message["body"]))
    return {
        "events": expected,
        "in_one_message": sum(count[ip] == 1 for ip in ips),
        "in_none": sum(count[ip] == 0 for ip in ips),
        "in_several": sum(count[ip] > 1 for ip in ips),
        "drained_seconds": drained,
    }
