"""What others report on a commit, as the gate `checks` reads it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.adapters.github import GitHubApp
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo, Sha
from bot.domain.gates import Outcome
from bot.playground.github.records.checks import CommitStatus
from bot.ports import Check
from tests.integration.github.conftest import REPO, MakeApp, World
from tests.integration.github.scripted import Scripted, ScriptedGitHub

SHA = Sha("a" * 40)
OURS, THEIRS = {"id": 12345}, {"id": 7}
BRANCH, RULES = "/repos/acme/infra/branches/main", "/repos/acme/infra/rules/branches/main"
AT = f"/repos/acme/infra/commits/{SHA}"


def add_status(world: World, sha: str, context: str, state: str) -> None:
    """Let another program report a commit status."""
    hub = world.github._hub
    status = CommitStatus(
        id=hub.state.large_id(),
        repo=REPO,
        sha=sha,
        state=state,
        context=context,
        creator="dev",
        created_at=hub.clock(),
    )
    hub.state.data.commit_statuses[status.id] = status


async def test_statuses_of_others_count_and_our_own_checks_do_not(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="topic", files={"a.tf": "# new\n"})
    head = Sha(world.github.pull(REPO, pull.number).head_sha)
    check = Check(name="gatewright/apply", head_sha=head, conclusion=None, title="Waits", summary="…")
    await world.app.create_check(world.repo, check)
    for context, state in (("tests", "success"), ("lint", "pending"), ("cost", "error")):
        add_status(world, head, context, state)

    told = await world.app.other_checks(world.repo, head, "main")

    assert {each.name: (each.outcome, each.state) for each in told} == {
        "tests": (Outcome.PASS, "success"),
        "lint": (Outcome.INCONCLUSIVE, "pending"),
        "cost": (Outcome.FAIL, "error"),
    }


async def test_check_that_ruleset_requires_is_missed_until_it_is_reported(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="topic", files={"a.tf": "# new\n"})
    head = Sha(world.github.pull(REPO, pull.number).head_sha)
    world.github.require_checks(REPO, "tests")
    world.github.require_checks(REPO, "scan", of_owner=True)
    add_status(world, head, "tests", "success")
    add_status(world, head, "optional", "failure")

    before = await world.app.other_checks(world.repo, head, "main")
    add_status(world, head, "scan", "success")
    after = await world.app.other_checks(world.repo, head, "main")

    assert [(each.name, each.outcome, each.state) for each in before] == [
        ("tests", Outcome.PASS, "success"),
        ("scan", Outcome.INCONCLUSIVE, "missing"),
    ]
    assert [(each.name, each.outcome) for each in after] == [("tests", Outcome.PASS), ("scan", Outcome.PASS)]


async def test_rules_are_read_to_their_last_page(world: World) -> None:
    head = Sha(await world.github.head(REPO, "main"))
    names = [f"check {number}" for number in range(60)]
    for name in names:
        world.github.require_checks(REPO, name)

    told = await world.app.other_checks(world.repo, head, "main")

    assert [each.name for each in told] == names


def a_run(
    name: str, conclusion: str | None, *, app: dict[str, int] = THEIRS, number: int = 1
) -> dict[str, Any]:
    status = "in_progress" if conclusion is None else "completed"
    return {"id": number, "name": name, "status": status, "conclusion": conclusion, "app": app}


def report(
    github: ScriptedGitHub, runs: list[dict[str, Any]], *, required: list[str], enabled: bool = True
) -> None:
    protection = {"enabled": enabled, "required_status_checks": {"contexts": required}}
    github.answer("GET", f"{AT}/check-runs", Scripted(data={"total_count": len(runs), "check_runs": runs}))
    github.answer("GET", f"{AT}/status", Scripted(data={"state": "success", "statuses": []}))
    github.answer("GET", BRANCH, Scripted(data={"protection": protection}))
    github.answer("GET", RULES, Scripted(data=[]))


def a_rule(name: str, *, app: int | None = None) -> dict[str, Any]:
    check = {"context": name} | ({} if app is None else {"integration_id": app})
    return {"type": "required_status_checks", "parameters": {"required_status_checks": [check]}}


async def test_only_required_checks_count_where_the_branch_names_some(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    runs = [
        a_run("tests", "success"),
        a_run("optional", "failure"),
        a_run("gatewright/plan", "failure", app=OURS),
    ]
    report(scripted, runs, required=["tests", "deploy preview", "gatewright/plan"])

    told = await app.other_checks(repo, SHA, "main")

    assert [(each.name, each.outcome, each.state) for each in told] == [
        ("tests", Outcome.PASS, "success"),
        ("deploy preview", Outcome.INCONCLUSIVE, "missing"),
    ]


@pytest.mark.parametrize(
    ("conclusion", "outcome"),
    [
        ("success", Outcome.PASS),
        ("neutral", Outcome.PASS),
        ("skipped", Outcome.PASS),
        ("failure", Outcome.FAIL),
        ("cancelled", Outcome.FAIL),
        ("timed_out", Outcome.FAIL),
        ("action_required", Outcome.FAIL),
        (None, Outcome.INCONCLUSIVE),
    ],
)
async def test_a_check_run_counts_by_its_conclusion(
    scripted: ScriptedGitHub,
    app: GitHubApp,
    repo: Repo,
    conclusion: str | None,
    outcome: Outcome,
) -> None:
    report(scripted, [a_run("tests", conclusion)], required=[], enabled=False)

    [told] = await app.other_checks(repo, SHA, "main")

    assert (told.name, told.outcome) == ("tests", outcome)


async def test_what_cannot_be_read_is_error_and_not_empty_list(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    report(scripted, [], required=[])
    scripted.answer("GET", f"{AT}/status", Scripted(status=403, data={"message": "Resource not accessible"}))

    with pytest.raises(GitHubError, match="reading the statuses of aaaaaaa"):
        await app.other_checks(repo, SHA, "main")


async def test_what_protection_and_what_the_rules_require_is_missed_alike(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    report(scripted, [a_run("tests", "success")], required=["tests", "deploy preview"])
    scripted.answer("GET", RULES, Scripted(data=[{"type": "deletion"}, a_rule("tests"), a_rule("scan")]))

    told = await app.other_checks(repo, SHA, "main")

    assert [(each.name, each.state) for each in told] == [
        ("tests", "success"),
        ("deploy preview", "missing"),
        ("scan", "missing"),
    ]


async def test_check_bound_to_an_app_is_not_opened_by_another(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    report(scripted, [a_run("tests", "success"), a_run("scan", "success")], required=[])
    avatars = {
        "preview": "https://avatars.example.org/in/9?v=4",
        "costs": "https://avatars.example.org/u/9?v=4",
    }
    statuses = [
        {"context": name, "state": "success", "avatar_url": avatar} for name, avatar in avatars.items()
    ]
    checks = [{"context": "tests", "app_id": 7}, {"context": "any", "app_id": None}]
    protection = {"contexts": ["tests", "any"], "checks": checks}
    rules = [a_rule("scan", app=9), a_rule("preview", app=9), a_rule("costs", app=9)]
    scripted.answer("GET", f"{AT}/status", Scripted(data={"state": "success", "statuses": statuses}))
    scripted.answer(
        "GET", BRANCH, Scripted(data={"protection": {"enabled": True, "required_status_checks": protection}})
    )
    scripted.answer("GET", RULES, Scripted(data=rules))

    told = await app.other_checks(repo, SHA, "main")

    assert [(each.name, each.outcome, each.state) for each in told] == [
        ("tests", Outcome.PASS, "success"),
        ("any", Outcome.INCONCLUSIVE, "missing"),
        ("scan", Outcome.INCONCLUSIVE, "only_by_others"),
        ("preview", Outcome.PASS, "success"),
        ("costs", Outcome.INCONCLUSIVE, "only_by_others"),
    ]


async def test_newest_run_of_an_app_counts_in_any_listing_order(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    runs = [a_run("tests", "success", number=3), a_run("tests", "failure", number=2)]
    report(scripted, runs, required=["tests"])

    [told] = await app.other_checks(repo, SHA, "main")

    assert told.outcome is Outcome.PASS


NO_SUCH_THING = Scripted(status=404, data={"message": "Not Found"})
NOT_IN_THE_PLAN = Scripted(
    status=403,
    data={"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."},
)


@pytest.mark.parametrize(
    ("answer", "enterprise_server"),
    [
        pytest.param(NO_SUCH_THING, True, id="a server older than rulesets"),
        pytest.param(NOT_IN_THE_PLAN, False, id="a plan without rulesets"),
    ],
)
async def test_where_there_can_be_no_rulesets_the_protection_alone_counts(
    scripted: ScriptedGitHub, make_app: MakeApp, repo: Repo, answer: Scripted, *, enterprise_server: bool
) -> None:
    app = make_app(base_url=scripted.api_url if enterprise_server else scripted.url)
    report(scripted, [a_run("tests", "success")], required=["tests"])
    scripted.answer("GET", RULES, answer)

    told = await app.other_checks(repo, SHA, "main")

    assert [(each.name, each.outcome) for each in told] == [("tests", Outcome.PASS)]


@pytest.mark.parametrize(
    ("answer", "enterprise_server"),
    [
        pytest.param(NO_SUCH_THING, False, id="github.com has them"),
        pytest.param(
            Scripted(status=403, data={"message": "Resource not accessible"}), True, id="not allowed"
        ),
        pytest.param(Scripted(status=502, data={"message": "Bad gateway"}), True, id="away"),
        pytest.param(Scripted(data={"message": "moved"}), True, id="not a list"),
        pytest.param(Scripted(data=[{"type": "required_status_checks"}]), True, id="a rule without names"),
    ],
)
async def test_rules_that_cannot_be_read_are_not_no_rules(
    scripted: ScriptedGitHub, make_app: MakeApp, repo: Repo, answer: Scripted, *, enterprise_server: bool
) -> None:
    app = make_app(base_url=scripted.api_url if enterprise_server else scripted.url)
    report(scripted, [a_run("tests", "success")], required=["tests"])
    scripted.answer("GET", RULES, answer)

    with pytest.raises(GitHubError, match="reading the rules of main of acme/infra"):
        await app.other_checks(repo, SHA, "main")


async def test_the_rules_cost_one_request_beside_that_for_the_branch(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    gate = asyncio.Event()
    report(scripted, [a_run("tests", "success")], required=["tests"])
    scripted.answer("GET", RULES, Scripted(data=[a_rule("tests")]))
    for path in (BRANCH, RULES):
        scripted.hold(path, gate)

    asked = asyncio.create_task(app.other_checks(repo, SHA, "main"))
    await scripted.arrived(2)
    gate.set()
    [told] = await asked

    assert told.outcome is Outcome.PASS
    assert [len(scripted.calls("GET", path)) for path in (BRANCH, RULES)] == [1, 1]
