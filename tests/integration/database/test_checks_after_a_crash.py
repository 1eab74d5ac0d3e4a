"""A process that is lost between GitHub's answer and its record creates no check a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.model import Repo
from bot.ports import Check, GitHub
from bot.services.queueing import Queueing
from tests.integration.database.builders import BASE, HEAD
from tests.integration.database.test_reverts import REPOSITORY


class LostError(Exception):
    """The process ends here."""


@dataclass
class CutOff:
    """GitHub, which creates a check although its answer is lost the first time."""

    checks: list[Check] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    is_lost: bool = True

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        del repo
        known = [one for one in self.checks if (one.name, one.external_id) == (check.name, check.external_id)]
        if not (in_doubt and check.external_id and known):
            self.checks.append(check)
        if self.is_lost:
            self.is_lost = False
            raise LostError
        return len(self.checks)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        del repo, check
        self.updated.append(check_id)


async def test_the_checks_of_a_merge_queue_are_created_once_though_the_server_is_lost(
    records: Database,
) -> None:
    # Given a merge queue's commit whose first check was created by a process that then was lost,
    github, nothing = CutOff(), cast("Any", None)
    queueing = Queueing(github=cast("GitHub", github), records=records, trees=nothing)

    async def answer() -> None:
        await queueing.answer(REPOSITORY, None, branch="main", base=BASE, head=HEAD)

    with pytest.raises(LostError):
        await answer()
    # when its successor answers, and answers again,
    await answer()
    assert [check.name for check in github.checks] == ["gatewright/plan", "gatewright/apply"]
    await answer()
    # then there is one check of each name, which is brought up to date.
    assert [check.name for check in github.checks] == ["gatewright/plan", "gatewright/apply"]
    assert len(github.updated) == 3
