"""Part 1: what a call costs its caller, beside what people paste today."""

import shutil
import subprocess
import time

import table
from measure import Subject, interleave, paired_ratio, peak_memory
from stage import ENVIRONMENT, Failed

WALL_BAR, CPU_BAR = 0.45, 0.50  # of curl's
ROUNDS = 250
# Seconds before every run, so that each subject starts on a quiet machine: without it curl would
# pay for what luaslackd does after the call before.
PAUSE = 0.025

TEXT = "[sshd] 203.0.113.7 banned after 5 failures"
PHP = (
    "$c = curl_init($argv[1]); curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, "
    "CURLOPT_HTTPHEADER => ['Content-type: application/json'], "
    "CURLOPT_POSTFIELDS => json_encode(['text' => $argv[2]])]); curl_exec($c);"
)
COLUMNS = ["", "wall ms", "p99", "CPU ms", "of curl's wall", "of its CPU", "KiB"]
MEMORY_RUNS = 5


def curl_command(url):
    """The line people paste into action.d today."""
    curl = shutil.which("curl")
    if curl is None:
        raise Failed("curl is not installed")
    return [
        curl, "-s", "-o", "/dev/null", "-X", "POST",
        "-H", "Content-type: application/json", "--data", f'{{"text":"{TEXT}"}}', url,
    ]  # fmt: skip


def php_command(url):
    """The same with PHP's curl; None where that is not installed."""
    php = shutil.which("php")
    if php is None:
        return None
    probe = [php, "-r", "exit(function_exists('curl_init') ? 0 : 1);"]
    if subprocess.run(probe, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        return None
    return [php, "-r", PHP, "--", url, TEXT]


def bans(name, spool):
    """A subject whose every run is a new event: its time is unique."""
    begin = int(time.time())
    return Subject(name, lambda n: spool.ban("203.0.113.7", begin + n), spool.environment)


def subjects(stage):
    """The subjects by key; `curl` is what the others are held against."""
    spools = {
        "tmpfs": stage.spool(stage.memory, "call-alone").manage(),
        "disk": stage.spool(stage.disk, "call-alone").manage(),
        "tmpfs_delivering": stage.spool(stage.memory, "call").serve(),
        "disk_delivering": stage.spool(stage.disk, "call").serve(),
    }
    names = {
        "tmpfs": "ban, spool on tmpfs, luaslackd not running",
        "disk": "ban, spool on disk, luaslackd not running",
        "tmpfs_delivering": "ban, spool on tmpfs, luaslackd delivering",
        "disk_delivering": "ban, spool on disk, luaslackd delivering",
    }
    result = {key: bans(names[key], spool) for key, spool in spools.items()}
    curl = curl_command(stage.slack.webhook)
    result["curl"] = Subject("curl one-liner", lambda _: curl, ENVIRONMENT)
    php = php_command(stage.slack.webhook)
    if php:
        result["php"] = Subject("PHP's curl", lambda _: php, ENVIRONMENT)
    return result, spools


def figures(subject, reference):
    """The subject's summary with its ratios to the reference and its memory in KiB."""
    result = subject.summary()
    result["wall_ratio"] = paired_ratio(subject, reference, lambda run: run.wall)
    result["cpu_ratio"] = paired_ratio(subject, reference, lambda run: run.cpu)
    memory = [
        peak_memory(subject.arguments(len(subject.runs) + n), subject.environment)
        for n in range(MEMORY_RUNS)
    ]
    result["kib"] = sorted(memory)[len(memory) // 2]
    return result


def run(stage, deadline, scale):
    """Measures, prints, and returns the figures and the bars."""
    table.heading("1. The call: wall time and CPU (user + system), medians; ratios pair by pair")
    every, spools = subjects(stage)
    for subject in every.values():
        subject.measure()  # the first run may read the program from the disk
        subject.runs.clear()
    interleave(list(every.values()), max(1, int(ROUNDS * scale)), PAUSE, deadline)
    result = {key: figures(subject, every["curl"]) for key, subject in every.items()}
    table.rows(COLUMNS, [line(every[key].name, each) for key, each in result.items()])
    table.note(
        f"{result['curl']['runs']} runs each, interleaved, {PAUSE * 1e3:.0f} ms of quiet before "
        "each; curl waits for a Slack that answers at once."
    )
    if "php" not in every:
        table.note("PHP: not measured, php with its curl extension is not installed.")
    for key in ("tmpfs_delivering", "disk_delivering"):
        # The first run of all has the same time as the first that counts: one event.
        events = result[key]["runs"] + MEMORY_RUNS
        result[key]["background_cpu"] = spools[key].stop() / events
    table.note(
        "After the call, for nobody to wait for: luaslackd and its sandbox take "
        f"{result['tmpfs_delivering']['background_cpu']:.2f} ms of CPU an event (tmpfs)."
    )
    result["failed_runs"] = sum(subject.failures for subject in every.values())
    return result, bars(result)


def line(name, each):
    """One row of the table."""
    ratios = [each["wall_ratio"], each["cpu_ratio"]]
    return [name, each["median"], each["p99"], each["cpu"], *ratios, each["kib"]]


def bars(result):
    """The bars are for the spool on tmpfs, with luaslackd at work beside the call and without."""
    checked = {}
    for key in ("tmpfs", "tmpfs_delivering"):
        wall, cpu = result[key]["wall_ratio"], result[key]["cpu_ratio"]
        checked[f"wall_{key}"] = table.verdict(f"wall to curl's, {key}", wall, WALL_BAR, "")
        checked[f"cpu_{key}"] = table.verdict(f"CPU to curl's, {key}", cpu, CPU_BAR, "")
    return checked
