from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.workspace import GitWorkspace
from tests.fakes.clock import HandClock
from tests.integration.workspace.origin import Origin


@dataclass
class Pauses:
    """Remembers the pauses between retries instead of waiting."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def origin_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "origin" / "acme" / "infra.git"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
async def origin(origin_directory: Path) -> Origin:
    return await Origin.create(origin_directory)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def workspace(tmp_path: Path, data_dir: Path, clock: HandClock, pauses: Pauses) -> GitWorkspace:
    return GitWorkspace(
        data_dir=data_dir,
        github_url=f"file://{tmp_path}/origin",
        clock=clock,
        slots_per_stack=3,
        allow_file_origin=True,
        sleep=pauses,
    )
