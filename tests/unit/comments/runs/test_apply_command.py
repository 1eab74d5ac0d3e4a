"""The comment of an `/apply` of several projects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.comments.runs.apply_command import apply_command_comment
from bot.comments.runs.report import RunView
from bot.domain.core.model import ProjectName, RunId, RunStatus
from tests.fakes.records import builders
from tests.unit.comments.samples import RUN_URL, run

NET, APP, WEB = (replace(builders.stack(), project=ProjectName(name)) for name in ("net", "app", "web"))


def view(stack: Any, status: RunStatus, **detail: Any) -> RunView:
    """Return the run of one project."""
    made = run(id=RunId(f"r{stack.project}"), stack=stack, status=status, detail=detail)
    return RunView(run=made, run_url=RUN_URL, plan=builders.plan(stack=stack))


def statuses(body: str) -> list[tuple[str, str]]:
    return [(each["project"], each["status"]) for each in (parse_header(body) or {})["stacks"]]


def test_projects_that_are_all_applied_share_a_comment() -> None:
    body = apply_command_comment([view(NET, RunStatus.SUCCEEDED), view(APP, RunStatus.SUCCEEDED)])

    assert statuses(body) == [("net", "applied"), ("app", "applied")]
    assert (parse_header(body) or {})["status"] == "applied"
    assert "### ✅ staging: 2 projects applied\n" in body
    assert "| staging (net) | ✅ 1 added | 1 min 12 s | [log](<https://" in body


def test_first_failure_is_open_and_the_rest_is_skipped() -> None:
    skipped = view(WEB, RunStatus.CANCELED, problem="skipped", because_of="rapp")

    body = apply_command_comment(
        [
            view(NET, RunStatus.SUCCEEDED),
            view(APP, RunStatus.FAILED, exit_code=1, changed=False, log_tail="Error: no such bucket"),
            skipped,
        ]
    )

    assert (parse_header(body) or {})["status"] == "failed"
    assert "### ❌ staging: 1 of 3 projects applied, stopped at staging (app)\n" in body
    assert "| staging (web) | ⏭️ not applied |" in body
    assert body.index("<details open><summary>❌ staging (app)") < body.index(
        "<details><summary>✅ staging (net)"
    )
    assert "Error: no such bucket" in body
    assert "`/apply staging`" in body


def test_projects_that_are_applied_now_lead_to_their_logs() -> None:
    waiting = view(WEB, RunStatus.QUEUED)

    body = apply_command_comment([view(NET, RunStatus.SUCCEEDED), view(APP, RunStatus.RUNNING), waiting])

    assert (parse_header(body) or {})["status"] == "applying"
    assert "### ⏳ staging: applying, 1 of 3 projects applied\n" in body
    assert "| staging (app) | ⏳ applying |" in body
    assert body.count("[log](<") == 3


def test_two_hundred_projects_fit_with_every_row_and_failure() -> None:
    stacks = [replace(builders.stack(), project=ProjectName(f"part{number}")) for number in range(200)]
    detail = {"exit_code": 1, "log_tail": "Error: it is broken\n" * 2000}
    views = [view(stack, RunStatus.SUCCEEDED, outputs={"url": "x" * 200}) for stack in stacks[:-1]]

    body = apply_command_comment([*views, view(stacks[-1], RunStatus.FAILED, **detail)])

    assert len(body.encode()) <= LIMIT
    assert body.count("| staging (part") == 200
    assert "Error: it is broken" in body
