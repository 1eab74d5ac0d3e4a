"""Kernel protection of this process's secrets."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

from bot.domain.core.errors import GatewrightError

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4


class HardeningError(GatewrightError):
    """The kernel rejected a protection."""


def hide_from_others() -> None:
    """Disable core dumps, and access of the same user's processes to environment and memory.

    Programs started from here are not affected. Raises HardeningError on a Linux that refuses; on other
    systems only core dumps are disabled.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    asked = libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if asked != 0 or libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        why = os.strerror(ctypes.get_errno())
        raise HardeningError(
            f"other processes could read this one's secrets, and the kernel keeps it so: {why}"
        )
