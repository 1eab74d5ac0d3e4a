"""How much memory a program and everything that it has started take, by Linux's /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PARENT, _RESIDENT = 1, 21
"""Positions after the name in /proc/PID/stat (proc(5), fields 4 and 24)."""


def resident_bytes(pid: int) -> int:
    """Return the resident bytes of a process and its descendants, shared pages counted for each.

    0 if the system does not report them.
    """
    children: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for process, parent, resident in _processes():
        children[parent].append(process)
        pages[process] = resident
    total, pending = 0, [pid]
    while pending:
        process = pending.pop()
        total += pages.get(process, 0)
        pending += children[process]
    return total * os.sysconf("SC_PAGE_SIZE")


def _processes() -> list[tuple[int, int, int]]:
    """Return pid, parent and resident pages of every process that can be seen."""
    found: list[tuple[int, int, int]] = []
    if not _PROC.is_dir():
        return found
    for entry in _PROC.iterdir():
        # A process may end between the look at the directory and the look into it.
        with suppress(OSError, ValueError, IndexError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                found.append((int(entry.name), int(fields[_PARENT]), int(fields[_RESIDENT])))
    return found
