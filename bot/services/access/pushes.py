"""Who pushed which commit: from deliveries, or else from the repository's activity."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.domain.core.accounts import GHOST, Account
from bot.domain.core.errors import GitHubError, GitHubUnavailableError
from bot.domain.core.model import PullRequest, Repo, Sha
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import NO_COMMIT, Lineage, Push, Pushed, Pushes, who_pushed
from bot.event_parts import Tip
from bot.events import Payload, PullRequestPayload, PushPayload, ReviewPayload
from bot.ports import Clock, Delivery, GitHub, Records
from bot.ports.lineages import Lineages
from bot.ports.pushers import PusherWriter

_BRANCHES: Final = "refs/heads/"
_OPINIONS: Final = frozenset({"APPROVED", "CHANGES_REQUESTED"})
_MOST_PAGES: Final = 5
"""Pages of branch activity to read, 100 moves each."""
_READ_AGAIN: Final = timedelta(minutes=10)
"""How long to wait before looking up an unnamed head again."""
_MOST_EARLIER: Final = 200
"""Maximum number of earlier tips looked up in git."""
_REMEMBERED: Final = 64
_NOT_TO_BE_READ: Final = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The head branch of a pull request, as in `Push`."""

    ref: str
    in_fork: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushHistory:
    """The known pushes of a pull request, and git's facts about its commits."""

    pushed: Pushed
    lineage: Lineage


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecords:
    """Records pushes and reviews; reads missing ones from GitHub only if a gate needs them."""

    records: Records
    github: GitHub
    history: Lineages
    clock: Clock
    _known: OrderedDict[tuple[object, ...], Lineage] = field(default_factory=OrderedDict)

    async def record(self, delivery: Delivery, payload: Payload) -> None:
        """Record the pushes and heads that a delivery reports, in a few rows and without requests."""
        if delivery.repo is None:
            return
        if isinstance(payload, PushPayload):
            push = _of_push(payload, delivery.received_at)
            if push is not None:
                async with self.records.write() as writer:
                    await writer.add_push(delivery.repo, push, source="push")
        elif isinstance(payload, PullRequestPayload):
            async with self.records.write() as writer:
                await _record_pull(writer, delivery, payload)

    async def record_review(self, delivery: Delivery, payload: Payload) -> None:
        """Record the commit of a submitted review: GitHub's own field changes after force-pushes."""
        if delivery.repo is None or delivery.pull is None or not isinstance(payload, ReviewPayload):
            return
        given, state = payload.review, payload.review.state.upper()
        if delivery.action != "submitted" or given.commit_id is None or state not in _OPINIONS:
            return
        review = Review(
            id=given.id,
            user=GHOST if given.user is None else given.user.account,
            state=state,
            commit_id=Sha(given.commit_id),
            submitted_at=given.submitted_at or delivery.received_at,
        )
        async with self.records.write() as writer:
            await writer.add_review(delivery.repo, delivery.pull, review)

    async def of(
        self, repo: Repo, pull: PullRequest, *, base: Sha, head: Sha, trusted: Iterable[str]
    ) -> PushHistory:
        """Return who pushed the commits of `head`; the mirror must be up to date.

        Heads without a delivery are looked up in the activity, once each for a while. Raises WorkspaceError,
        GitHubError.
        """
        branch = branch_of(pull)
        own = (await self.github.own_login()).lower()
        vouched = frozenset({own, *(login.lower() for login in trusted)})
        found = await self._judge(repo, pull, branch, base=base, head=head, trusted=vouched)
        missing = [each.sha for each in found.pushed.unknown if each.bot is None]
        if missing and not branch.in_fork and await self._read_activity(repo, branch.ref, missing):
            found = await self._judge(repo, pull, branch, base=base, head=head, trusted=vouched)
        return found

    async def last_moved(self, repo: Repo, pull: PullRequest, found: PushHistory) -> datetime | None:
        """Return when the branch was last moved, None if unknown; costs a request.

        Records alone are not enough: a repeated move is recorded once, and a move between known heads that
        was not reported is not recorded at all. Raises GitHubError.
        """
        branch = branch_of(pull)
        moves = [] if branch.in_fork else await self._activity(repo, branch.ref, pages=1)
        async with self.records.read() as reader:
            head = await reader.head(repo.full_name, pull.number)
        times = [move.at for move in moves]
        if found.pushed.last_at is not None:
            times.append(found.pushed.last_at)
        # A first head may be recorded long after its push; a later head is recorded when it replaces another.
        if head is not None and head.number > 1:
            times.append(head.recorded_at)
        return max(times, default=None)

    async def _judge(
        self, repo: Repo, pull: PullRequest, branch: Branch, *, base: Sha, head: Sha, trusted: frozenset[str]
    ) -> PushHistory:
        async with self.records.read() as reader:
            seen = await reader.seen_heads(repo.full_name, pull.number)
            numbered = await reader.heads(repo.full_name, pull.number)
            own = await reader.pushes(repo.full_name, ref=branch.ref, commits=())
        heads = seen | {pull.head_sha, *(each.head_sha for each in numbered)}
        lineage = await self._lineage(repo, base=base, head=head, heads=[*sorted(heads), *_befores(own)])
        commits = sorted(lineage.commits | heads | set(_befores(own)))
        async with self.records.read() as reader:
            pushes = await reader.pushes(repo.full_name, ref=branch.ref, commits=commits)
        question = Pushes(
            lineage=lineage,
            heads=heads,
            pushes=pushes,
            ref=branch.ref,
            trusted=trusted,
            in_fork=branch.in_fork,
        )
        return PushHistory(pushed=who_pushed(question), lineage=lineage)

    async def _lineage(self, repo: Repo, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
        asked = tuple(dict.fromkeys(heads))
        key = (repo.full_name, base, head, frozenset(asked))
        if key not in self._known:
            self._known[key] = await self.history.lineage(repo, base=base, head=head, heads=asked)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    async def _read_activity(self, repo: Repo, ref: str, missing: Sequence[Sha]) -> bool:
        """Record the activity of a branch; return whether it was requested."""
        now = self.clock.now()
        async with self.records.read() as reader:
            read = await reader.activity_reads(repo.full_name, missing)
        if all(head in read and now - read[head] < _READ_AGAIN for head in missing):
            return False
        moves = await self._activity(repo, ref, pages=_MOST_PAGES)
        async with self.records.write() as writer:
            for move in moves:
                await writer.add_push(repo.full_name, move, source="activity")
            await writer.read_activity(repo.full_name, missing, now)
        return True

    async def _activity(self, repo: Repo, ref: str, *, pages: int) -> list[Push]:
        """Return the newest moves.

        All pages are read, since an earlier push of the same head may be on a later page.
        """
        moves, cursor = list[Push](), None
        for _ in range(pages):
            try:
                page = await self.github.activity(repo, ref, cursor=cursor)
            except GitHubError as error:
                # Without this list the pusher is unknown: the gate names the head and can be overridden. Temporary
                # errors are raised.
                if isinstance(error, GitHubUnavailableError) or error.status not in _NOT_TO_BE_READ:
                    raise
                break
            moves += page.pushes
            cursor = page.cursor
            if cursor is None:
                break
        return moves


def branch_of(pull: PullRequest) -> Branch:
    """Return the head branch of a pull request."""
    if pull.is_fork or pull.head_repo is None:
        return Branch(ref=f"refs/pull/{pull.number}/head", in_fork=True)
    return Branch(ref=f"{_BRANCHES}{pull.head_ref}", in_fork=False)


def barred_people(
    found: PushHistory, committers: Iterable[tuple[Sha, frozenset[Account]]], older: Iterable[Account]
) -> tuple[Account, ...]:
    """Return who may not approve: authors, committers and pushers.

    Clean merges of the base are ignored.
    """
    written = [
        account
        for commit, people in committers
        if commit not in found.lineage.clean_merges
        for account in people
    ]
    return tuple(dict.fromkeys([*found.pushed.pushers, *written, *older]))


def _befores(pushes: Sequence[Push]) -> list[Sha]:
    found = dict.fromkeys(push.before for push in reversed(pushes) if push.before != NO_COMMIT)
    return list(found)[:_MOST_EARLIER]


def _of_push(payload: PushPayload, at: datetime) -> Push | None:
    if payload.deleted or payload.sender is None or not payload.ref.startswith(_BRANCHES):
        return None
    return Push(
        ref=payload.ref,
        before=Sha(payload.before),
        after=Sha(payload.after),
        sender=payload.sender.account,
        at=at,
    )


async def _record_pull(writer: PusherWriter, delivery: Delivery, payload: PullRequestPayload) -> None:
    """Record the push of a pull request's delivery.

    Only `synchronize` names the pusher; a pull request may be opened by another account, such as a workflow's
    bot.
    """
    repo, pull = str(delivery.repo), payload.pull_request
    await writer.see_head(repo, pull.number, Sha(pull.head.sha))
    if payload.action != "synchronize" or payload.sender is None or payload.before is None:
        return
    before, after = Sha(payload.before), Sha(payload.after or pull.head.sha)
    for head in (before, after):
        await writer.see_head(repo, pull.number, head)
    push = Push(
        ref=_ref(repo, pull.number, pull.head),
        before=before,
        after=after,
        sender=payload.sender.account,
        at=delivery.received_at,
    )
    await writer.add_push(repo, push, source="pull_request")


def _ref(repo: str, number: int, head: Tip) -> str:
    if head.repo is None or head.repo.full_name.lower() != repo.lower():
        return f"refs/pull/{number}/head"
    return f"{_BRANCHES}{head.ref}"
