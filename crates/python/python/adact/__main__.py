"""The command `adact`, also as `python -m adact`."""

import os
import signal
import sys

from adact import _native


def main() -> int:
    """Runs the command with the arguments of the process."""
    if not hasattr(_native, "command"):
        print("adact: this build of the package has no command: install the wheel", file=sys.stderr)
        return 1
    # The command stops cleanly by itself; Python would only notice the signal when the command has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name = sys.argv[0] if os.path.basename(sys.argv[0]) == "adact" else "adact"
    return _native.command([name, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
