"""The heads of a pull request, in the order in which they were its newest commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from bot.domain.core.model import DeliveryId, PullRequest, Sha

LAG: Final = timedelta(seconds=15)
"""How far GitHub's answers may lag behind its webhooks; ten seconds were seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHead:
    """One head of a pull request; a commit that is the head twice has two numbers."""

    number: int
    """Counts from 1 in each pull request."""
    head_sha: Sha
    recorded_at: datetime
    delivery_id: DeliveryId | None = None
    """The delivery that reported it; None where it was found otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReport:
    """What a delivery reports about the head."""

    delivery_id: DeliveryId
    after: Sha
    before: Sha | None = None
    """The head that was replaced; only new commits name it."""
    is_first: bool = False
    """Whether the pull request was opened with it."""


class Doubt(Enum):
    """Why a report alone does not decide which head is the newest."""

    LATE_OR_NEWEST = "another head was recorded, which may be older or newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The place of a report: new heads after the last one, or the number of a known one."""

    new: tuple[Sha, ...] = ()
    known: int | None = None


def is_reported_by(number: int, report: HeadReport) -> bool:
    """Whether a report is enough to take a head as reported."""
    # Of the first head only the delivery of the opening is.
    return number > 1 or report.is_first


def place(heads: Sequence[RecordedHead], report: HeadReport) -> Placed | Doubt:
    """Return the heads that a delivery adds to the recorded ones, which are given oldest first.

    Deliveries may be lost, late, doubled or out of order, so the chain of `before` and `after` decides.
    """
    known = _known(heads, report)
    last = heads[-1] if heads else None
    before, after = report.before, report.after
    if known is not None and last is not None:
        # The same two commits may have changed places again, and the delivery in between may be lost.
        again = known < last.number and before == last.head_sha
        return Doubt.LATE_OR_NEWEST if again else Placed(known=known)
    if last is None:
        return Placed(new=(after,) if before is None else (before, after))
    if before == last.head_sha:
        return Placed(new=(after,))
    if report.is_first:
        return Placed()  # Every other head is newer than the first.
    seen = {head.head_sha for head in heads}
    if before is None:
        return Placed(new=(after,)) if after not in seen else Doubt.LATE_OR_NEWEST
    # Where the head has moved away and back, a late report leaves the right head as well.
    is_newest = after == last.head_sha or (not {before, after} & seen and not _has_gap(heads))
    return Placed(new=(before, after)) if is_newest else Doubt.LATE_OR_NEWEST


def _known(heads: Sequence[RecordedHead], report: HeadReport) -> int | None:
    """Return the number of the recorded head that the report is about, the newest first."""
    for head in heads:
        if head.delivery_id == report.delivery_id:
            return head.number
    for place_, head in reversed(list(enumerate(heads))):
        if head.head_sha == report.after and _is_about(heads, place_, report):
            return head.number
    return None


def _is_about(heads: Sequence[RecordedHead], place_: int, report: HeadReport) -> bool:
    is_last, is_unreported = place_ == len(heads) - 1, heads[place_].delivery_id is None
    if place_ == 0:
        return report.is_first or (is_last and (is_unreported or report.before is None))
    if report.before is None:
        return is_last
    return (is_last or is_unreported) and heads[place_ - 1].head_sha == report.before


def _has_gap(heads: Sequence[RecordedHead]) -> bool:
    """Whether the delivery of some head is missing and may still arrive."""
    return any(head.delivery_id is None for head in heads)


def shows_an_older_head(heads: Sequence[RecordedHead], sha: Sha, now: datetime) -> bool:
    """Whether an answer of GitHub with this head is older than the newest recorded head."""
    if not heads or heads[-1].head_sha == sha or now - heads[-1].recorded_at >= LAG:
        return False
    return sha in {head.head_sha for head in heads}


def is_same_head(
    sha: Sha | None, number: int | None, *, head_sha: Sha | None, head_number: int | None
) -> bool:
    """Whether something belongs to a head."""
    # A row of an older version has no number and is compared by commit.
    if sha != head_sha:
        return False
    return number is None or head_number is None or number == head_number


class OfHead(Protocol):
    """Something that belongs to a head: a run, a plan or its outline."""

    @property
    def head_sha(self) -> Sha | None:
        """The commit."""
        ...

    @property
    def head_number(self) -> int | None:
        """The number of the head; None in rows of older versions."""
        ...


def is_of_head(made: OfHead, pull: PullRequest) -> bool:
    """Whether something belongs to the current head of the pull request."""
    return is_same_head(made.head_sha, made.head_number, head_sha=pull.head_sha, head_number=pull.head_number)


def head_key(sha: Sha, number: int | None) -> str:
    """Return the part of a key that identifies a head of a pull request."""
    # That of the first head is the same as in older versions.
    return sha if number in {None, 1} else f"{sha}/{number}"
