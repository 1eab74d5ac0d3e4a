"""Counters that one process adds to and another reads, without a word between them."""

from __future__ import annotations

import mmap
from pathlib import Path

_WIDTH = 8


class Tally:
    """Two counters in a file that both processes have mapped; each is written by one process alone."""

    def __init__(self, file: Path) -> None:
        """Map the file, which is made where it is missing."""
        if not file.exists():
            file.write_bytes(bytes(2 * _WIDTH))
        with file.open("r+b") as opened:
            self._cells = memoryview(mmap.mmap(opened.fileno(), 2 * _WIDTH)).cast("q")

    @property
    def statements(self) -> int:
        return self._cells[0]

    @statements.setter
    def statements(self, value: int) -> None:
        self._cells[0] = value

    @property
    def commits(self) -> int:
        return self._cells[1]

    @commits.setter
    def commits(self, value: int) -> None:
        self._cells[1] = value
