"""Where a stack is worked on locally: the checkout itself, and beside it a directory that nobody sees.

The data directory is kept from one time to the next, because an initialised one saves more than the plan of a small
module costs. The rest, the plan file and the key pair among it, is removed when the work has ended.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.workspace.locks import try_lock
from bot.domain.errors import GatewrightError
from bot.domain.model import Stack
from bot.ports import OVERRIDE_FILE, Slot


@contextmanager
def working_place(cache: Path, root: Path, stack: Stack) -> Iterator[Slot]:
    """Hold the place of a stack; GatewrightError while another command works in the same directory.

    All environments of a directory share its backend file: side by side, one would be given the other's state.
    """
    cache, module = cache.expanduser().absolute(), (root / stack.directory).resolve()
    name = _name(root, stack.project, stack.state_key)
    place = cache / name
    if place.is_relative_to(root):
        raise GatewrightError(f"{cache} is inside the checkout; GATEWRIGHT_LOCAL_DIR must be outside of it")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = try_lock(cache / f"{_name(module)}.lock")
    if lock is None:
        raise GatewrightError(f"another `gatewright local` works in {module} just now")
    scratch = place / "scratch"
    try:
        _empty(scratch, root, stack)
        yield Slot(name=name, tree=root, data_dir=place / "data", scratch=scratch, lock_fd=lock)
    finally:
        _empty(scratch, root, stack)
        os.close(lock)


def _name(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def _empty(scratch: Path, root: Path, stack: Stack) -> None:
    """Remove what is there for one command only, what a killed one has left behind too."""
    shutil.rmtree(scratch, ignore_errors=True)
    (root / stack.directory / OVERRIDE_FILE).unlink(missing_ok=True)
