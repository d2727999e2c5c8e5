"""sshd's forced command: brings what a pipeline asks for to the target, and its answer back. `knock.py TENANT`.

It decides nothing. When the pipeline's end of the connection is closed, it ends, and with it what it waits for.
"""

import json
import os
import select
import socket
import sys

DOOR = "/run/target/door"
PIECE = 65_536


def bring(door: socket.socket, takes_input: bool) -> bytes:  # noqa: FBT001 - called once
    """Hand on standard input until its end, and take the answer until its end."""
    poll, answer = select.poll(), bytearray()
    poll.register(door, select.POLLIN)
    poll.register(1, 0)
    if takes_input:
        poll.register(0, select.POLLIN)
    else:
        door.shutdown(socket.SHUT_WR)
    while True:
        for number, event in poll.poll():
            if number == 1:
                raise BrokenPipeError
            if number == 0:
                piece = os.read(0, PIECE)
                if piece:
                    door.sendall(piece)
                else:
                    poll.unregister(0)
                    door.shutdown(socket.SHUT_WR)
            elif event & select.POLLIN:
                piece = door.recv(PIECE)
                if not piece:
                    return bytes(answer)
                answer += piece
            else:
                return bytes(answer)


def main() -> int:
    """Ask, and end as the target says."""
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    takes_input = command.split(" ")[0].strip("'\"") == "upload"
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(DOOR)
            asked = {"tenant": sys.argv[1], "command": command, "input": takes_input}
            door.sendall(json.dumps(asked).encode() + b"\n")
            answer = json.loads(bring(door, takes_input))
    except BrokenPipeError:
        return 1
    except (OSError, ValueError):
        print("target: no answer; try again", file=sys.stderr)  # noqa: T201
        return 1
    if answer["err"]:
        print(f"target: {answer['err']}", file=sys.stderr)  # noqa: T201
    sys.stdout.write(answer["out"])
    return int(answer["exit"])


if __name__ == "__main__":
    sys.exit(main())
