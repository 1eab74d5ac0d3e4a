"""Two owners open a gate for a plan that both had before them, and for the project that they meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from bot.adapters.database import Database
from bot.context import Answer, Reply, Request
from bot.domain.commands.parser import Command
from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, Permission, ProjectName, RunId, Sha
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.plans.plan import PlanRecord
from bot.policy import load_policy
from bot.services.access.capacities import Standing
from bot.services.stacks.policies import LoadedPolicy
from handlers import preconditions
from handlers.commands import override
from tests.fakes.accounts import account, unnumbered
from tests.fakes.records.rows import NOW, REPO, STAGING, a_plan, a_run
from tests.integration.services.scene import trigger

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

    async def says(self, login: str, who: Account | None = None) -> Answer:
        line = "/override staging codeowners the site is down"
        command = Command(
            name="override",
            line=line,
            envs=(EnvName("staging"),),
            gate="codeowners",
            text="the site is down",
        )
        loaded = LoadedPolicy(policy=load_policy(self.policy), commit=Sha("9" * 40))
        asked = replace(trigger(), actor=who or account(login), correlation_id=f"{login}@{self.moment}")
        given = Request(trigger=asked, loaded=loaded, permission=Permission.WRITE, line=line, specs=())
        bot = cast("Any", self)
        request = await preconditions.prepare(override.SPEC, command, given, bot)
        if isinstance(request, Refusal):
            return request
        [answer] = await override.handle(command, request, bot)
        return answer

    async def opens(self, plan: PlanRecord) -> bool:
        async with self.records.read() as reader:
            known = await reader.overrides(repo=REPO, pull=7)
        return any(one.opens_for(plan, self.moment) for one in known)


async def test_holder_of_an_earlier_plan_opens_nothing_for_a_later(records: Database) -> None:
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


async def test_one_owner_who_renames_is_still_one(records: Database) -> None:
    owners = Owners(records)
    plan = await owners.plan("p1111111")
    await owners.says("owner")

    said = await owners.says("chief", account("chief", account("owner").id))

    assert isinstance(said, Reply)
    assert not await owners.opens(plan)
    # Who has taken the login since is a second one.
    await owners.says("owner", account("owner", 1))
    assert await owners.opens(plan)


async def test_a_recorded_request_without_id_must_be_repeated(records: Database) -> None:
    owners = Owners(records)
    plan = await owners.plan("p1111111")
    await owners.says("owner", unnumbered("owner"))

    await owners.says("owner2")

    assert not await owners.opens(plan)
    await owners.says("owner")
    assert await owners.opens(plan)


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
