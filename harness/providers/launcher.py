"""Control socket and package name in (argv), the port of a fresh provider instance out (stdout); the engine starts it.

It runs without the site packages (`python -I -S`), so that it costs a few milliseconds, and imports nothing that is not
part of the interpreter. It stays until the engine interrupts it, until the engine is gone (its stdin closes) or until
the provider process is gone (the socket closes).
"""

import _socket  # the C module: `socket` costs 5 ms more
import os
import select
import sys


def main(path: str, package: str) -> int:
    """Open the instance, print its port, stay."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(path)
        connection.send(b'{"open": "%s"}\n' % package.encode())
        answer = b""
        while not answer.endswith(b"\n"):
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    except OSError as error:
        sys.stderr.write(f"the provider process of the harness does not answer at {path}: {error}\n")
        return 1
    if not answer.startswith(b'{"port": '):
        sys.stderr.write(f"the provider process of the harness did not open {package}: {answer.decode()}\n")
        return 1
    sys.stdout.write(answer.split(b":")[1].strip(b" }\n").decode() + "\n")
    sys.stdout.flush()
    while True:
        ready, _, _ = select.select([0, connection.fileno()], [], [])
        if 0 in ready and not os.read(0, 4096):
            return 0
        if connection.fileno() in ready and not connection.recv(4096):
            sys.stderr.write("the provider process of the harness has ended\n")
            return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except KeyboardInterrupt:  # how the engine ends its plugins
        sys.exit(0)
