"""Asks the process that called `adact.study` to train what the environment says, and ends when it has."""

import json
import os
import sys
from multiprocessing.connection import Client


def main() -> int:
    """Asks, and waits."""
    address, key = json.loads(os.environ["ADACT_ASK"])
    address = tuple(address) if isinstance(address, list) else address
    with Client(address, authkey=bytes.fromhex(key)) as connection:
        connection.send({name: value for name, value in os.environ.items() if name.startswith("ADACT_")})
        failure = connection.recv()
    if failure is not None:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
