"""The plan comment of a pull request with several stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.comments.markdown.words import Step
from bot.comments.pulls.plans import StackView
from bot.domain.core.model import PlanStatus, RunKind, RunStatus
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Counts, Risk, RiskLevel
from tests.fakes.records import builders
from tests.unit.comments.pulls.plan_views import (
    GATES,
    NOTHING,
    OWNERS,
    PASSED,
    PROMOTED,
    adding,
    destroying,
    failing,
    show,
    stack_of,
)
from tests.unit.comments.rendered import MENTION, outside_code, rendered
from tests.unit.comments.samples import RUN_URL, run


def _next(body: str) -> str:
    return body.rsplit("**Next**\n\n", 1)[1]


def test_every_stack_has_a_row_and_a_section() -> None:
    # Given
    dev = stack_of("dev")
    applying = run(status=RunStatus.RUNNING)

    # When
    body = show(
        adding("staging", "web"),
        adding("prod", summary=destroying(1), gates=GATES),
        failing("staging", "dns", summary="Terraform ended with exit code 1."),
        adding("test", status=PlanStatus.NO_CHANGES, summary=NOTHING),
        adding("dev", locked_by=builders.lock(stack=dev, pull=12)),
        adding("ci", status=PlanStatus.APPLIED),
        adding("qa", status=PlanStatus.APPLYING, applying=applying, applying_url=RUN_URL),
        adding("old", status=PlanStatus.STALE, status_reason="the head has moved"),
    )

    # Then
    assert body == snapshot("""\
<!-- gatewright {"kind": "plan", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "stacks": [{"env": "staging", "project": "dns", "run": "r123456789abcdef", "status": "failed"}, {"env": "prod", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "planned"}, {"env": "staging", "project": "web", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "planned"}, {"env": "dev", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "planned"}, {"env": "qa", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "applying"}, {"env": "old", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "stale"}, {"env": "test", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "no_changes"}, {"env": "ci", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "status": "applied"}]} -->
### 🟥 8 stacks: 1 to destroy, 12 to add, 1 failed, 1 applying, 1 applied

Commit `aaaaaaa` · [all runs](<https://gatewright.example/pulls/7>)

| Stack | Changes | Risk | State |
| --- | --- | --- | --- |
| staging (dns) |  |  | ❌ plan failed ([log](<https://gatewright.example/runs/r123456789abcdef>)) |
| prod | 🟥 1 to destroy, 8 to add | high | ❌ blocked by 2 gates: codeowners, promoted |
| staging (web) | 🟩 1 to add |  | ✅ ready |
| dev | 🟩 1 to add |  | 🔒 locked by #12 |
| qa | 🟩 1 to add |  | ⏳ applying ([log](<https://gatewright.example/runs/r123456789abcdef>)) |
| old | 🟩 1 to add |  | ⚠️ stale |
| test |  |  | ⚪ no changes |
| ci | 🟩 1 to add |  | ✅ applied |

> [!CAUTION]
> - **prod** **loses data**: `aws_db_instance.main[1]`

**Plan failed**

- ❌ **staging (dns)**: Terraform ended with exit code 1. ([log](<https://gatewright.example/runs/r123456789abcdef>))

**Gates that block 1 stack**

- ⏳ **codeowners** (prod): Needs a code owner's approval: @&#8203;owner (terraform/). → approval from @&#8203;owner
- ❌ **promoted** (prod): This release was not applied to staging. → `/apply staging`

<details><summary>❌ <b>staging (dns)</b>: plan failed</summary>

Terraform ended with exit code 1.

</details>

<details><summary>🟥 <b>prod</b>: 1 to destroy, 8 to add (blocked)</summary>

Plan `pabcdefg` · `aaaaaaa` · expires 2026-03-11T12:00Z · [log](<https://gatewright.example/runs/r123456789abcdef>)

**Blocked by 2 of 13 gates**

- ⏳ **codeowners**: Needs a code owner's approval: @&#8203;owner (terraform/). → approval from @&#8203;owner
- ❌ **promoted**: This release was not applied to staging. → `/apply staging`

11 gates passed: config, head, plan_fresh, state, engine, undiverged, checks, permission, lock, hold, drift

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

</details>

<details><summary>🟩 <b>staging (web)</b>: 1 to add (ready)</summary>

Plan `pabcdefg` · `aaaaaaa` · expires 2026-03-11T12:00Z · [log](<https://gatewright.example/runs/r123456789abcdef>)

</details>

<details><summary>🟩 <b>dev</b>: 1 to add (locked)</summary>

Plan `pabcdefg` · `aaaaaaa` · expires 2026-03-11T12:00Z · [log](<https://gatewright.example/runs/r123456789abcdef>)

> [!NOTE]
> **Blocked: #12 has locked dev.** It can be applied here when #12 is merged or unlocked (`/unlock dev` on #12).

</details>

<details><summary>⏳ <b>qa</b>: 1 to add (applying)</summary>

Plan `pabcdefg` · `aaaaaaa` · [log](<https://gatewright.example/runs/r123456789abcdef>)

</details>

<details><summary>⚠️ <b>old</b>: 1 to add (stale)</summary>

Plan `pabcdefg` · `aaaaaaa` · [log](<https://gatewright.example/runs/r123456789abcdef>)

> [!WARNING]
> **This plan is stale and cannot be applied.** The head has moved.

</details>

<details><summary>✅ <b>ci</b>: 1 to add (applied)</summary>

Plan `pabcdefg` · `aaaaaaa` · [log](<https://gatewright.example/runs/r123456789abcdef>)

</details>

**Next**

`/apply staging` applies all stacks or none; to apply the one stack that is ready, comment:

```
/apply staging -p web
```

Blocked: #&#8203;12 has locked dev. When #&#8203;12 is merged or unlocked, comment:

```
/plan dev
```

`prod` is blocked by codeowners, promoted; it needs approval from @&#8203;owner, and `/apply staging`.

`qa` is being applied.

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan
```
""")


def test_equal_gates_of_several_stacks_are_one_line() -> None:
    # When
    body = show(*(adding("prod", f"p{number}", gates=GATES) for number in range(5)))

    # Then
    top = body.split("<details>", 1)[0]
    assert (
        "**Gates that block 5 stacks**\n\n- ⏳ **codeowners** (prod (p0), prod (p1), prod (p2) and 2 more): "
        in top
    )
    assert top.count("**promoted**") == 1


def test_ready_environment_has_one_command_for_all_projects() -> None:
    # When
    body = show(*(adding("staging", f"p{number}", gates=PASSED) for number in range(3)))

    # Then
    assert _next(body) == snapshot("""\
To apply all 3 plans of `staging`, comment:

```
/apply staging
```

To re-plan, comment:

```
/plan
```
""")


def test_partly_ready_environment_names_a_project_and_who_must_act() -> None:
    # When
    body = show(adding("prod", "web", gates=PASSED), adding("prod", "dns", gates=(*PASSED, OWNERS)))

    # Then
    assert _next(body) == snapshot("""\
`/apply prod` applies all stacks or none; to apply the one stack that is ready, comment:

```
/apply prod -p web
```

`prod` is waiting for codeowners; it needs approval from @&#8203;owner.

To re-plan, comment:

```
/plan
```
""")


def test_blocked_prod_has_no_apply_but_says_what_opens_it() -> None:
    # When
    body = show(adding("staging"), adding("prod", gates=GATES))

    # Then
    assert "```\n/apply staging\n```" in body
    assert "/apply prod" not in body
    assert (
        "`prod` is blocked by codeowners, promoted; it needs approval from @&#8203;owner, and `/apply staging`."
        in body
    )


def test_failed_plans_can_be_retried() -> None:
    # When
    body = show(adding("staging"), failing("prod", summary="No route."))

    # Then
    assert "**Plan failed**\n\n- ❌ **prod**: No route. ([log](<" in body
    assert _next(body).endswith("to retry unchanged, comment:\n\n```\n/plan\n```\n")


def test_environment_for_reading_says_so_among_others() -> None:
    # Given
    closed = Step(sentence="Plan only: `ci` has no `apply.allow`, so nobody can apply it")

    # When
    body = show(adding("staging"), adding("ci", next_steps=(closed,)))

    # Then
    assert "| ci | 🟩 1 to add | 📄 plan only |" in body
    assert "Plan only: `ci` has no `apply.allow`, so nobody can apply it.\n" in _next(body)
    assert "/apply ci" not in body


def test_stack_being_planned_shows_its_log_in_the_table() -> None:
    # Given
    planning = run(kind=RunKind.PLAN, status=RunStatus.RUNNING, plan_id=None, stack=stack_of("prod"))

    # When
    body = show(adding("staging"), StackView(stack=planning.stack, planning=planning, run_url=RUN_URL))

    # Then
    assert f"| prod |  | ⏳ planning ([log](<{RUN_URL}>)) |" in body


@pytest.mark.parametrize(
    ("other", "status"),
    [
        pytest.param(PlanStatus.PLANNED, "planned", id="both alike"),
        pytest.param(PlanStatus.APPLIED, None, id="different"),
    ],
)
def test_the_header_has_a_status_only_if_all_agree(other: PlanStatus, status: str | None) -> None:
    # When
    fields = parse_header(show(adding("staging"), adding("prod", status=other))) or {}

    # Then
    assert fields.get("status") == status
    assert {stack["env"]: stack["status"] for stack in fields["stacks"]} == {
        "staging": "planned",
        "prod": other,
    }


@pytest.mark.parametrize("number", [40, 100])
def test_nothing_dangerous_is_dropped_from_a_long_comment(number: int) -> None:
    # Given stacks that all have 13 gates, of which two are shut with sentences of their own,
    diff = "+ x = 1\n" * 300

    def shut_gates(n: int) -> tuple[GateResult, ...]:
        return (*PASSED, replace(OWNERS, sentence=f"Needs approval for {n}. {'Long. ' * 40}"), PROMOTED)

    stacks = [
        adding("prod", f"p{n}", summary=destroying(n, diff=diff), gates=shut_gates(n))
        for n in range(number - 10)
    ]
    stacks += [failing("prod", f"f{n}", detail={"log_tail": "Error\n" * 500}) for n in range(5)]
    stacks += [adding("test", f"u{n}", status=PlanStatus.NO_CHANGES, summary=NOTHING) for n in range(5)]

    # when they are shown,
    body = show(*stacks)

    # then every changed stack has its row, and what is dangerous or blocks is there.
    assert len(body.encode()) <= LIMIT
    rows = [line for line in body.splitlines() if line.startswith("| prod (")]
    assert len(rows) == number - 5
    assert (
        sum(
            "1 to destroy, 8 to add | high | ❌ blocked by 2 gates: codeowners, promoted" in row
            for row in rows
        )
        == number - 10
    )
    assert body.count("**loses data**") == number - 10
    assert "**Plan failed**" in body
    assert "**promoted** (prod (p0), prod (p1), prod (p2) and" in body
    assert "low-risk diffs" in body
    assert "_Left out for length: " in body
    assert "[the page of this pull request](<https://gatewright.example/pulls/7>)" in body
    assert len((parse_header(body) or {})["stacks"]) == number
    assert body.count("<details>") == body.count("</details>")
    assert body.endswith("```\n/plan\n```\n")


_BAD = "@acme/all `x` | y <b> </details> --> <!-- #12 [a](http://b) ```\n/destroy prod"


def test_names_and_texts_have_no_effect() -> None:
    # Given
    stack = builders.stack("prod", project=_BAD)
    summary = builders.summary(
        counts=Counts(destroy=1),
        resources=destroying(1).resources,
        risk=Risk(level=RiskLevel.HIGH, score=9, destroys=(_BAD,), exposes=(_BAD,), reasons=(_BAD,)),
        warnings=(_BAD,),
        failed_checks=(_BAD,),
    )
    gate = GateResult(gate=_BAD, outcome=Outcome.FAIL, sentence=_BAD, opens_with=_BAD)
    plan = builders.plan(stack=stack, summary=summary)
    bad = StackView(stack=stack, plan=plan, gates=(gate,), run_url="javascript:alert(1)")
    other = failing("prod", _BAD, summary=_BAD, detail={"log_tail": _BAD, "message": _BAD})

    for stacks in ((bad,), (bad, other), (other,)):
        # When
        body = show(*stacks)

        # Then
        html = rendered(body)
        assert not MENTION.search(outside_code(body))
        assert "javascript" not in body
        assert "<b> </details>" not in html
        assert html.count("<details>") == html.count("</details>")
        assert "--&gt;" in outside_code(body)
        assert not any(line.startswith("/destroy") for line in outside_code(body).splitlines())
        assert parse_header(body) is not None


_text = st.text(max_size=300) | st.text(alphabet="`|@#$&<漢😀_*\n", max_size=300)


@st.composite
def _stacks(draw: st.DrawFn) -> list[StackView]:
    number = draw(st.sampled_from([2, 3, 100, 400]))

    def made() -> Any:
        status = draw(st.sampled_from(PlanStatus))
        texts = tuple(draw(st.lists(_text, max_size=2))) * 5
        summary = replace(
            destroying(1, diff=draw(_text)),
            risk=Risk(level=RiskLevel.HIGH, score=9, destroys=texts, exposes=texts, stateful=texts),
            failed_checks=texts,
        )
        gate = GateResult(
            gate=draw(_text), outcome=Outcome.FAIL, sentence=draw(_text), opens_with=draw(_text)
        )
        name = draw(_text)
        if draw(st.booleans()):
            return failing("prod", name, summary=draw(_text))
        return adding("prod", name, status=status, summary=summary, gates=(gate, *PASSED))

    kinds = [made() for _ in range(2)]
    return (kinds * number)[:number]


@settings(max_examples=20)  # Half of them are as long as a comment may be.
@given(_stacks())
def test_any_number_of_stacks_fits_and_keeps_its_commands(stacks: list[StackView]) -> None:
    # When
    body = show(*stacks)

    # Then
    assert len(body.encode()) <= LIMIT
    assert parse_header(body) is not None
    assert "**Next**\n\n" in body
    assert body.endswith("```\n")
    assert not MENTION.search(outside_code(body))
    html = rendered(body)
    assert html.count("<details>") == html.count("</details>")
