"""Finding what GitHub told while nobody listened: GitHub itself never delivers a webhook a second time."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.errors import GatewrightError, GitHubError, GitHubUnavailableError
from bot.domain.model import DeliveryId, PullRequest, Repo
from bot.domain.repositories import Listed
from bot.ports import Clock, Delivery, FailedDelivery, GitHub, Hooks, Records
from bot.services.intake import take_in
from bot.services.strays import Strays

_LOG = logging.getLogger(__name__)
_REMEMBERED: Final = timedelta(days=3)
"""How long GitHub keeps deliveries."""
_MOST_REFUSALS: Final = 10
"""A delivery that this server refuses, signed with another secret for example, is not asked for for ever."""
_MOST_REDELIVERIES: Final = 200
_MOST_REPOS: Final = 50
"""Per round; each costs two calls and one for every hundred open pull requests."""
_START: Final = timedelta(seconds=30)
"""Workers that start together look once."""
_RETRY: Final = timedelta(minutes=1)


_APP: Final = "app"
"""Stands for a repository where something is about the App itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missed:
    """An event of a pull request that never came."""

    id: DeliveryId
    action: str
    repo: str
    pull: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """Looks at the start and then again and again, one worker at a time; every part of it may be repeated.

    What it finds goes the same way as if GitHub had delivered it just now.
    """

    records: Records
    github: GitHub
    hooks: Hooks
    strays: Strays
    listed: Listed
    clock: Clock
    every: timedelta

    async def run_for_ever(self) -> None:
        """Look at once and then on a schedule; a round that fails is repeated soon."""
        duty, every = "reconcile-at-start", _START
        while True:
            pause = self.every
            try:
                if await self._has_turn(duty, every):
                    await self.look()
                duty, every = "reconcile", self.every
            except GatewrightError as error:
                _LOG.warning("missed events could not be looked for, it is tried again soon: %s", error)
                pause = min(_RETRY, self.every)
            except Exception:  # noqa: BLE001 - the round is over, not the looking
                _LOG.exception("missed events could not be looked for; it is tried again")
            await asyncio.sleep(pause.total_seconds())

    async def look(self) -> int:
        """Ask for what could not be delivered, then for what is still missing; returns how much was found."""
        await self.strays.record()
        found = await self._redeliveries()
        async with self.records.read() as reader:
            repos = await reader.heard_among(self.listed.names, limit=_MOST_REPOS)
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
            return await writer.take_turn(duty, at=self.clock.now(), every=every)

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
        unplanned = [pull for pull in pulls if not pull.draft and (pull.number, pull.head_sha) not in planned]
        pushed = [
            await self._take_in(_missed(repo, pull, "synchronize", pull.head_sha)) for pull in unplanned
        ]
        closed = {lock.pull for lock in locks} - {pull.number for pull in pulls}
        ended = [await self._closed(repo, number) for number in sorted(closed)]
        return sum(pushed) + sum(ended)

    async def _closed(self, repo: Repo, number: int) -> bool:
        """Take in that a pull request which still holds something was closed, unless that is known."""
        async with self.records.read() as reader:
            last = await reader.newest_pull_event(repo.full_name, number)
        if last is None or last[1] == "closed":
            return False
        pull = await self.github.pull(repo, number)
        return not pull.is_open and await self._take_in(_missed(repo, pull, "closed", last[0]))

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


def _missed(repo: Repo, pull: PullRequest, action: str, about: str) -> _Missed:
    """Return the event that should have come, under an id that is the same whenever it is found."""
    return _Missed(
        id=DeliveryId(f"missed-{action}-{repo.full_name}#{pull.number}-{about}"),
        action=action,
        repo=repo.full_name,
        pull=pull.number,
        payload=_payload(pull, action),
    )


def _payload(pull: PullRequest, action: str) -> bytes:
    """Return as much of GitHub's payload as handlers need; who did it is not known."""
    body = {
        "action": action,
        "pull_request": {
            "number": pull.number,
            "title": pull.title,
            "state": pull.state,
            "user": {"login": pull.author},
            "draft": pull.draft,
            "merged": pull.merged,
            "head": {"ref": pull.head_ref, "sha": pull.head_sha},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha},
        },
    }
    return json.dumps(body).encode()
