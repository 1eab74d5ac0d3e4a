"""Read the filters of a list of runs, which arrive as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import FailureClass, RunId, RunKind, RunStatus
from bot.ports import RunFilter

_Word = TypeVar("_Word", bound=StrEnum)

DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
KINDS: Final = tuple(kind for kind in RunKind if kind is not RunKind.UNKNOWN)
NAMES: Final = (
    *("repo", "project", "env", "pull", "kind", "status", "failure_class", "actor", "since", "until"),
    *("correlation_id", "release_candidate", "has_risk_summary", "before", "limit"),
)
"""The filters, and what selects a page."""
_SHAPES: Final = {
    "repo": (re.compile(r"[\w.\-]{1,100}/[\w.\-]{1,100}"), "OWNER/NAME"),
    "project": (re.compile(r"[\w.\-]{1,140}"), "the name of a project"),
    "env": (re.compile(r"[\w.\-]{1,140}"), "the name of an environment"),
    "actor": (re.compile(r"[\w.\-\[\]]{1,140}"), "a login"),
    "correlation_id": (re.compile(r"[\x21-\x7e]{1,200}"), "1 to 200 characters without spaces"),
    "release_candidate": (re.compile(r"[0-9a-fA-F]{40}"), "a commit of 40 hexadecimal digits"),
    "before": (re.compile(r"[a-zA-Z0-9\-]{1,64}"), "the id of a run"),
}
_NUMBER: Final = re.compile(r"#?([0-9]{1,9})")
_BOOLEANS: Final = {"true": True, "false": False}


class FilterError(GatewrightError):
    """A filter cannot mean anything; the message names it and what is possible."""


def run_filter(given: Mapping[str, str], repos: Sequence[str] | None) -> RunFilter:
    """Return the filter; FilterError for unknown names and impossible values.

    `repos` are those that may be read, None for all.
    """
    for name in given:
        if name not in NAMES:
            raise FilterError(f"unknown filter {name!r}; known are {', '.join(NAMES)}")
    text = {name: _shaped(name, given.get(name)) for name in _SHAPES}
    release = text["release_candidate"]
    return RunFilter(
        repos=_chosen(text["repo"], repos),
        pull=_pull(given.get("pull")),
        project=text["project"],
        env=text["env"],
        kind=_word("kind", KINDS, given.get("kind")),
        status=_word("status", tuple(RunStatus), given.get("status")),
        failure_class=_word("failure_class", tuple(FailureClass), given.get("failure_class")),
        actor=text["actor"],
        since=moment("since", given.get("since")),
        until=moment("until", given.get("until")),
        correlation_id=text["correlation_id"],
        release_candidate_id=None if release is None else release.lower(),
        has_risk_summary=_boolean("has_risk_summary", given.get("has_risk_summary")),
        before=None if text["before"] is None else RunId(text["before"]),
    )


def page_size(text: str | None) -> int:
    """Return how many records a page has; FilterError outside 1 to `LARGEST_LIMIT`."""
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise _impossible("limit", text, f"a number from 1 to {LARGEST_LIMIT}")
    return int(text)


def moment(name: str, text: str | None) -> datetime | None:
    """Return a time, in UTC where it names no zone; FilterError where it is none."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        zoned = read if read.tzinfo else read.replace(tzinfo=UTC)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _impossible(name, text, "2026-01-31 or 2026-01-31T09:30:00+01:00") from None


def _shaped(name: str, text: str | None) -> str | None:
    shape, allowed = _SHAPES[name]
    if text is not None and not shape.fullmatch(text):
        raise _impossible(name, text, allowed)
    return text


def _chosen(repo: str | None, repos: Sequence[str] | None) -> Sequence[str] | None:
    if repo is None:
        return repos
    if repos is None:
        return (repo,)
    # A repository that may not be read is treated like one that does not exist.
    return tuple(each for each in repos if each.lower() == repo.lower())


def _pull(text: str | None) -> int | None:
    if text is None:
        return None
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise _impossible("pull", text, "the number of a pull request")
    return int(number[1])


def _word(name: str, words: Sequence[_Word], text: str | None) -> _Word | None:
    if text is None:
        return None
    found = next((word for word in words if word == text), None)
    if found is None:
        raise _impossible(name, text, ", ".join(words))
    return found


def _boolean(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text not in _BOOLEANS:
        raise _impossible(name, text, "true or false")
    return _BOOLEANS[text]


def _impossible(name: str, text: str, allowed: str) -> FilterError:
    return FilterError(f"{name}: {text[:100]!r} is not {allowed}")
