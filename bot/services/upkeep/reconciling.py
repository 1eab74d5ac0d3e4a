"""Find missed webhooks: GitHub does not redeliver them automatically."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

from bot.domain.core.errors import GatewrightError, GitHubError, GitHubNotFoundError, GitHubUnavailableError
from bot.domain.core.heads import RecordedHead, head_key
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha
from bot.domain.core.repositories import Listed
from bot.ports import Clock, Delivery, FailedDelivery, GitHub, Hooks, Records
from bot.services.recovery.orphaned_work import OrphanedWork
from bot.services.runs.intake import take_in

_LOG = logging.getLogger(__name__)
_REMEMBERED: Final = timedelta(days=3)
"""How long GitHub keeps deliveries."""
_MOST_REFUSALS: Final = 10
"""Maximum number of redeliveries requested, since a delivery may be refused each time."""
_MOST_REDELIVERIES: Final = 200
_MOST_REPOS: Final = 50
"""Repositories per round; each costs two requests, and one more per hundred open pull requests."""
_START: Final = timedelta(seconds=30)
"""Minimum time between two looks, so that workers that start together look once."""
_RETRY: Final = timedelta(minutes=1)


_NEVER: Final = "never-opened"
"""Id in place of the delivery that opened a pull request, if it was missed."""
_APP: Final = "app"
"""Represents a delivery about the App itself, which has no repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missed:
    """A missed event of a pull request."""

    id: DeliveryId
    action: str
    repo: str
    pull: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """Looks for missed events at start and periodically, one worker at a time; safe to repeat.

    Found events are handled like deliveries.
    """

    records: Records
    github: GitHub
    hooks: Hooks
    orphaned_work: OrphanedWork
    listed: Listed
    clock: Clock
    every: timedelta
    name: str = field(default_factory=lambda: uuid4().hex)
    """Name of this process among those that take turns."""

    async def run_forever(self) -> None:
        """Reconcile immediately and then on a schedule; retry soon after a failure."""
        duty, every = "reconcile-at-start", _START
        while True:
            pause = self.every
            try:
                if await self._has_turn(duty, every):
                    await self.look()
                    await self._end_turn(duty)
                else:
                    # The worker with the turn may die before it has reconciled.
                    pause = min(_RETRY, self.every)
                duty, every = "reconcile", self.every
            except GatewrightError as error:
                _LOG.warning("missed events could not be looked for, it is tried again soon: %s", error)
                pause = min(_RETRY, self.every)
            except Exception:  # noqa: BLE001 - the round is over, not the looking
                _LOG.exception("missed events could not be looked for; it is tried again")
            await asyncio.sleep(pause.total_seconds())

    async def look(self) -> int:
        """Request failed deliveries again, then find missed events; return how many were found."""
        await self.orphaned_work.record()
        found = await self._redeliveries()
        async with self.records.read() as reader:
            repos = await reader.delivered_among(self.listed.names, limit=_MOST_REPOS)
        for name in repos:
            try:
                found += await self._missed_in(await self.github.repository(name))
            except GitHubUnavailableError:
                raise
            except GitHubError as error:
                _LOG.info("%s is not looked at: %s", name, error)
        if found:
            _LOG.info("%d missed events were found", found)
        return found

    async def _has_turn(self, duty: str, every: timedelta) -> bool:
        async with self.records.write() as writer:
            return await writer.take_turn(duty, at=self.clock.now(), every=every, by=self.name)

    async def _end_turn(self, duty: str) -> None:
        async with self.records.write() as writer:
            await writer.end_turn(duty, at=self.clock.now(), by=self.name)

    async def _redeliveries(self) -> int:
        failed = await self.hooks.failed_deliveries(self.clock.now() - _REMEMBERED)
        newest: dict[DeliveryId, FailedDelivery] = {}
        for attempt in failed:
            newest.setdefault(attempt.guid, attempt)
        async with self.records.read() as reader:
            unknown = await reader.unknown_deliveries(list(newest))
        # The oldest first, as they happened.
        wanted = [newest[guid] for guid in reversed(newest) if guid in unknown][:_MOST_REDELIVERIES]
        return sum([await self._ask_again(attempt) for attempt in wanted])

    async def _ask_again(self, attempt: FailedDelivery) -> int:
        if attempt.refused and not await self._may_ask(attempt):
            return 0
        try:
            await self.hooks.redeliver(attempt.id)
        except GitHubUnavailableError:
            raise
        except GitHubError as error:
            _LOG.info("delivery %s is not delivered again: %s", attempt.guid, error)
            return 0
        return 1

    async def _may_ask(self, attempt: FailedDelivery) -> bool:
        key = f"redelivery:{attempt.guid}"
        async with self.records.write() as writer:
            asked = await writer.remote_id(_APP, key) or 0
            if asked >= _MOST_REFUSALS:
                return False
            await writer.set_remote_id(_APP, key, asked + 1)
        return True

    async def _missed_in(self, repo: Repo) -> int:
        pulls = await self.github.open_pulls(repo)
        async with self.records.read() as reader:
            planned = await reader.planned_heads(repo.full_name)
            locks = await reader.locks(repo=repo.full_name)
            heads = await reader.newest_heads(repo.full_name)
            known_closed = await reader.closed_pulls(repo.full_name)
        numbered = [_numbered(pull, heads.get(pull.number)) for pull in pulls if not pull.draft]
        unplanned = [pull for pull in numbered if not _is_planned(pull, planned)]
        pushed = [
            await self._take_in(_missed(repo, pull, "synchronize", head_key(pull.head_sha, pull.head_number)))
            for pull in unplanned
        ]
        # What was planned is compared with the base after a merge, whether the pull request holds something or not.
        ours = {lock.pull for lock in locks} | {number for number, _, _ in planned} | heads.keys()
        closed = ours - known_closed - {pull.number for pull in pulls}
        ended = [await self._closed(repo, number) for number in sorted(closed)]
        return sum(pushed) + sum(ended)

    async def _closed(self, repo: Repo, number: int) -> bool:
        """Handle that a pull request was closed, unless that is known."""
        async with self.records.read() as reader:
            last, action = await reader.newest_pull_event(repo.full_name, number) or (_NEVER, None)
        if action == "closed":
            return False
        try:
            pull = await self.github.pull(repo, number)
        except GitHubNotFoundError:
            return False  # It was of another repository of that name, for example.
        return not pull.is_open and await self._take_in(_missed(repo, pull, "closed", last))

    async def _take_in(self, event: _Missed) -> bool:
        delivery = Delivery(
            id=event.id,
            event="pull_request",
            action=event.action,
            repo=event.repo,
            pull=event.pull,
            payload=event.payload,
            received_at=self.clock.now(),
        )
        async with self.records.write() as writer:
            return await take_in(writer, delivery)


def _numbered(pull: PullRequest, newest: RecordedHead | None) -> PullRequest:
    """Return a pull request with the number of its head, recording it if new."""
    if pull.head_number is not None:
        return pull
    return replace(pull, head_number=1 if newest is None else newest.number + 1)


def _is_planned(pull: PullRequest, planned: AbstractSet[tuple[int, Sha, int | None]]) -> bool:
    """Whether a head was planned; older versions without numbers planned only the first."""
    about = (pull.number, pull.head_sha)
    return (*about, pull.head_number) in planned or (pull.head_number == 1 and (*about, None) in planned)


def _missed(repo: Repo, pull: PullRequest, action: str, about: str) -> _Missed:
    """Return the missed event, with an id that is the same whenever it is found."""
    return _Missed(
        id=DeliveryId(f"missed-{action}-{repo.full_name}#{pull.number}-{about}"),
        action=action,
        repo=repo.full_name,
        pull=pull.number,
        payload=_payload(pull, action),
    )


def _payload(pull: PullRequest, action: str) -> bytes:
    """Return the part of GitHub's payload that handlers need; the sender is unknown."""
    body = {
        "action": action,
        "pull_request": {
            "number": pull.number,
            "title": pull.title,
            "state": pull.state,
            "user": {"login": pull.author.login, "id": pull.author.id},
            "draft": pull.draft,
            "merged": pull.merged,
            "head": {"ref": pull.head_ref, "sha": pull.head_sha},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha},
        },
    }
    return json.dumps(body).encode()
