"""What doctor says: one line per part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain.errors import GatewrightError
from bot.settings import PREFIX

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    part: str
    grade: str
    """`ok`, `warning`, `wrong`, or `skipped` where a wrong setting keeps a part from being tried."""
    sentence: str


Check = Callable[[], Awaitable[str]]
"""Returns what is well; raises GatewrightError with what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something to try, and the settings without which it cannot be."""

    name: str
    check: Check
    needs: tuple[str, ...] = ()


class DoubtfulError(GatewrightError):
    """It works, but not as it should."""


async def attempt(part: Part, wrong: Mapping[str, str]) -> Finding:
    """Try a part, unless one of the `wrong` settings (field -> what is wrong) keeps it from being tried."""
    in_the_way = [PREFIX + name.upper() for name in part.needs if name in wrong]
    if in_the_way:
        sentence = f"not tried, because of {' and '.join(in_the_way)}"
        return Finding(part=part.name, grade="skipped", sentence=sentence)
    try:
        said = await asyncio.wait_for(part.check(), _PATIENCE)
    except DoubtfulError as doubt:
        return Finding(part=part.name, grade="warning", sentence=str(doubt))
    except TimeoutError:
        return Finding(part=part.name, grade="wrong", sentence=f"did not answer within {_PATIENCE:.0f} s")
    except GatewrightError as error:
        return Finding(part=part.name, grade="wrong", sentence=str(error))
    return Finding(part=part.name, grade="ok", sentence=said)
