"""Runs into the limits of a container and reports where they were."""

from __future__ import annotations

import json

from mde_grader.doctor.bench import Bench
from mde_grader.doctor.findings import Finding

MEMORY_MB = 32
PIDS = 32
LOG_MB = 8
LOG_KEPT_MB = 3.0
"""Two files of 1 MB each, and room for the one that is being turned over."""
FILE_MB = 1
FLOOR_GB = 2.0
"""Free space below which no work is taken on."""
KILLED = 137
SECCOMP_FILTER = 2
SCRATCH = "/scratch"

_EAT = "b = bytearray()\nwhile len(b) < 512 << 20: b += b'x' * (4 << 20)\nprint('not stopped')"
_FORK = """
import os, time
n = 0
try:
    while n < 200:
        if os.fork() == 0:
            time.sleep(30); os._exit(0)
        n += 1
except OSError:
    pass
print(n, flush=True)
os._exit(0)
"""
_SHOUT = f"import os, sys\nfor _ in range({LOG_MB} * 16): sys.stdout.write(os.urandom(32768).hex() + '\\n')"
_GROW = """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
n = 0
try:
    with open('/scratch/grown', 'wb', buffering=0) as f:
        while n < 8 << 20: n += f.write(b'x' * 65536)
except OSError:
    pass
print(n)
"""
_STATUS = """
import json
rows = dict(line.rstrip().split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line)
print(json.dumps({k: rows.get(k, '').strip() for k in ('CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp', 'Uid')}))
"""
_SPACE = "import os, json\ns = os.statvfs('/')\nprint(json.dumps([s.f_bavail * s.f_frsize, s.f_blocks * s.f_frsize]))"


def memory(bench: Bench) -> Finding:
    """Allocate far beyond the cap and be killed for it."""
    size = MEMORY_MB << 20
    ran = bench.run(_EAT, host={"Memory": size, "MemorySwap": size})
    held = ran.oom_killed and ran.exit_code == KILLED
    seen = (
        f"{MEMORY_MB} MB: killed after {ran.seconds:.1f} s" if held else f"exit {ran.exit_code}, not killed for memory"
    )
    return Finding(
        "memory", "memory is capped", held, "killed beyond the cap", seen, "the engine needs the memory cgroup"
    )


def pids(bench: Bench) -> Finding:
    """Fork until it is refused."""
    ran = bench.run(_FORK, host={"PidsLimit": PIDS})
    count = _number(ran.output)
    held = 0 < count < PIDS
    seen = f"cap {PIDS}: stopped after {count} forks" if held else f"{count} forks with a cap of {PIDS}"
    return Finding("pids", "processes are capped", held, f"fewer than {PIDS}", seen, "the engine needs the pids cgroup")


def log(bench: Bench) -> Finding:
    """Print more than a log may hold and see what was kept."""
    ran = bench.run(_SHOUT)
    kept = len(ran.output) / (1 << 20)
    held = ran.exit_code == 0 and 0 < kept <= LOG_KEPT_MB
    seen = f"{LOG_MB} MB printed, {kept:.1f} MB kept"
    return Finding(
        "log", "logs are capped", held, f"at most {LOG_KEPT_MB:.0f} MB", seen, "the engine needs the `local` log driver"
    )


def file(bench: Bench) -> Finding:
    """Write one file until it is refused."""
    size = FILE_MB << 20
    ran = bench.run(
        _GROW, host={"Ulimits": [{"Name": "fsize", "Soft": size, "Hard": size}], "Tmpfs": {SCRATCH: "size=16m"}}
    )
    written = _number(ran.output)
    held = 0 < written <= size
    seen = f"cap {FILE_MB} MB: stopped at {written / (1 << 20):.1f} MB"
    return Finding(
        "file", "a file's size is capped", held, f"at most {FILE_MB} MB", seen, "the engine must pass `ulimit fsize` on"
    )


def privileges(bench: Bench) -> Finding:
    """Read what the kernel says of a process in a container."""
    row = json.loads(bench.run(_STATUS).output)
    bare = int(row["CapEff"] or "f", 16) == 0 and int(row["CapBnd"] or "f", 16) == 0
    filtered = row["Seccomp"] == str(SECCOMP_FILTER)
    held = bare and filtered and row["NoNewPrivs"] == "1"
    parts = ["no capabilities" if bare else f"capabilities {row['CapBnd']}", "seccomp" if filtered else "no seccomp"]
    parts.append("no new privileges" if row["NoNewPrivs"] == "1" else "may gain privileges")
    hint = "start the engine with its default seccomp profile"
    return Finding(
        "privileges", "nothing is allowed for free", held, "no capability, seccomp on", ", ".join(parts), hint
    )


def disk(bench: Bench) -> Finding:
    """Ask a container how much space is under it."""
    free, total = (value / 1e9 for value in json.loads(bench.run(_SPACE).output))
    seen = f"{free:.1f} of {total:.0f} GB free"
    return Finding(
        "disk",
        "there is room to build",
        free >= FLOOR_GB,
        f"at least {FLOOR_GB:.0f} GB",
        seen,
        "run `mde-grade clean --cache`, or free space under the engine",
    )


def _number(output: str) -> int:
    words = output.split()
    return int(words[-1]) if words and words[-1].isdecimal() else 0
