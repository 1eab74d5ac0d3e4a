"""Which owners have approved which paths of a plan, and whose approval is missing.

An approval counts when it is its author's last opinion, of the head commit or of one from which the head differs only by
clean merges of the base; when its author has write access and neither opened the pull request nor pushed to it; and when
it was given after the plan was posted. A plan with another change digest voids every older approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.core.accounts import Account, Login, has_one
from bot.domain.core.model import Sha, Stack
from bot.domain.gates.codeowners import CodeOwners, LineProblem, Owner, OwnerKind
from bot.domain.gates.pushes import UnknownHead
from bot.domain.plans.plan import PlanRecord

APPROVED: Final = "APPROVED"
_OPINIONS: Final = frozenset({APPROVED, "CHANGES_REQUESTED", "DISMISSED"})
"""A later COMMENTED review replaces none of these."""
_PROBE: Final = "any-new-file.tf"
"""The owners of this new file own the directory, however the pattern is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A submitted review."""

    id: int
    user: Account
    state: str
    """Upper case, as GitHub's REST interface writes it."""
    commit_id: Sha | None
    """None if GitHub has lost it; after a push it may be a later head.

    `SubmittedReviews.reported` has the commit of the delivery.
    """
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """A path that needs the approval of one of its owners."""

    path: str
    owners: tuple[Owner, ...]
    """Empty where a path must have an owner and has none: then it cannot be approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedReviews:
    """The reviews of a pull request, before the rights of their authors are read."""

    reviews: Sequence[Review]
    """As GitHub lists them now."""
    reported: Mapping[int, Sha]
    """Review -> the commit that its delivery named when it was submitted.

    After a force-push GitHub may name another one.
    """
    author: Account
    pushers: tuple[Account, ...]
    """Those who wrote, committed or pushed one of its commits."""
    heads: frozenset[Sha]
    """The head, and the commits from which it differs only by clean merges of the base."""
    last_push_at: datetime | None
    """None if unknown; then only a review with a delivery can count."""
    plan: PlanRecord
    plans: Sequence[PlanRecord]
    """Every plan of the stack on this pull request, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTally:
    """Approvals that may count, and opinions that do not; keys are lower case.

    An approval counts if its author is an owner with write access.
    """

    approvals: Mapping[str, Account]
    not_counted: Mapping[str, str]
    """Login -> a sentence on why the last opinion is no approval of this plan."""
    ineligible: frozenset[str]
    """The logins of those who can never approve this pull request: its author and its pushers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The current rights and memberships of people on GitHub; keys are lower case."""

    writes: Mapping[str, bool]
    """Login -> whether its account has write access; one that is absent does not count."""
    members: Mapping[str, frozenset[str]]
    """`org/team` -> those of the approving logins that are active members."""
    without_access: frozenset[str] = frozenset()
    """`org/team` of those that have no write access themselves: as on GitHub, they own nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    """One required path, and who has approved it."""

    path: str
    owners: tuple[Owner, ...]
    approved_by: Account | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of the gate `codeowners`."""

    paths: tuple[PathVerdict, ...]
    ask: tuple[Owner, ...] = ()
    """Few owners whose approvals together would open the gate, as far as approvals can."""
    unapprovable: tuple[PathVerdict, ...] = ()
    """Missing paths whose owners can none of them approve."""
    not_counted: tuple[str, ...] = ()
    """Why opinions of owners of missing paths do not count: full sentences."""
    problems: tuple[LineProblem, ...] = ()
    """Lines of CODEOWNERS that do not mean what they seem to."""
    unknown_heads: tuple[UnknownHead, ...] = ()
    """Heads without a known pusher: an approval may be the pusher's own."""

    @property
    def missing(self) -> tuple[PathVerdict, ...]:
        """The paths without an approval."""
        return tuple(path for path in self.paths if path.approved_by is None)


def required_paths(owners: CodeOwners, stack: Stack, changed: Iterable[str]) -> tuple[Required, ...]:
    """Return the paths that need an approval.

    These are the stack's directory, its var file, and every changed path that has an owner.
    """
    probe = _PROBE if stack.directory == "." else f"{stack.directory}/{_PROBE}"
    directory = "./" if stack.directory == "." else f"{stack.directory}/"
    found = {directory: owners.owners(probe)}
    if stack.var_file is not None:
        found[stack.var_file] = owners.owners(stack.var_file)
    for path in changed:
        if path not in found and (of := owners.owners(path)):
            found[path] = of
    return tuple(Required(path=path, owners=of) for path, of in found.items())


def tally_reviews(submitted: SubmittedReviews) -> ReviewTally:
    """Sort the last opinion of each reviewer into those that may count and those that do not."""
    last: dict[int | str, Review] = {}
    for review in sorted(submitted.reviews, key=lambda each: (each.submitted_at, each.id)):
        if review.state in _OPINIONS:
            # A renamed account is the same reviewer, and an account that took its old name is another one.
            last[review.user.id or review.user.login.lower()] = review
    ineligible = (submitted.author, *submitted.pushers)
    approvals: dict[str, Account] = {}
    not_counted: dict[str, str] = {}
    for review in last.values():
        who, why = review.user.login.lower(), _why_not(review, submitted, ineligible)
        if why is None:
            approvals[who] = review.user
        else:
            not_counted[who] = f"@{review.user} {why}"
    logins = frozenset(account.login.lower() for account in ineligible)
    return ReviewTally(approvals=approvals, not_counted=not_counted, ineligible=logins)


def _why_not(review: Review, submitted: SubmittedReviews, ineligible: Sequence[Account]) -> str | None:
    """Return why a review does not approve the plan, None if it does."""
    if review.state != APPROVED:
        asked = review.state == "CHANGES_REQUESTED"
        return "asks for changes." if asked else "gave a review that was dismissed."
    if has_one(ineligible, review.user):
        did = "opened" if review.user.is_same(submitted.author) else "pushed to"
        return f"{did} this pull request and cannot approve it."
    if not _is_dated(review, submitted):
        return (
            "approved before the last push, and GitHub did not report which commit; they must approve again."
        )
    if _reviewed(review, submitted) not in submitted.heads:
        return "approved an older commit."
    if not counts_for(review.submitted_at, submitted.plan, submitted.plans):
        return f"has not approved since plan {submitted.plan.id} was posted."
    return None


def _is_dated(review: Review, submitted: SubmittedReviews) -> bool:
    """Whether it is certain which commit was reviewed."""
    # GitHub moves its own field only when something is pushed.
    if review.id in submitted.reported:
        return True
    return submitted.last_push_at is not None and review.submitted_at > submitted.last_push_at


def _reviewed(review: Review, submitted: SubmittedReviews) -> Sha | None:
    return submitted.reported.get(review.id, review.commit_id)


def counts_for(submitted_at: datetime, plan: PlanRecord, plans: Sequence[PlanRecord]) -> bool:
    """Whether a review of that time is about what `plan` does.

    It is about the newest plan posted before it, and every plan made since must do the same. `plans` are the stack's,
    newest first. GitHub's times are whole seconds, so a review in the same second as the plan's comment may be an earlier
    one and does not count.
    """
    for each in plans:
        if each.change_digest != plan.change_digest:
            return False
        if each.posted_at is not None and each.posted_at < submitted_at:
            return True
    return False


def decide(
    required: Sequence[Required], tally: ReviewTally, rights: Rights, problems: tuple[LineProblem, ...] = ()
) -> Verdict:
    """Find an owner's approval for each path, and whom to ask where there is none."""
    paths = tuple(
        PathVerdict(path=each.path, owners=each.owners, approved_by=_approver(each.owners, tally, rights))
        for each in required
    )
    missing = Verdict(paths=paths).missing
    return Verdict(
        paths=paths,
        unapprovable=tuple(
            path for path in missing if not any(may_be_asked(owner, tally, rights) for owner in path.owners)
        ),
        ask=_fewest(missing, tally, rights),
        not_counted=tuple(_remarks(missing, tally, rights)),
        problems=problems,
    )


def _approver(owners: Iterable[Owner], tally: ReviewTally, rights: Rights) -> Account | None:
    for owner in owners:
        for who, account in tally.approvals.items():
            if rights.writes.get(who) is True and _is(owner, who, rights):
                return account
    return None


def _is(owner: Owner, who: str, rights: Rights) -> bool:
    """Whether a login is that owner."""
    # GitHub shows an App no e-mail addresses, so an address matches no login.
    if owner.kind is OwnerKind.USER:
        return owner.key == who
    if owner.kind is not OwnerKind.TEAM or owner.key in rights.without_access:
        return False
    return who in rights.members.get(owner.key, frozenset())


def candidates(required: Iterable[Required], tally: ReviewTally) -> tuple[Login, ...]:
    """Return the users named as owners who could still approve, if they have the rights."""
    owners = {owner.key: owner for each in required for owner in each.owners}
    return tuple(
        Login(owner.written.removeprefix("@"))
        for key, owner in owners.items()
        if owner.kind is OwnerKind.USER and key not in tally.ineligible
    )


def may_be_asked(owner: Owner, tally: ReviewTally, rights: Rights) -> bool:
    """Whether an approval of that owner could count, as far as is known."""
    if owner.kind is OwnerKind.USER:
        return owner.key not in tally.ineligible and rights.writes.get(owner.key, True)
    return owner.kind is OwnerKind.TEAM and owner.key not in rights.without_access


def _fewest(missing: Sequence[PathVerdict], tally: ReviewTally, rights: Rights) -> tuple[Owner, ...]:
    """Choose owners greedily by how many missing paths each can approve; ties by order."""
    left = [
        {owner.key: owner for owner in path.owners if may_be_asked(owner, tally, rights)} for path in missing
    ]
    # A path that no owner can approve cannot be helped by asking; `unapprovable` lists it.
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


def _remarks(missing: Sequence[PathVerdict], tally: ReviewTally, rights: Rights) -> Iterable[str]:
    """Yield why an owner's opinion, which the page of the pull request shows, does not count."""
    named = {owner.key for path in missing for owner in path.owners if owner.kind is OwnerKind.USER}
    by_team = {owner.key for path in missing for owner in path.owners if owner.kind is OwnerKind.TEAM}
    for who, sentence in tally.not_counted.items():
        if who in named or by_team:
            yield sentence
    for who, account in tally.approvals.items():
        if who in named and rights.writes.get(who) is not True:
            yield f"@{account} approved without write access."
    for team in sorted(by_team & rights.without_access):
        yield f"The team @{team} has no write access to this repository, and therefore owns nothing in it."
