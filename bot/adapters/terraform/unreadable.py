"""A copy of the engine that may be executed and not read.

Linux lets nobody look into a process of the same user whose program they may not read: its memory, its open files
and its environment are closed to the providers and programs that the engine starts. Without that, a provider that
the code names could write to the output of `show`, and so have another plan shown than the one that is applied.
Blocking: run in a thread.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from pathlib import Path

EXECUTE_ONLY = 0o111


def unreadable_copy(program: Path, directory: Path) -> Path:
    """Return a copy of a program in `directory` that can only be executed; made once for each version of the file."""
    status = program.stat()
    stamp = f"{program}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
    copy = directory / f"{program.name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not copy.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = directory / f"{uuid.uuid4().hex}.tmp"
        shutil.copyfile(program, fresh)
        fresh.chmod(EXECUTE_ONLY)
        fresh.replace(copy)
    return copy
