from __future__ import annotations

import os
from pathlib import Path

from bot.adapters.workspace.locks import lock_within, try_lock


def test_a_lock_that_is_freed_soon_is_waited_for(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "lock")
    assert held is not None

    taken = lock_within(tmp_path / "lock", 1.0, sleep=lambda _: os.close(held))

    assert taken is not None
    os.close(taken)


def test_a_lock_that_stays_taken_is_not_waited_for_longer(tmp_path: Path) -> None:
    held, waits = try_lock(tmp_path / "lock"), list[float]()
    assert held is not None

    assert lock_within(tmp_path / "lock", 1.0, sleep=waits.append) is None

    assert sum(waits) <= 1.0
    os.close(held)
