"""The newest comparison of every two twins is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.adapters.database import Database
from bot.domain.core.model import EnvName, ProjectName
from bot.domain.environments.parity import Verdict
from bot.ports.records.parity import Comparison
from tests.fakes.records.rows import HEAD, NOW

FIRST = Comparison(
    repo="acme/infra",
    project=ProjectName("default"),
    env=EnvName("staging"),
    twin=EnvName("prod"),
    verdict=Verdict.DIFFERS,
    differences=2,
    commit=HEAD,
    pull=7,
    compared_at=NOW,
)


async def test_a_later_comparison_takes_the_place_of_the_one_before(records: Database) -> None:
    later = replace(
        FIRST, verdict=Verdict.SAME, differences=0, pull=None, compared_at=NOW + timedelta(hours=1)
    )
    other = replace(FIRST, env=EnvName("test"), twin=EnvName("ci"))
    async with records.write() as writer:
        for each in (FIRST, other, replace(FIRST, repo="acme/other"), later):
            await writer.note_comparison(each)

    async with records.read() as reader:
        assert await reader.comparisons("acme/infra") == [later, other]
        assert await reader.comparisons("acme/none") == []
