"""Choose the release that a `/revert` goes back to.

The releases of a stack form an undo stack, newest on top. A release without changes shares the level of the
one before it. A revert removes all levels above its target, so that reverting twice goes back two releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanId, RunId, Stack, StateIdentity
from bot.domain.core.outcome import Outcome
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.releases.release import Release, Verification, is_partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """One `/revert`, from its comment to the checks after its apply."""

    run_id: RunId
    """The run that plans it; applying that plan is another run."""
    stack: Stack
    pull: int
    target: PlanId
    """The target release."""
    undone: tuple[PlanId, ...]
    """The releases that it undoes, newest first; empty if it only repairs a failed apply."""
    asked_by: Account
    asked_at: datetime
    """When the comment was written: the time to recover starts here."""
    plan_id: PlanId | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    """For the plan's comment: `commits` ([sha, subject] each, None if unknown), `more`, `provisioners`."""
    finished_at: datetime | None = None
    """When the checks after its apply ended."""
    found: Mapping[str, Any] = field(default_factory=dict)
    """Results of these checks: `replan`, `outputs`, `problem`."""
    opened_pull: int | None = None
    """The pull request that reverts the code in the base branch."""
    opened_why: str | None = None
    """Why there is no such pull request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Releases with the same content in place, oldest first."""

    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A change after the stack's newest release that was started and not completed."""

    revert_to: PlanId | None
    """The release that it should go back to; None for an apply."""
    asked_at: datetime | None = None
    """When its `/revert` was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All releases of a stack, with their verifications and reverts."""

    releases: Sequence[Release]
    """Newest first."""
    verifications: Sequence[Verification]
    """Newest first, including revoked ones."""
    reverts: Mapping[PlanId, PlanId]
    """The plan of each applied revert -> the release that it went back to."""
    unfinished: Unfinished | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The target of a revert, and the releases it undoes."""

    target: Release
    undone: tuple[Release, ...]
    """Newest first."""


def undo_stack(history: History) -> tuple[Level, ...]:
    """Return the levels of the undo stack, from the bottom to the release in place."""
    levels: list[list[Release]] = []
    for release in reversed(history.releases):
        target = history.reverts.get(release.plan_id)
        at = _level_of(levels, target) if target is not None else None
        if at is not None:
            del levels[at + 1 :]
            levels[at].append(release)
        elif levels and not release.changed:
            levels[-1].append(release)
        else:
            levels.append([release])
    return tuple(Level(releases=tuple(level)) for level in levels)


def choose(history: History, *, named: str | None, stack: Stack) -> Choice | Refusal:
    """Return the named release, or else the last verified one before the current."""
    levels = undo_stack(history)
    if not levels:
        return _nothing(f"{stack.label} has no release yet.")
    if named is not None:
        return _named(history, levels, named, stack)
    unfinished = history.unfinished
    if unfinished is not None and unfinished.revert_to is not None:
        return _named(history, levels, unfinished.revert_to, stack)
    # A failed apply has made no release: a revert goes back to the newest one.
    whole = len(levels) if unfinished is not None else len(levels) - 1
    for place in range(whole - 1, -1, -1):
        found = representative(levels[place], history.verifications)
        if found is not None:
            return Choice(target=found, undone=_above(levels, place))
    return _nothing(
        f"{stack.label} has no earlier release that was verified: {_count(history)} recorded, and there is none"
        " to go back to."
    )


def representative(level: Level, verifications: Sequence[Verification]) -> Release | None:
    """Return the last verified whole release of a level; None if its newest checks failed.

    A pass that a later apply has revoked counts: the release worked while it was in place. A release that a
    pull request planned without changes has passed no gate, so it is used only if no other release has the
    same content.
    """
    known = {release.plan_id: release for release in level.releases}
    newest = next((each for each in verifications if each.release in known), None)
    if newest is None or newest.outcome is not Outcome.PASS:
        return None
    passed = [known[each.release] for each in verifications if _is_pass(each) and each.release in known]
    whole = [release for release in (*passed, *level.releases[::-1]) if not is_partial(release.arguments)]
    agreed = (release for release in whole if release.changed or _is_of_the_base(release))
    return next(agreed, next((release for release in whole if release in passed), None))


def _is_pass(verification: Verification) -> bool:
    return verification.outcome is Outcome.PASS


def _is_of_the_base(release: Release) -> bool:
    """Whether it was planned from the tip of the base branch, as after a merge."""
    return release.head_sha == release.base_sha


def state_problem(
    now: StateIdentity, recorded: Sequence[tuple[int | None, str | None]], *, stack: Stack
) -> Refusal | None:
    """Return a refusal if the state is not the one that the last recorded change left."""
    if not recorded or (now.serial, now.lineage) in recorded:
        return None
    serial, lineage = recorded[0]
    how = (
        f"is at serial {now.serial}, and the last one on record is {serial}"
        if lineage == now.lineage
        else "has another lineage than the one on record"
    )
    return Refusal(
        reason=Reason.STATE_MOVED,
        sentence=(
            f"The state of {stack.label} {how}: it was changed outside Gatewright, and a revert"
            " would take that back unseen."
        ),
        next_command=f"/plan {stack.env} and /apply {stack.env} on an open pull request, which puts it on record",
    )


def _named(history: History, levels: Sequence[Level], named: str, stack: Stack) -> Choice | Refusal:
    meant = next((each for each in history.releases if _is_called(each, named)), None)
    if meant is None:
        return Refusal(
            reason=Reason.NOT_FOUND,
            sentence=f"{stack.label} has no release `{named}`.",
            next_command=f"/revert {stack.env}",
        )
    place = next((at for at, level in enumerate(levels) if meant in level.releases), None)
    if place == len(levels) - 1 and history.unfinished is None:
        return Refusal(
            reason=Reason.NO_CHANGES,
            sentence=f"Release {meant.plan_id} is what {stack.label} has now.",
            next_command=f"/revert {stack.env}",
        )
    level = Level(releases=(meant,)) if place is None else levels[place]
    target = representative(level, history.verifications)
    if target is None:
        return Refusal(
            reason=Reason.NOT_VERIFIED,
            sentence=f"Release {meant.plan_id} was never seen to work in {stack.label}, so it is no way back.",
            next_command=f"/revert {stack.env}",
        )
    undone = levels[-1].releases[::-1] if place is None else _above(levels, place)
    return Choice(target=target, undone=undone)


def _is_called(release: Release, name: str) -> bool:
    return name in {release.plan_id, release.run_id} or release.head_sha.startswith(name)


def _above(levels: Sequence[Level], place: int) -> tuple[Release, ...]:
    return tuple(release for level in reversed(levels[place + 1 :]) for release in level.releases[::-1])


def _level_of(levels: Sequence[Sequence[Release]], target: PlanId) -> int | None:
    for at, level in enumerate(levels):
        if any(release.plan_id == target for release in level):
            return at
    return None


def _count(history: History) -> str:
    number = len(history.releases)
    return f"{number} release" if number == 1 else f"{number} releases"


def _nothing(sentence: str) -> Refusal:
    return Refusal(reason=Reason.NOTHING_TO_REVERT, sentence=sentence, next_command="/status")
