"""A check of doctor and what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.core.errors import GatewrightError
from bot.settings import PREFIX

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    part: str
    grade: str
    """`ok`, `warning`, `error`, or `skipped` where a setting that the check needs is invalid."""
    sentence: str


Check = Callable[[], Awaitable[str]]
"""Returns the successful parts; raises GatewrightError with the problem and its solution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something to check, and the settings that this needs."""

    name: str
    check: Check
    needs: tuple[str, ...] = ()
    more: Callable[[], Awaitable[Sequence[Finding]]] | None = None
    """Further findings, after a check that found no error."""


class DoubtfulError(GatewrightError):
    """It works, but not as it should: reported as a warning."""


async def attempt(part: Part, wrong: Mapping[str, str]) -> Finding:
    """Check a part, unless it needs one of the `wrong` settings (field -> what is wrong)."""
    in_the_way = [PREFIX + name.upper() for name in part.needs if name in wrong]
    if in_the_way:
        sentence = f"needs {', '.join(in_the_way)}"
        return Finding(part=part.name, grade="skipped", sentence=sentence)
    try:
        said = await asyncio.wait_for(part.check(), _PATIENCE)
    except DoubtfulError as doubt:
        return Finding(part=part.name, grade="warning", sentence=str(doubt))
    except TimeoutError:
        return Finding(part=part.name, grade="error", sentence=f"no answer within {_PATIENCE:.0f} s")
    except GatewrightError as error:
        return Finding(part=part.name, grade="error", sentence=str(error))
    return Finding(part=part.name, grade="ok", sentence=said)
