"""The part of GitHub that keeps check runs, and the services that write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

from bot.adapters.database import Database
from bot.domain.core.model import PullRequest, Repo
from bot.ports import Check, GitHub
from bot.services.reporting.check_runs import CheckRuns
from bot.services.reporting.check_turns import CheckTurns
from bot.services.reporting.head_checks import Checks
from bot.services.runs.links import Links
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import HEAD

LINKS = Links(origin="https://bot.example")


@dataclass
class ShownChecks:
    """Check runs as GitHub keeps them: one that is completed does not go back, nor does it end in another way."""

    runs: list[Check] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    pull_request: PullRequest = field(default_factory=lambda: builders.pull(head_sha=HEAD))
    on_created: Callable[[], None] | None = None

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        del repo
        self.requests.append(f"create {check.name}")
        known = [
            number
            for number, one in enumerate(self.runs, 1)
            if (one.name, one.external_id) == (check.name, check.external_id)
        ]
        if in_doubt and known:
            return known[-1]
        self.runs.append(check)
        if self.on_created is not None:
            self.on_created()
        return len(self.runs)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> bool:
        del repo
        self.requests.append(f"update {check.name}")
        before = self.runs[check_id - 1]
        shown = check if before.conclusion is None else replace(check, conclusion=before.conclusion)
        self.runs[check_id - 1] = replace(shown, external_id=before.external_id)
        return shown.conclusion == check.conclusion

    async def known_repository(self, full_name: str) -> Repo:
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=1)

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        del repo
        return replace(self.pull_request, number=number)

    def newest(self, name: str) -> Check:
        """Return the check run that people see."""
        return [run for run in self.runs if run.name == name][-1]

    def state(self, name: str) -> str:
        """Return how the check run that people see ended, or what it waits for."""
        run = self.newest(name)
        return run.conclusion or ("queued" if run.is_waiting else "in_progress")


def check_runs(github: object, records: Database, clock: HandClock | None = None) -> CheckRuns:
    clock = clock or HandClock()
    turns = CheckTurns(records=records, clock=clock, is_shared=records.is_shared)
    return CheckRuns(github=cast("GitHub", github), records=records, clock=clock, turns=turns)


def checks(github: object, records: Database, clock: HandClock | None = None) -> Checks:
    return Checks(records=records, runs=check_runs(github, records, clock), links=LINKS)
