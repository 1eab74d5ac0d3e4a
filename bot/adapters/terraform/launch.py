"""Starting a program that is killed when its parent dies, without another tool.

It runs as a program of its own, because code between fork and exec is not safe in a process with threads.
Usage: `python -I -S launch.py PARENT_PID PROGRAM [ARGUMENT…]`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for the signal, then become the program."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != int(parent):
            # The parent died before the signal was requested.
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # Becoming the program is what this file is for.


if __name__ == "__main__":
    main()
