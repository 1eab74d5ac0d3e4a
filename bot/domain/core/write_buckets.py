"""Token buckets that limit writing to GitHub, shared by all processes.

A token is back a minute (an hour) after it was spent, so no minute has more writes than the bucket has tokens. A bucket
that refills continuously would allow twice as many in the minute of a burst. Times are epoch seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

_SLOTS = 60
"""Time slots of a bucket; all writes of a slot count as if made at its end."""
POLL_SECONDS = 0.05
"""How long to wait where only another process is writing."""
CLAIM_SECONDS = 1.0
"""How long a refused process counts as waiting; it asks again more often than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKind:
    """Which tokens a write takes, and whether a person waits for it."""

    awaited: bool
    content: bool
    """Whether it creates a comment, a review, a pull request or an issue."""
    asked: bool = False
    """Whether it answers a command; such writes precede the results of a push."""

    @property
    def rank(self) -> tuple[bool, bool]:
        """Priority of the write, lowest first."""
        return (not self.asked, not self.awaited)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A number of tokens, each of which is back `seconds` after it was spent."""

    tokens: int
    seconds: float
    only_content: bool = False
    reserved: int = 0
    """Tokens that only writes for which a person waits may take."""
    kept: int = 0
    """Of these, tokens that only answers to a command may take."""

    def most(self, kind: WriteKind) -> int:
        """Return how many tokens a write of this kind may find spent, exclusive."""
        if kind.asked:
            return self.tokens
        return self.tokens - (self.kept if kind.awaited else self.reserved)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLimits:
    """The buckets of one installation, by name; the defaults stay below GitHub's limits."""

    # GitHub allows 80 contents a minute, 500 an hour, and 180 writes a minute.

    buckets: Mapping[str, Bucket] = field(
        default_factory=lambda: {
            "content_minute": Bucket(tokens=60, seconds=60.0, only_content=True, reserved=20, kept=10),
            "content_hour": Bucket(tokens=400, seconds=3600.0, only_content=True, reserved=100, kept=40),
            "minute": Bucket(tokens=120, seconds=60.0, reserved=40, kept=10),
        }
    )
    lease_seconds: float = 10.0
    """How long others wait for the end of a write; GitHub answers within ten seconds."""
    longest_closed: float = 3660.0
    """No limit of GitHub lasts longer than an hour; a longer one comes from a wrong clock."""


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
    """When GitHub's secondary limit ends; nothing is written before."""
    lease: Lease | None = None
    claims: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)
    """By process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The answer to a request to write."""

    granted: WriteKind | None
    waits: Mapping[WriteKind, float]
    """Seconds until it is worth asking again, for each kind that has to wait; a lower bound."""
    starved: frozenset[WriteKind] = frozenset()
    """Kinds that wait for tokens or for GitHub's own limit, not for another process."""


def ask(
    state: WriteState, limits: WriteLimits, holder: str, wanted: Sequence[WriteKind], now: float
) -> tuple[WriteState, Turn]:
    """Grant one write of the first kind in `wanted` that is possible now."""
    # A holder that asks again has finished its last write.
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
    """Let others write, since the holder has nothing more to write."""
    claims = {name: held for name, held in state.claims.items() if name != holder}
    lease = None if state.lease is not None and state.lease.holder == holder else state.lease
    return replace(state, lease=lease, claims=claims)


def close(state: WriteState, until: float) -> WriteState:
    """Empty every bucket until then, because GitHub requires it."""
    return replace(state, closed_until=max(state.closed_until, until))


def _order(claim: Claim) -> tuple[tuple[bool, bool], float]:
    return (claim.kind.rank, claim.since)


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
    """Return the seconds until every bucket has a token for a write of this kind."""
    waits = [state.closed_until - now]
    for name, bucket in limits.buckets.items():
        if kind.content or not bucket.only_content:
            waits.append(_empty_for(state.spent.get(name, ()), bucket, now, most=bucket.most(kind)))
    return max(0.0, *waits)


def _empty_for(spent: tuple[tuple[float, int], ...], bucket: Bucket, now: float, *, most: int) -> float:
    used = sum(count for _, count in spent)
    for end, count in spent:
        if used < most:
            break
        used -= count
        if used < most:
            return end + bucket.seconds - now
    return 0.0


def _tidied(state: WriteState, limits: WriteLimits, now: float) -> WriteState:
    """Remove expired entries, and those that a wrong clock has put too far into the future."""
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
