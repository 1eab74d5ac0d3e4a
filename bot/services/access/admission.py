"""Which repositories are served: those that the operator lists, bound to GitHub's id."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import NotServedError
from bot.domain.core.model import FailureClass, Run, RunStatus
from bot.domain.core.repositories import (
    OTHER_ID,
    Listed,
    TurnedAway,
    judge,
    still_turned_away,
    turned_away_sentence,
)
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import Clock, Records
from bot.ports.records.repositories import RepositoryWriter

_LOG = logging.getLogger(__name__)
_LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The repository of a delivery, and the account that caused it."""

    full_name: str
    id: int
    login: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Decides for deliveries, tokens, schedules and runs whether a repository is served."""

    listed: Listed
    records: Records
    clock: Clock

    def serves(self, full_name: str) -> bool:
        """Whether a repository of this name is listed."""
        return self.listed.serves(full_name)

    async def receive(self, writer: RepositoryWriter, sender: Sender) -> str | None:
        """Return why a delivery is ignored, None if accepted; the first one binds the name to an id."""
        entry, bound = self.listed.find(sender.full_name), await writer.repository_id(sender.full_name)
        why = judge(entry, bound, sender.id)
        if why is None:
            if bound != sender.id:
                await writer.bind_repository(sender.full_name, sender.id, self.clock.now())
            return None
        now = self.clock.now()
        one = TurnedAway(
            full_name=sender.full_name,
            id=sender.id,
            why=why,
            deliveries=1,
            sender=sender.login,
            last_at=now,
        )
        is_first = await writer.turn_away(one.full_name, one.id, why=why, sender=one.sender, at=now)
        # Anyone may install a public App, so each repository is logged as a warning only once.
        _LOG.log(logging.WARNING if is_first else logging.DEBUG, "%s", turned_away_sentence(one))
        return why

    async def admits(self, full_name: str, id: int | None) -> bool:
        """Whether an accepted delivery may still be handled."""
        async with self.records.read() as reader:
            bound = await reader.repository_id(full_name)
        entry = self.listed.find(full_name)
        return judge(entry, bound, id) is None if id is not None else entry is not None

    def require(self, owner: str, name: str | None) -> None:
        """Raise NotServedError for an unlisted repository, and for an account without listed ones."""
        listed = self.listed.has_owner(owner) if name is None else self.serves(f"{owner}/{name}")
        if not listed:
            what = f"no repository of {owner}" if name is None else f"{owner}/{name}"
            raise NotServedError(
                f"{what} is {'' if name is None else 'not '}listed in GATEWRIGHT_REPOSITORIES"
            )

    async def id_of(self, owner: str, name: str) -> int | None:
        """Return the id that the list or the first delivery has bound a name to, else None."""
        entry = self.listed.find(f"{owner}/{name}")
        if entry is not None and entry.id is not None:
            return entry.id
        async with self.records.read() as reader:
            return await reader.repository_id(f"{owner}/{name}")

    async def replaced(self) -> int:
        """Return how many repositories with listed names were recently ignored because of their id."""
        async with self.records.read() as reader:
            found = await reader.turned_away()
        since = self.clock.now() - _LATELY
        return sum(
            one.why == OTHER_ID and one.last_at >= since and still_turned_away(self.listed, one)
            for one in found
        )

    async def give_up(self, run: Run) -> bool:
        """End a run of a repository that is no longer listed, unless its change has started.

        Returns whether the run must not be executed.
        """
        if self.serves(run.stack.repo):
            return False
        async with self.records.write() as writer:
            now = await writer.run(run.id)
            # What has begun a change is explained first, which asks nothing of GitHub.
            if now is None or now.intent_at is not None:
                return False
            if now.status not in TERMINAL:
                why = f"{run.stack.repo} is not listed in GATEWRIGHT_REPOSITORIES any more"
                await writer.set_result(run.id, summary=why, detail={"started": False})
                await writer.move_run(
                    run.id,
                    RunStatus.CANCELED,
                    at=self.clock.now(),
                    actor=SELF,
                    why=why,
                    failure_class=FailureClass.CANCELED,
                )
        return True

    def is_silent(self, run: Run) -> bool:
        """Whether nothing about a run may be reported on GitHub."""
        return not self.serves(run.stack.repo)
