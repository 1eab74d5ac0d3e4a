from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from inline_snapshot import snapshot

from bot.comments.answers.status import ActiveRun, LastApply, StatusRow, StatusView, status_comment
from bot.comments.markdown.budget import LIMIT
from bot.domain.core.model import PlanStatus, RunKind, RunStatus
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD, NOON
from tests.unit.comments.samples import RUN_URL, run

NOW = NOON + timedelta(minutes=90)


def view(*rows: StatusRow) -> StatusView:
    return StatusView(pull=7, head_sha=HEAD, now=NOW, rows=rows)


def test_every_stack_has_row_and_what_is_possible_is_offered() -> None:
    ready = StatusRow(
        stack=builders.stack(),
        plan=builders.plan(),
        lock=builders.lock(),
        last_apply=LastApply(actor=account("bob"), at=NOON - timedelta(days=3), commit=HEAD, serial=4),
    )
    held = StatusRow(
        stack=builders.stack("prod"),
        plan=builders.plan(status=PlanStatus.NO_CHANGES),
        lock=builders.lock(pull=12),
    )
    unplanned = StatusRow(stack=builders.stack("ci"))

    assert status_comment(replace(view(ready, held, unplanned), reference="delivery-1")) == snapshot("""\
<!-- gatewright {"kind": "status", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ref": "delivery-1"} -->
### Status at 2026-03-04T13:30Z, commit `aaaaaaa`

| Stack | Newest plan | Held by | Last apply |
| --- | --- | --- | --- |
| staging | `pabcdefg` planned, `aaaaaaa`, 1 h ago | this pull request (`dev`, 1 h ago) | `aaaaaaa` by `bob`, 3 days ago, serial 4 |
| prod | `pabcdefg` no changes, `aaaaaaa`, 1 h ago | pull request 12 (`dev`, 1 h ago) | never |
| ci | none | free | never |

**Next**
- To apply the plan of staging, comment `/apply staging`.
""")


def test_while_something_runs_waiting_is_the_next_step() -> None:
    working = run(kind=RunKind.PLAN, status=RunStatus.RUNNING, finished_at=None)
    queued = run(status=RunStatus.QUEUED, started_at=None, finished_at=None)
    row = StatusRow(stack=builders.stack(), plan=builders.plan())

    body = status_comment(
        replace(view(row), active=(ActiveRun(run=working, url=RUN_URL), ActiveRun(run=queued)))
    )

    assert body.split("\n\n", 2)[2] == snapshot("""\
**At work**
- plan of staging: running, [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>), 1 h ago
- apply of staging: queued, run `r123456789abcdef`, 1 h ago

**Next**
- When the runs have ended, to look again, comment `/status`.
""")


def test_an_old_plan_is_not_offered_to_be_applied() -> None:
    expired = StatusRow(stack=builders.stack(), plan=builders.plan(expires_at=NOON))
    of_another_commit = StatusRow(stack=builders.stack("ci"), plan=builders.plan(head_sha="c" * 40))
    held = StatusRow(stack=builders.stack("prod"), plan=builders.plan(), lock=builders.lock(pull=12))

    body = status_comment(view(expired, of_another_commit, held))

    assert "planned, expired" in body
    assert "/apply" not in body
    assert body.endswith("comment `/plan`.\n")


def test_where_everything_is_applied_nothing_is_told_to_be_planned() -> None:
    applied = StatusRow(stack=builders.stack(), plan=builders.plan(status=PlanStatus.APPLIED))

    body = status_comment(view(applied, StatusRow(stack=builders.stack("ci"))))

    assert body.endswith("**Next**\n- Nothing is left to apply; to re-plan, comment `/plan`.\n")


def test_a_pull_request_without_stacks() -> None:
    assert "has no stack" in status_comment(view())


def test_thousands_of_stacks_fit() -> None:
    rows = [StatusRow(stack=builders.stack(f"environment-{n}"), plan=builders.plan()) for n in range(3000)]

    body = status_comment(view(*rows))

    assert len(body.encode()) <= LIMIT
    assert "table rows._" in body
    assert "**Next**\n- " in body
