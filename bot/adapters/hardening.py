"""What this process asks of the kernel for the sake of its secrets."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

from bot.domain.errors import GatewrightError

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4


class HardeningError(GatewrightError):
    """The kernel did not do what was asked of it."""


def hide_from_others() -> None:
    """Leave no core dump, and let no other process of the same user read this one's environment or memory.

    Programs started from here are not affected: each has its own word. Raises HardeningError on a Linux that
    refuses; other systems only lose their core dumps.
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
