"""The plan comment of a pull request with one stack, and what both forms have in common."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from bot.comments.markdown.header import parse_header
from bot.comments.markdown.words import Step
from bot.comments.pulls.plans import StackView
from bot.domain.core.model import PlanStatus, RunKind, RunStatus
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Action, Counts, ResourceChange
from tests.fakes.records import builders
from tests.unit.comments.pulls.plan_views import (
    GATES,
    NOTHING,
    OWNERS,
    PASSED,
    adding,
    destroying,
    failing,
    show,
    stack_of,
    view_of,
)
from tests.unit.comments.samples import RUN_URL, run


def _without_header(body: str) -> str:
    return body.split("\n", 1)[1]


def test_a_blocked_plan_shows_shut_gates_above_its_resources() -> None:
    # Given
    summary = destroying(1)

    # When
    body = show(adding("prod", summary=summary, gates=GATES))

    # Then
    assert _without_header(body) == snapshot("""\
### 🟥 prod: 1 to destroy, 8 to add

Plan `pabcdefg` · `aaaaaaa` · expires 2026-03-11T12:00Z · [log](<https://gatewright.example/runs/r123456789abcdef>)

> [!CAUTION]
> **This plan loses data.** It destroys or replaces 1 resource holding data:
> - `aws_db_instance.main[1]`

**Blocked by 2 of 13 gates**

- ⏳ **codeowners**: Needs a code owner's approval: @&#8203;owner (terraform/). → approval from @&#8203;owner
- ❌ **promoted**: This release was not applied to staging. → `/apply staging`

<details><summary>11 gates passed</summary>

- ✅ **config**: config is fine.
- ✅ **head**: head is fine.
- ✅ **plan_fresh**: plan_fresh is fine.
- ✅ **state**: state is fine.
- ✅ **engine**: engine is fine.
- ✅ **undiverged**: undiverged is fine.
- ✅ **checks**: checks is fine.
- ✅ **permission**: permission is fine.
- ✅ **lock**: lock is fine.
- ✅ **hold**: hold is fine.
- ✅ **drift**: drift is fine.

</details>

Risk: **high**. It destroys data.

| Action | Resource | Risk |
| --- | --- | --- |
| 🟥 destroy | `aws_db_instance.main[1]` | high |
| 🟩 add | `aws_thing.a` |  |
| 🟩 add | `aws_thing.b` |  |
| 🟩 add | `aws_thing.c` |  |
| 🟩 add | `aws_thing.d` |  |
| 🟩 add | `aws_thing.e` |  |
| 🟩 add | `aws_thing.f` |  |
| 🟩 add | `aws_thing.g` |  |
| 🟩 add | `aws_thing.h` |  |

**Warnings**

- A warning.

**Next**

When the gates above are open, to apply exactly this plan, comment:

```
/apply prod
```

To re-plan, comment:

```
/plan prod
```
""")


def test_the_header_has_the_stack_twice() -> None:
    # When
    fields = parse_header(show(adding("prod")))

    # Then
    of_prod = {
        "env": "prod",
        "project": "default",
        "run": "r123456789abcdef",
        "plan": "pabcdefg",
        "status": "planned",
    }
    assert fields == {"kind": "plan", "head": "a" * 40, **of_prod, "stacks": [of_prod]}


@pytest.mark.parametrize(
    ("counts", "mark"),
    [
        pytest.param(Counts(add=3, destroy=1), "🟥", id="destroys"),
        pytest.param(Counts(change=3, replace=1), "🟥", id="replaces"),
        pytest.param(Counts(add=3, change=1), "🟨", id="changes"),
        pytest.param(Counts(add=3), "🟩", id="adds"),
    ],
)
def test_the_mark_follows_the_gravest_change(counts: Counts, mark: str) -> None:
    # When
    alone = show(adding("prod", summary=builders.summary(counts=counts)))
    among_others = show(
        adding("prod", summary=builders.summary(counts=counts)), adding("staging", summary=NOTHING)
    )

    # Then
    assert f"\n### {mark} prod: " in alone
    assert f"\n### {mark} 2 stacks: " in among_others


def test_a_failed_check_is_in_the_caution_box() -> None:
    # Given
    summary = builders.summary(failed_checks=("prod should run two instances",))

    # When
    body = show(adding("prod", summary=summary))

    # Then
    assert "> [!CAUTION]\n> - Check failed: prod should run two instances\n\n" in body


def test_missing_approval_alone_is_waiting_not_blocked() -> None:
    # When
    body = show(adding("prod", gates=(*PASSED, OWNERS)))

    # Then
    assert "**Waiting for 1 of 12 gates**\n\n- ⏳ **codeowners**: " in body
    assert "❌" not in body


def test_unreadable_gate_is_marked_as_such() -> None:
    # Given
    unread = GateResult(gate="checks", outcome=Outcome.ERROR, sentence="GitHub did not answer.")

    # When
    body = show(adding("prod", gates=(*PASSED, unread)))

    # Then
    assert "**Blocked by 1 of 12 gates**\n\n- ⚠️ **checks**: GitHub did not answer.\n" in body


def test_a_failed_plan_says_why_and_how_to_retry() -> None:
    # Given
    detail = {"problem": "terraform", "message": "terraform plan failed", "log_tail": "Error: no such file"}

    # When
    body = show(failing("prod", detail=detail))

    # Then
    assert parse_header(body)["status"] == "failed"  # type: ignore[index]
    assert "plan" not in parse_header(body)  # type: ignore[operator]
    assert _without_header(body) == snapshot("""\
### ❌ prod: planning failed

Commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Terraform plan failed.

The end of the log:

```
Error: no such file
```

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan prod
```
""")


def test_the_reason_of_a_failed_plan_is_in_the_header() -> None:
    # When
    body = show(failing("prod", detail={"problem": "conflict", "paths": ["main.tf"]}))

    # Then
    assert parse_header(body)["reason"] == "conflict"  # type: ignore[index]


def test_a_locked_stack_names_who_has_it() -> None:
    # Given
    stack = stack_of("staging")
    plan = builders.plan(stack=stack)

    # When
    body = show(view_of(plan, locked_by=builders.lock(stack=stack, pull=12)))

    # Then
    assert (
        "> **Blocked: #12 has locked staging.** It can be applied here when #12 is merged or unlocked" in body
    )
    assert "/apply" not in body
    assert body.endswith("When #&#8203;12 is merged or unlocked, comment:\n\n```\n/plan staging\n```\n")


def test_stale_plan_offers_only_another_plan() -> None:
    # When
    body = show(adding("staging", status=PlanStatus.STALE, status_reason="the head is now 1234567"))

    # Then
    assert "\n### ⚠️ staging: 1 to add (stale)\n" in body
    assert "**This plan is stale and cannot be applied.** The head is now 1234567." in body
    assert body.endswith("**Next**\n\nTo re-plan, comment:\n\n```\n/plan staging\n```\n")


def test_a_running_apply_links_its_log_and_can_be_stopped() -> None:
    # Given
    plan = builders.plan(status=PlanStatus.APPLYING)
    applying = run(status=RunStatus.RUNNING)

    # When
    body = show(view_of(plan, applying=applying, applying_url=RUN_URL))

    # Then
    assert f"\n### ⏳ staging: 1 to add (applying, [log](<{RUN_URL}>))\n" in body
    assert f"```\n/cancel {applying.id}\n```\n" in body
    assert "```\n/apply" not in body


def test_an_applied_plan_warns_of_nothing() -> None:
    # When
    body = show(adding("staging", status=PlanStatus.APPLIED, summary=destroying(1)))

    # Then
    assert "\n### ✅ staging: 1 to destroy, 8 to add (applied)\n" in body
    assert "CAUTION" not in body


def test_plan_without_changes_offers_no_apply() -> None:
    # When
    body = show(adding("staging", status=PlanStatus.NO_CHANGES, summary=NOTHING))

    # Then
    assert "\n### ⚪ staging: no changes\n" in body
    assert "/apply" not in body


def test_first_plan_in_progress_has_its_log() -> None:
    # Given
    planning = run(kind=RunKind.PLAN, status=RunStatus.RUNNING, plan_id=None)

    # When
    body = show(StackView(stack=planning.stack, planning=planning, run_url=RUN_URL))

    # Then
    assert parse_header(body)["status"] == "planning"  # type: ignore[index]
    assert "\n### ⏳ staging: planning\n" in body
    assert f"Planning of `aaaaaaa` is in progress ([log](<{RUN_URL}>))." in body


def test_plan_being_replaced_keeps_its_header_and_offers_no_apply() -> None:
    # Given
    planning = run(kind=RunKind.PLAN, status=RunStatus.QUEUED, plan_id=None)

    # When
    body = show(adding("staging", planning=planning))

    # Then
    assert parse_header(body)["status"] == "planned"  # type: ignore[index]
    assert "Queued: a plan of `aaaaaaa`" in body
    assert "/apply" not in body


def test_environment_that_nobody_applies_is_plan_only() -> None:
    # Given
    closed = Step(sentence="Plan only: `ci` has no `apply.allow`, so nobody can apply it")

    # When
    body = show(adding("ci", next_steps=(closed,)))

    # Then
    assert "\n### 🟩 ci: 1 to add (plan only)\n" in body
    assert body.endswith("**Next**\n\nPlan only: `ci` has no `apply.allow`, so nobody can apply it.\n")


def test_equal_resources_of_a_long_plan_are_one_row() -> None:
    # Given
    rows = tuple(
        ResourceChange(address=f'terraform_data.file["{name}"]', type="terraform_data", action=Action.CHANGE)
        for name in range(9)
    )

    # When
    body = show(adding("prod", summary=builders.summary(resources=rows)))

    # Then
    assert "| Action | Resource |\n| --- | --- |\n" in body
    assert "| 🟨 change | 9 \N{MULTIPLICATION SIGN} `terraform_data.file` |\n" in body
