"""Which owners have approved which paths of a plan, and who is missing. Pure: facts in, a verdict out.

The rules are DESIGN's for the gate `codeowners`: an approval counts when it is its author's last opinion, of the head
commit, by somebody with write access who neither opened the pull request nor pushed to it, and when it was given after
the plan was posted; a plan with another change digest voids every approval that is older than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.codeowners import CodeOwners, LineProblem, Owner, OwnerKind
from bot.domain.model import Login, Sha, Stack
from bot.domain.plan import PlanRecord

APPROVED: Final = "APPROVED"
_OPINIONS: Final = frozenset({APPROVED, "CHANGES_REQUESTED", "DISMISSED"})
"""A later COMMENTED review takes none of these back."""
_PROBE: Final = "any-new-file.tf"
"""Who would own a new Terraform file of the root module owns the directory, however the pattern is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A submitted review as GitHub tells it now."""

    id: int
    user: Login
    state: str
    """Upper case, as GitHub's REST interface writes it."""
    commit_id: Sha | None
    """The head when it was submitted; None when GitHub has lost it."""
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """A path that needs the approval of one of its owners."""

    path: str
    owners: tuple[Owner, ...]
    """Empty where a path must have an owner and has none; such a path stays shut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What is known of the reviews of a pull request before anybody's rights are asked for."""

    reviews: Sequence[Review]
    author: Login
    pushers: frozenset[Login]
    """Whoever wrote, committed or pushed one of its commits."""
    head: Sha
    plan: PlanRecord
    plans: Sequence[PlanRecord]
    """Every plan of the stack on this pull request, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Approvals that count if their givers are owners with write access, and opinions that do not; by lower case."""

    approvals: Mapping[str, Login]
    set_aside: Mapping[str, str]
    """Login -> why the last opinion is no approval of this plan, to follow the login in a sentence."""
    barred: frozenset[str]
    """Who can never approve this pull request: its author and its pushers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What GitHub says now of the people in question; keys are lower case."""

    writes: Mapping[str, bool]
    """Login -> whether the user has write access; who is not in it was not asked for and does not count."""
    members: Mapping[str, frozenset[str]]
    """`org/team` -> those of the approving logins that are active members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    """One required path, and who has approved it."""

    path: str
    owners: tuple[Owner, ...]
    approved_by: Login | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says."""

    paths: tuple[PathVerdict, ...]
    ask: tuple[Owner, ...] = ()
    """A small set of owners whose approvals together would open the gate, as far as anybody's can."""
    stuck: tuple[PathVerdict, ...] = ()
    """Missing paths whose owners can none of them approve."""
    set_aside: tuple[str, ...] = ()
    """Why opinions of owners of missing paths do not count: full sentences."""
    problems: tuple[LineProblem, ...] = ()
    """Lines of CODEOWNERS that do not say what they seem to."""
    unknown_pushes: frozenset[Sha] = frozenset()
    """Heads of which nobody told who pushed them: whoever approves may be approving work of their own."""

    @property
    def missing(self) -> tuple[PathVerdict, ...]:
        """The paths that nobody has approved."""
        return tuple(path for path in self.paths if path.approved_by is None)


def required_paths(owners: CodeOwners, stack: Stack, changed: Iterable[str]) -> tuple[Required, ...]:
    """Return what needs an approval: the stack's directory, its var file, and every changed path that is owned."""
    probe = _PROBE if stack.directory == "." else f"{stack.directory}/{_PROBE}"
    directory = "./" if stack.directory == "." else f"{stack.directory}/"
    found = {directory: owners.owners(probe)}
    if stack.var_file is not None:
        found[stack.var_file] = owners.owners(stack.var_file)
    for path in changed:
        if path not in found and (of := owners.owners(path)):
            found[path] = of
    return tuple(Required(path=path, owners=of) for path, of in found.items())


def weigh(submitted: Submitted) -> Weighed:
    """Sort the last opinion of each reviewer into those that may count and those that do not."""
    last: dict[str, Review] = {}
    for review in sorted(submitted.reviews, key=lambda each: (each.submitted_at, each.id)):
        if review.state in _OPINIONS:
            last[review.user.lower()] = review
    barred = frozenset(login.lower() for login in (submitted.author, *submitted.pushers))
    approvals: dict[str, Login] = {}
    set_aside: dict[str, str] = {}
    for who, review in last.items():
        why = _why_not(review, submitted, barred)
        if why is None:
            approvals[who] = review.user
        else:
            set_aside[who] = f"@{review.user} {why}"
    return Weighed(approvals=approvals, set_aside=set_aside, barred=barred)


def _why_not(review: Review, submitted: Submitted, barred: frozenset[str]) -> str | None:
    """Say why an opinion is no approval of the plan, None when it is one."""
    if review.state != APPROVED:
        asked = review.state == "CHANGES_REQUESTED"
        return "asks for changes." if asked else "gave a review that was dismissed."
    if review.user.lower() == submitted.author.lower():
        return "opened this pull request and cannot approve it."
    if review.user.lower() in barred:
        return "pushed to this pull request and cannot approve it."
    if review.commit_id != submitted.head:
        return "approved an older commit."
    if not counts_for(review.submitted_at, submitted.plan, submitted.plans):
        return f"has not approved since plan {submitted.plan.id} was posted."
    return None


def counts_for(submitted_at: datetime, plan: PlanRecord, plans: Sequence[PlanRecord]) -> bool:
    """Whether a review of that time is about what `plan` does; `plans` are the stack's, newest first.

    It is about the newest plan posted before it, and every plan made since must do the same. GitHub's times are whole
    seconds, so a review of the very second of the plan's comment cannot be told from an earlier one and does not count.
    """
    for each in plans:
        if each.change_digest != plan.change_digest:
            return False
        if each.posted_at is not None and each.posted_at < submitted_at:
            return True
    return False


def decide(
    required: Sequence[Required], weighed: Weighed, rights: Rights, problems: tuple[LineProblem, ...] = ()
) -> Verdict:
    """Find an owner's approval for each path, and who is to be asked where there is none."""
    paths = tuple(
        PathVerdict(path=each.path, owners=each.owners, approved_by=_approver(each.owners, weighed, rights))
        for each in required
    )
    missing = Verdict(paths=paths).missing
    return Verdict(
        paths=paths,
        stuck=tuple(
            path for path in missing if not any(may_be_asked(owner, weighed, rights) for owner in path.owners)
        ),
        ask=_fewest(missing, weighed, rights),
        set_aside=tuple(_remarks(missing, weighed, rights)),
        problems=problems,
    )


def _approver(owners: Iterable[Owner], weighed: Weighed, rights: Rights) -> Login | None:
    for owner in owners:
        for who, login in weighed.approvals.items():
            if rights.writes.get(who) is True and _is(owner, who, rights):
                return login
    return None


def _is(owner: Owner, who: str, rights: Rights) -> bool:
    """Whether a login is that owner. GitHub tells an App nobody's addresses, so an address is nobody."""
    if owner.kind is OwnerKind.USER:
        return owner.key == who
    return owner.kind is OwnerKind.TEAM and who in rights.members.get(owner.key, frozenset())


def candidates(required: Iterable[Required], weighed: Weighed) -> tuple[Login, ...]:
    """Return the users named as owners who could still approve; their rights decide whether to ask them."""
    owners = {owner.key: owner for each in required for owner in each.owners}
    return tuple(
        Login(owner.written.removeprefix("@"))
        for key, owner in owners.items()
        if owner.kind is OwnerKind.USER and key not in weighed.barred
    )


def may_be_asked(owner: Owner, weighed: Weighed, rights: Rights) -> bool:
    """Whether an approval of that owner could count, as far as is known."""
    if owner.kind is OwnerKind.USER:
        return owner.key not in weighed.barred and rights.writes.get(owner.key, True)
    return owner.kind is OwnerKind.TEAM


def _fewest(missing: Sequence[PathVerdict], weighed: Weighed, rights: Rights) -> tuple[Owner, ...]:
    """Choose owners greedily: whoever opens the most of what is left, the first named where it is a draw."""
    left = [
        {owner.key: owner for owner in path.owners if may_be_asked(owner, weighed, rights)}
        for path in missing
    ]
    left = [owners for owners in left if owners]
    chosen: list[Owner] = []
    while left:
        counts: dict[str, int] = {}
        for owners in left:
            for key in owners:
                counts[key] = counts.get(key, 0) + 1
        best = max(counts, key=lambda key: counts[key])
        chosen.append(next(owners[best] for owners in left if best in owners))
        left = [owners for owners in left if best not in owners]
    return tuple(chosen)


def _remarks(missing: Sequence[PathVerdict], weighed: Weighed, rights: Rights) -> Iterable[str]:
    """Yield why an owner's opinion that people see on the page does not count."""
    named = {owner.key for path in missing for owner in path.owners if owner.kind is OwnerKind.USER}
    by_team = {owner.key for path in missing for owner in path.owners if owner.kind is OwnerKind.TEAM}
    for who, sentence in weighed.set_aside.items():
        if who in named or by_team:
            yield sentence
    for who, login in weighed.approvals.items():
        if who in named and rights.writes.get(who) is not True:
            yield f"@{login} approved without write access."
