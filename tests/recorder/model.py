"""What an experiment is, and what is kept of one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.recorder.lab import Lab

Json = dict[str, Any]


class Need(StrEnum):
    """What an experiment needs beyond the owner's token: the names of its settings."""

    REVIEWER = "RECORDER_REVIEWER_TOKEN"
    APP = "RECORDER_APP_ID and RECORDER_APP_KEY_FILE"
    SECOND = "RECORDER_SECOND_REPOSITORY"
    PERMIT = "--with-limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a person does, in Markdown, and what the terminal asks afterwards; the answer becomes a fact."""

    do: str
    ask: str = ""
    fact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found: facts are compared with the stand-in's, measurements are only kept."""

    facts: Json
    measured: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One question to GitHub. `steps` are how a person asks it without the script."""

    name: str
    question: str
    steps: tuple[Step, ...]
    see: str
    decides: str
    run: Callable[[Lab], Awaitable[Findings]]
    needs: tuple[Need, ...] = ()
    by_hand: bool = False
    """Whether a person must act in between; such an experiment cannot be repeated on the stand-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    by: str
    method: str
    route: str
    path: str
    request: Any
    status: int
    headers: Mapping[str, str]
    answer: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is written to `NAME.json`."""

    name: str
    question: str
    api_url: str
    recorded_at: str
    facts: Json
    measured: Json
    asked: list[Json]
    exchanges: list[Json]

    def write(self, directory: Path) -> Path:
        """Write the file; an earlier one of the same experiment is replaced."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return path


def read(path: Path) -> Recording:
    """Return what a file holds."""
    return Recording(**json.loads(path.read_text(encoding="utf-8")))
