"""Knocks at every door outside its network, and at the canary's in particular."""

import socket
import struct
import time

PORT = 47113


def gateway():
    with open("/proc/net/route") as routes:
        for line in list(routes)[1:]:
            parts = line.split()
            if parts[1] == "00000000":
                yield socket.inet_ntoa(struct.pack("<L", int(parts[2], 16)))


def knock(address, port):
    try:
        with socket.create_connection((address, port), timeout=0.4) as line:
            line.sendall(b"a candidate was here")
            print("REACHED", address, port, flush=True)
    except OSError as error:
        print(address, port, error, flush=True)


own = socket.gethostbyname(socket.gethostname())
first = own.rsplit(".", 1)[0]
last = int(own.rsplit(".", 1)[1]) & ~15
doors = [*gateway(), *(f"{first}.{last + n}" for n in range(1, 15)), "172.17.0.1", "172.17.0.2", "10.213.0.1", "127.0.0.11"]
while True:
    for address in doors:
        knock(address, PORT)
        knock(address, 2375)
    for name in ("example.com", "host.docker.internal", "gateway.docker.internal", "pypi.org", "169.254.169.254", "1.1.1.1"):
        knock(name, 80)
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        print("REACHED raw socket", raw, flush=True)
    except OSError as error:
        print(error, flush=True)
    time.sleep(0.2)
