"""The command line: `tokenwell`, or `python -m tokenwell`."""

import signal
import sys

from ._native import run_command_line


def main() -> int:
    # Python would only note a Ctrl-C, and look at it when the command is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
