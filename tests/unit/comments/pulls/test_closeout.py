from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from bot.comments.pulls.closeout import CloseoutRow, CloseoutView, closeout_comment
from bot.domain.core.model import EnvName, PlanStatus, ProjectName, Run, RunId, RunKind, RunStatus
from bot.domain.gates.overrides import Override
from tests.fakes.accounts import account
from tests.fakes.records import builders


def sync(**changes: Any) -> Run:
    made: dict[str, Any] = {"kind": RunKind.SYNC, "summary": "1 to add.", "detail": {"sync": "pending"}}
    return builders.run(**{**made, **changes})


def test_what_nobody_may_apply_is_not_told_as_missing() -> None:
    row = CloseoutRow(stack=builders.stack("ci"), plan=builders.plan(), sync=sync(), is_for_reading=True)

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=builders.HEAD, rows=[row]))

    assert "| ci | 📋 planned only, plan `pabcdefg` | 📋 the policy lets nobody apply it (run) |" in body
    assert "/plan ci" not in body


def test_plan_without_changes_counts_although_the_merge_made_it_stale() -> None:
    plan = builders.plan(status=PlanStatus.STALE, has_changes=False)
    row = CloseoutRow(stack=builders.stack(), plan=plan, sync=sync(detail={"sync": "unchanged"}))

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=builders.HEAD, rows=[row]))

    assert "| staging | ✅ no changes, plan `pabcdefg` | ✅ as merged (run) |" in body


def test_closeout_says_what_is_applied_where_and_by_whom() -> None:
    view = CloseoutView(
        base_ref="main",
        merge_commit=builders.HEAD,
        rows=[
            CloseoutRow(
                stack=builders.stack(),
                plan=builders.plan(status=PlanStatus.APPLIED),
                applied=builders.run(),
                approvers=[account("owner")],
                sync=sync(detail={"sync": "unchanged"}, summary="No changes."),
                sync_url="https://bot.example/runs/r1",
            ),
            CloseoutRow(stack=builders.stack("prod"), plan=builders.plan(), sync=sync()),
        ],
        released=[builders.stack()],
        held=[builders.lock(stack=builders.stack("ci"))],
        overrides=[
            Override(
                repo="acme/infra",
                pull=7,
                project=ProjectName("default"),
                env=EnvName("prod"),
                gate="promoted",
                reason="the site is down",
                asked_by=account("owner"),
                asked_at=builders.NOON,
                expires_at=builders.NOON,
                confirmed_by=account("owner2"),
                used_run=RunId("r1"),
            )
        ],
    )

    assert closeout_comment(view) == snapshot("""\
<!-- gatewright {"kind": "closeout", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "merged", "ref": "merged"} -->
### 🏁 Merged into `main` as `aaaaaaa`

| Stack | Before the merge | After the merge |
| --- | --- | --- |
| staging | ✅ applied by `dev` at 2026-03-04T12:00Z, plan `pabcdefg`, approved by `owner` | ✅ as merged ([run](<https://bot.example/runs/r1>)) |
| prod | ⚠️ not applied, plan `pabcdefg` | ⏳ what was merged is not applied: 1 to add. (run) |

**Gates opened by override**
- gate `promoted` of `prod`, by `owner` and `owner2`: the site is down

Released for other pull requests: staging.

⚠️ Still held by this pull request: ci.

**Next**
- Once ci is as it should be, to let others apply, comment `/unlock ci`.
- To bring prod to what is in base, on an open pull request, comment `/plan prod`.
""")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            sync(detail={"sync": "drift"}),
            "⚠️ drift: the applied release is unchanged in base, and yet: 1 to add.",
        ),
        (sync(detail={"sync": "differs"}), "⚠️ not applied, because it is not what was reviewed: 1 to add."),
        (sync(detail={"exit_code": 0}), "✅ applied as reviewed, because `dev` merged"),
        (sync(status=RunStatus.FAILED, summary="terraform broke"), "❌ terraform broke"),
    ],
    ids=["drift", "another change than was reviewed", "applied after the merge", "failed"],
)
def test_what_the_merge_did(run: Run, said: str) -> None:
    row = CloseoutRow(stack=builders.stack(), plan=builders.plan(), sync=run)

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=None, rows=[row]))

    assert f"| staging | ⚠️ not applied, plan `pabcdefg` | {said}" in body


def test_a_stack_that_another_pull_request_holds_is_waited_for() -> None:
    row = CloseoutRow(
        stack=builders.stack(), sync=sync(status=RunStatus.QUEUED), waits_for=builders.lock(pull=9)
    )

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=None, rows=[row]))

    assert "⏳ waits until pull request 9 no longer holds it" in body


@pytest.mark.parametrize(
    ("destroy", "said"),
    [
        (builders.run(kind=RunKind.DESTROY), "🧹 destroyed"),
        (builders.run(kind=RunKind.DESTROY, status=RunStatus.RUNNING), "⏳ is being destroyed"),
        (
            builders.run(kind=RunKind.DESTROY, status=RunStatus.FAILED, summary="it resists"),
            "❌ not destroyed: it resists",
        ),
    ],
    ids=["destroyed", "at work", "failed"],
)
def test_what_became_of_an_environment_of_the_pull_request(destroy: Run, said: str) -> None:
    row = CloseoutRow(stack=builders.stack("test"), plan=builders.plan(), destroy=destroy)

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=None, rows=[row]))

    assert f"| test | ⚠️ not applied, plan `pabcdefg` | {said}" in body


def test_end_of_log_of_a_failed_merge_apply_is_shown() -> None:
    detail = {"exit_code": 1, "log_tail": "the disk is on fire\n", "changed": True}
    failed = sync(status=RunStatus.FAILED, summary="terraform apply ended with exit code 1.", detail=detail)
    row = CloseoutRow(stack=builders.stack(), sync=failed)
    view = CloseoutView(base_ref="main", merge_commit=None, rows=[row], held=[builders.lock()])

    body = closeout_comment(view)

    assert "**staging**: Part of the plan was applied." in body
    assert "the disk is on fire" in body
    assert "`/unlock staging`" in body


def test_what_no_plan_had_shown_is_told_by_its_addresses() -> None:
    addresses = [f"a.b[{number}]" for number in range(12)]
    run = sync(summary="12 to destroy.", detail={"sync": "differs", "unseen": addresses})
    row = CloseoutRow(stack=builders.stack(), plan=builders.plan(), sync=run)

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=builders.HEAD, rows=[row]))

    [told] = [line for line in body.splitlines() if line.startswith("| staging |")]
    assert "⚠️ not applied, because it is not what was reviewed: 12 to destroy." in told
    assert "No plan of this pull request showed that it destroys, replaces or lets go of `a.b[0]`" in told
    assert "`a.b[9]` and 2 more." in told
    assert "comment `/plan staging`" in body


def test_hold_that_guards_nothing_is_named_with_its_command() -> None:
    row = CloseoutRow(stack=builders.stack(), sync=sync(detail={"sync": "unchanged"}))
    view = CloseoutView(
        base_ref="main", merge_commit=builders.HEAD, rows=[row], reverted=[EnvName("staging")]
    )

    body = closeout_comment(view)

    assert "main has what the revert left in staging, which is still on hold" in body
    assert "comment `/unhold staging`" in body
