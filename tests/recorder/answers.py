"""What is read out of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.recorder.model import Exchange, Json

About = Callable[[Json], bool]
"""Whether a payload is about what is looked for."""


def field_of(exchange: Exchange, *path: str) -> Any:
    """Return a field of an answer, None where there is none."""
    value = exchange.answer
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def items_of(exchange: Exchange, *path: str) -> list[Json]:
    """Return the objects of a list in an answer; a refusal has none."""
    value = field_of(exchange, *path) if path else exchange.answer
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def same(path: str, value: object) -> About:
    """Return the question whether a payload has a value at a place such as `pull_request.number`."""

    def has(payload: Json) -> bool:
        found: Any = payload
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return bool(found == value)

    return has


def account(value: Any) -> str | None:
    """Return an account of an answer as its login and its type."""
    return f"{value.get('login')} ({value.get('type')})" if isinstance(value, dict) else None


def accepted(exchange: Exchange) -> str | None:
    """Return the permissions that GitHub says it would have accepted."""
    return exchange.headers.get("x-accepted-github-permissions")


def words(permissions: Mapping[str, str] | None) -> str:
    """Return permissions in words."""
    return ", ".join(f"{name}:{level}" for name, level in (permissions or {"everything": "granted"}).items())
