"""What others report on a commit, as the gate `checks` reads it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.github import GitHubApp
from bot.domain.errors import GitHubError
from bot.domain.gates import Outcome
from bot.domain.model import Repo, Sha
from bot.playground.github.model_checks import CommitStatus
from bot.ports import Check
from tests.integration.github.conftest import REPO, World
from tests.integration.github.scripted import Scripted, ScriptedGitHub

SHA = Sha("a" * 40)
OURS, THEIRS = {"id": 12345}, {"id": 7}
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


def a_run(name: str, conclusion: str | None, *, app: dict[str, int] = THEIRS) -> dict[str, Any]:
    status = "in_progress" if conclusion is None else "completed"
    return {"id": 1, "name": name, "status": status, "conclusion": conclusion, "app": app}


def report(
    github: ScriptedGitHub, runs: list[dict[str, Any]], *, required: list[str], enabled: bool = True
) -> None:
    protection = {"enabled": enabled, "required_status_checks": {"contexts": required}}
    github.answer("GET", f"{AT}/check-runs", Scripted(data={"total_count": len(runs), "check_runs": runs}))
    github.answer("GET", f"{AT}/status", Scripted(data={"state": "success", "statuses": []}))
    github.answer("GET", "/repos/acme/infra/branches/main", Scripted(data={"protection": protection}))


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


async def test_what_cannot_be_read_is_an_error_and_not_an_empty_list(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    report(scripted, [], required=[])
    scripted.answer("GET", f"{AT}/status", Scripted(status=403, data={"message": "Resource not accessible"}))

    with pytest.raises(GitHubError, match="reading the statuses of aaaaaaa"):
        await app.other_checks(repo, SHA, "main")
