"""Who pushed the commits of a pull request, from recorded pushes and git's history.

A commit can name any author, so the account that moved a branch to it counts. A merge of the base with exactly the
content that git makes of it adds nothing, and is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from bot.domain.core.accounts import Account, Login
from bot.domain.core.heads import LAG
from bot.domain.core.model import Sha

NO_COMMIT: Final = Sha("0" * 40)
"""What GitHub names where the branch did not exist before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A branch was moved."""

    ref: str
    """Full name; for the branch of a fork `refs/pull/N/head`, where it becomes visible here."""
    before: Sha
    after: Sha
    sender: Account
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The commits of a pull request that its base does not have."""

    head: Sha
    parents: Mapping[Sha, tuple[Sha, ...]]
    """Commit -> parents, of all that are reachable from its heads and not from the base."""
    in_base: frozenset[Sha] = frozenset()
    """Those of the heads asked about that the base has."""
    clean_merges: Mapping[Sha, Sha]
    """Merge of the base with the tree that git makes of it -> the commit it was merged into."""

    @cached_property
    def commits(self) -> frozenset[Sha]:
        """The commits under review."""
        found: set[Sha] = set()
        left = [self.head]
        while left:
            commit = left.pop()
            if commit in self.parents and commit not in found:
                found.add(commit)
                left += self.parents[commit]
        return frozenset(found)

    @cached_property
    def equal_heads(self) -> frozenset[Sha]:
        """The head, and the commits from which it differs only by clean merges of the base."""
        found = [self.head]
        while found[-1] in self.clean_merges:
            found.append(self.clean_merges[found[-1]])
        return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownHead:
    """A commit without a person who is known to have pushed it."""

    sha: Sha
    bot: Login | None = None
    """The bot that pushed it, on behalf of an unknown person."""
    in_fork: bool = False
    """Whether it was pushed to another repository, whose pushes GitHub does not report here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The known pushers of a pull request."""

    pushers: tuple[Account, ...] = ()
    unknown: tuple[UnknownHead, ...] = ()
    last_at: datetime | None = None
    """When its branch was last moved, as far as is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushes:
    """What `who_pushed` judges."""

    lineage: Lineage
    heads: frozenset[Sha]
    """Every head that the pull request is known to have had."""
    pushes: Sequence[Push]
    """Of its branch, and those of other branches to one of its commits."""
    ref: str
    """The branch of the pull request, as in `Push`."""
    trusted: frozenset[str] = frozenset()
    """Logins of bots, in lower case, whose pushes the policy accepts."""
    in_fork: bool = False


def who_pushed(of: Pushes) -> Pushed:
    """Return who pushed commits of the pull request, and the heads without a known pusher."""
    attributed = [push for each in of.pushes if (push := _below_clean_merges(each, of.lineage)) is not None]
    own = [push for push in attributed if push.ref == of.ref]
    needed = _required_heads(of, own)
    earlier = _earlier_heads(needed, own, of.lineage)
    counted = needed | earlier | of.lineage.commits
    senders = {push.sender: None for push in attributed if push.after in counted}
    return Pushed(
        pushers=tuple(senders),
        unknown=tuple(_unknown_heads(of, attributed, needed)),
        last_at=max((push.at for push in of.pushes if push.ref == of.ref), default=None),
    )


def _below_clean_merges(push: Push, lineage: Lineage) -> Push | None:
    """Return the push without clean merges of the base on top; None if nothing is left."""
    after = push.after
    while after in lineage.clean_merges:
        below = lineage.clean_merges[after]
        if below == push.before:
            return None
        after = below
    return replace(push, after=after)


def _required_heads(of: Pushes, own: Sequence[Push]) -> frozenset[Sha]:
    """Return the heads whose pusher must be known."""
    # They are the heads that it had, and earlier ones from which its commits come.
    lineage, before = of.lineage, _previous_heads(own)
    # A person is responsible for all that they push; a bot may have kept what others wrote.
    by_bot = _previous_heads(push for push in own if push.sender.is_bot)
    found: set[Sha] = set()
    left = [lineage.head, *of.heads]
    while left:
        head = left.pop()
        while head in lineage.clean_merges:
            head = lineage.clean_merges[head]
        if head in found or head in lineage.in_base or head == NO_COMMIT:
            continue
        found.add(head)
        left += [each for each in before.get(head, ()) if each in lineage.commits]
        left += by_bot.get(head, ())
    return frozenset(found)


def _earlier_heads(needed: frozenset[Sha], own: Sequence[Push], lineage: Lineage) -> frozenset[Sha]:
    """Return the earlier heads of the branch, down to the base."""
    # A rewritten commit is still its pusher's work.
    before = _previous_heads(own)
    found: set[Sha] = set()
    left = list(needed)
    while left:
        for each in before.get(left.pop(), ()):
            if each not in found and each not in lineage.in_base and each != NO_COMMIT:
                found.add(each)
                left.append(each)
    return frozenset(found)


def _previous_heads(own: Iterable[Push]) -> Mapping[Sha, set[Sha]]:
    found: dict[Sha, set[Sha]] = {}
    for push in own:
        found.setdefault(push.after, set()).add(push.before)
    return found


def _unknown_heads(of: Pushes, pushes: Sequence[Push], needed: frozenset[Sha]) -> Iterator[UnknownHead]:
    pushed, own = _by_commit(pushes), [push for push in pushes if push.ref == of.ref]
    complete = _with_known_first_push(own)
    for commit in sorted(needed | of.lineage.commits):
        first = min(pushed.get(commit, ()), key=lambda push: push.at, default=None)
        if commit in needed and commit not in complete:
            yield UnknownHead(sha=commit, in_fork=of.in_fork)
        # A bot that moves another branch to a person's commit adds nothing: the first push counts.
        elif first is not None and not _is_accepted(first.sender, of.trusted):
            yield UnknownHead(sha=commit, bot=first.sender.login)


def _by_commit(pushes: Iterable[Push]) -> Mapping[Sha, Sequence[Push]]:
    found: dict[Sha, list[Push]] = {}
    for push in pushes:
        found.setdefault(push.after, []).append(push)
    return found


def _with_known_first_push(own: Iterable[Push]) -> frozenset[Sha]:
    """Return the commits whose first push to the branch is known.

    It is older than the pushes that moved the branch on from them. Deliveries overtake one another and clocks differ, so
    times within `LAG` are taken as equal.
    """
    to: dict[Sha, datetime] = {}
    away: dict[Sha, datetime] = {}
    for push in own:
        to[push.after] = min(push.at, to.get(push.after, push.at))
        away[push.before] = min(push.at, away.get(push.before, push.at))
    return frozenset(commit for commit, at in to.items() if at - LAG <= away.get(commit, at))


def _is_accepted(sender: Account, trusted: frozenset[str]) -> bool:
    """Whether the sender is a person, or a bot that the policy trusts."""
    # GitHub says which accounts are Apps; a login alone does not.
    return not sender.is_bot or sender.login.lower() in trusted
