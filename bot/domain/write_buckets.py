"""Token buckets for writing to GitHub: who may write next, and how long the others wait. Times are epoch seconds.

A token is back a minute (an hour) after it was spent, so that no minute of any start holds more writes than the bucket
has tokens: a bucket that is filled all the time would let through twice as many in the minute of a burst.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

_SLOTS = 60
"""Writes of one slot of a bucket's time are counted together, as if all came at its end."""
POLL_SECONDS = 0.05
"""Until another look where only another process is in the way."""
CLAIM_SECONDS = 1.0
"""How long a process that was refused is taken to be waiting still; it asks again more often than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKind:
    """What a write takes a token of, and whether a person waits for it."""

    awaited: bool
    content: bool
    """Whether it creates a comment, a review, a pull request or an issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """So many tokens, each of which is back `seconds` after it was spent."""

    tokens: int
    seconds: float
    only_content: bool = False
    reserved: int = 0
    """Tokens that are left to what a person waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLimits:
    """The buckets of one installation, by name; the defaults keep away from GitHub's 80, 500 and 180 writes."""

    buckets: Mapping[str, Bucket] = field(
        default_factory=lambda: {
            "content_minute": Bucket(tokens=60, seconds=60.0, only_content=True, reserved=20),
            "content_hour": Bucket(tokens=400, seconds=3600.0, only_content=True, reserved=100),
            "minute": Bucket(tokens=120, seconds=60.0, reserved=40),
        }
    )
    lease_seconds: float = 10.0
    """How long a write may take before others no longer wait for its end; GitHub answers within ten seconds."""
    longest_closed: float = 3660.0
    """No limit of GitHub lasts longer than an hour: more than that is a slip of a clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A process waits to write something of a kind."""

    kind: WriteKind
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A process is writing."""

    holder: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteState:
    """What all processes know about the writes of one installation."""

    spent: Mapping[str, tuple[tuple[float, int], ...]] = field(default_factory=dict)
    """By bucket: end of a slot and tokens spent in it, oldest first."""
    closed_until: float = 0.0
    """GitHub has said that it limits us: nothing is written before."""
    lease: Lease | None = None
    claims: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)
    """By process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The answer to a wish to write."""

    granted: WriteKind | None
    waits: Mapping[WriteKind, float]
    """Seconds until it is worth asking again, for each kind that has to wait; a lower bound."""
    starved: frozenset[WriteKind] = frozenset()
    """Those of them that lack tokens, or that GitHub's own limit keeps waiting: no other process is in the way."""


def ask(
    state: WriteState, limits: WriteLimits, holder: str, wanted: Sequence[WriteKind], now: float
) -> tuple[WriteState, Turn]:
    """Grant one write of the first kind in `wanted` that may go now; what the holder wrote before has ended."""
    state = _tidied(state, limits, now)
    before = {claim.kind: claim.since for claim in state.claims.get(holder, ())}
    mine = tuple(Claim(kind=kind, since=before.get(kind, now), until=now + CLAIM_SECONDS) for kind in wanted)
    others = [claim for name, held in state.claims.items() if name != holder for claim in held]
    lease = None if state.lease is None or state.lease.holder == holder else state.lease
    state = replace(state, lease=lease, claims={**state.claims, holder: mine})
    waits: dict[WriteKind, float] = {}
    starved: set[WriteKind] = set()
    for claim in mine:
        wait = _lack(state, limits, claim.kind, now)
        if wait > 0:
            starved.add(claim.kind)
        elif lease is not None or any(
            _order(other) < _order(claim) and not _lack(state, limits, other.kind, now) for other in others
        ):
            wait = POLL_SECONDS
        else:
            turn = Turn(granted=claim.kind, waits=waits, starved=frozenset(starved))
            return _granted(state, limits, holder, claim.kind, now), turn
        waits[claim.kind] = wait
    return state, Turn(granted=None, waits=waits, starved=frozenset(starved))


def release(state: WriteState, holder: str) -> WriteState:
    """Let others write: the holder has nothing more to write for now."""
    claims = {name: held for name, held in state.claims.items() if name != holder}
    lease = None if state.lease is not None and state.lease.holder == holder else state.lease
    return replace(state, lease=lease, claims=claims)


def close(state: WriteState, until: float) -> WriteState:
    """Empty every bucket until then, because GitHub says so."""
    return replace(state, closed_until=max(state.closed_until, until))


def _order(claim: Claim) -> tuple[bool, float]:
    return (not claim.kind.awaited, claim.since)


def _granted(state: WriteState, limits: WriteLimits, holder: str, kind: WriteKind, now: float) -> WriteState:
    spent = dict(state.spent)
    for name, bucket in limits.buckets.items():
        if kind.content or not bucket.only_content:
            spent[name] = _spend(spent.get(name, ()), bucket, now)
    left = tuple(claim for claim in state.claims[holder] if claim.kind != kind)
    lease = Lease(holder=holder, until=now + limits.lease_seconds)
    return replace(state, spent=spent, lease=lease, claims={**state.claims, holder: left})


def _spend(spent: tuple[tuple[float, int], ...], bucket: Bucket, now: float) -> tuple[tuple[float, int], ...]:
    width = bucket.seconds / _SLOTS
    end = math.ceil(now / width) * width
    if spent and spent[-1][0] >= end:
        return (*spent[:-1], (spent[-1][0], spent[-1][1] + 1))
    return (*spent, (end, 1))


def _lack(state: WriteState, limits: WriteLimits, kind: WriteKind, now: float) -> float:
    """Return the seconds until a write of this kind finds a token in every bucket, 0 where it does."""
    waits = [state.closed_until - now]
    for name, bucket in limits.buckets.items():
        if kind.content or not bucket.only_content:
            waits.append(_empty_for(state.spent.get(name, ()), bucket, now, awaited=kind.awaited))
    return max(0.0, *waits)


def _empty_for(spent: tuple[tuple[float, int], ...], bucket: Bucket, now: float, *, awaited: bool) -> float:
    most = bucket.tokens - (0 if awaited else bucket.reserved)
    used = sum(count for _, count in spent)
    for end, count in spent:
        if used < most:
            break
        used -= count
        if used < most:
            return end + bucket.seconds - now
    return 0.0


def _tidied(state: WriteState, limits: WriteLimits, now: float) -> WriteState:
    """Drop what is over, and what a clock that went wrong has put too far into the future."""
    spent = {
        name: tuple(
            (min(end, now + bucket.seconds / _SLOTS), count)
            for end, count in state.spent.get(name, ())
            if end + bucket.seconds > now
        )
        for name, bucket in limits.buckets.items()
    }
    live = {
        name: tuple(claim for claim in held if now < claim.until <= now + 2 * CLAIM_SECONDS)
        for name, held in state.claims.items()
    }
    lease = state.lease
    if lease is not None and not now < lease.until <= now + 2 * limits.lease_seconds:
        lease = None
    return WriteState(
        spent=spent,
        closed_until=min(state.closed_until, now + limits.longest_closed),
        lease=lease,
        claims={name: held for name, held in live.items() if held},
    )
