"""Two owners open a gate for a plan that both had before them, and for the project that they meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from bot.adapters.database import Database
from bot.context import Answer, Request
from bot.domain.commands import Command
from bot.domain.model import EnvName, Login, Permission, ProjectName, RunId, Sha
from bot.domain.plan import PlanRecord
from bot.domain.refusals import Reason, Refusal
from bot.policy import load_policy
from bot.services.people import Standing
from bot.services.policies import LoadedPolicy
from handlers import override
from tests.integration.database.builders import NOW, REPO, STAGING, a_plan, a_run
from tests.integration.database.test_reverts import wish

MINUTE = timedelta(minutes=1)
ONE = 'version: 1\nterraform: {version: "1.11.4"}\nenvironments: {staging: {}}\n'
APP = ONE + "projects: [{name: app, dir: terraform}]\n"
TWO = ONE + "projects: [{name: app, dir: app}, {name: net, dir: net}]\n"


@dataclass
class Owners:
    """A bot of which only `/override` is asked; everybody owns everything."""

    records: Database
    policy: str = ONE
    moment: datetime = NOW

    @property
    def clock(self) -> Any:
        return self

    people = plan_comments = clock

    def now(self) -> datetime:
        return self.moment

    async def standing(self, *_: object) -> frozenset[Standing]:
        return frozenset({Standing.OWNER})

    async def refresh_judged(self, *_: object) -> None:
        """No comment is to be brought up to date."""

    async def plan(self, name: str, **changes: Any) -> PlanRecord:
        """Have a plan made now."""
        record = a_plan(name, run_id=RunId(f"run-{name}"), created_at=self.moment, **changes)
        async with self.records.write() as writer:
            await writer.add_run(a_run(f"run-{name}", stack=record.stack), self.moment)
            await writer.add_plan(record)
        return record

    async def says(self, login: str) -> Answer:
        line = "/override staging codeowners the site is down"
        command = Command(
            name="override",
            line=line,
            envs=(EnvName("staging"),),
            gate="codeowners",
            text="the site is down",
        )
        loaded = LoadedPolicy(policy=load_policy(self.policy), commit=Sha("9" * 40))
        asked = replace(wish(), actor=Login(login), correlation_id=f"{login}@{self.moment}")
        request = Request(wish=asked, loaded=loaded, held=Permission.WRITE, line=line, specs=())
        [answer] = await override.handle(command, request, cast("Any", self))
        return answer

    async def opens(self, plan: PlanRecord) -> bool:
        async with self.records.read() as reader:
            known = await reader.overrides(repo=REPO, pull=7)
        return any(one.opens_for(plan, self.moment) for one in known)


async def test_who_had_another_plan_before_them_opens_nothing_for_a_later_one(records: Database) -> None:
    owners = Owners(records)
    await owners.plan("p1111111")
    await owners.says("owner")
    owners.moment += MINUTE
    later = await owners.plan("p2222222")
    owners.moment += MINUTE

    await owners.says("owner2")

    assert not await owners.opens(later)
    # The second has asked anew by that, and the first may repeat it for what is there now.
    await owners.says("owner")
    assert await owners.opens(later)


async def test_the_only_project_is_meant_whatever_it_is_called(records: Database) -> None:
    owners = Owners(records, policy=APP)
    plan = await owners.plan("p1111111", stack=replace(STAGING, project=ProjectName("app")))

    for login in ("owner", "owner2"):
        await owners.says(login)

    assert await owners.opens(plan)


async def test_one_of_several_projects_is_named(records: Database) -> None:
    answer = await Owners(records, policy=TWO).says("owner")

    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.PROJECT
    assert answer.next_command == "/override -p app staging codeowners the site is down"
