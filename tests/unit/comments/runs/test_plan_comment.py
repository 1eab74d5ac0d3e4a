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
from bot.comments.runs.plan import PlanView, plan_comment
from bot.domain.core.model import PlanStatus, RunId
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome, shut
from bot.domain.plans.plan import Action, Counts, OutputChange, PlanSummary, ResourceChange, Risk, RiskLevel
from tests.fakes.records import builders
from tests.unit.comments.rendered import MENTION, outside_code, rendered
from tests.unit.comments.samples import RUN_URL, planned

GATES = (
    GateResult(gate="head", outcome=Outcome.PASS, sentence="The head is the planned commit."),
    GateResult(
        gate="lock",
        outcome=Outcome.FAIL,
        sentence="staging is held by #12 (bob).",
        reason=Reason.LOCKED,
        opens_with="/unlock staging",
    ),
    GateResult(
        gate="codeowners",
        outcome=Outcome.INCONCLUSIVE,
        sentence="No owner has approved `terraform/main.tf`.",
        reason=Reason.GATE,
        opens_with="an approval by @acme/platform",
    ),
)


def test_a_plan_that_loses_data_and_opens_something() -> None:
    view = PlanView(plan=planned("aws", warnings=("Deprecated attribute.",)), run_url=RUN_URL, gates=GATES)

    assert plan_comment(view) == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "planned"} -->
### 📋 staging: 2 to destroy, 1 to replace, 2 to change, 1 to add (planned)

Commit `aaaaaaa` · state serial 4 · plan `pabcdefg` · expires 2026-03-11T12:00Z · [run](<https://gatewright.example/runs/r123456789abcdef>)

> [!CAUTION]
> **This plan loses data.** It destroys or replaces 2 resources holding data:
> - `aws_db_instance.main`
> - `module.files.aws_s3_bucket.uploads`
>
> It destroys 1 resource:
> - `aws_instance.web (deposed a1b2c3d4)`
>
> - Check failed: aws_instance.web: It could not be evaluated.

> [!WARNING]
> **This plan opens something to everybody.**
> - `aws_security_group.web accepts traffic from 0.0.0.0/0`
> - `aws_iam_policy.deploy allows every action (IAM *)`

**Blocked by 2 of 3 gates**

- ❌ **lock**: staging is held by #&#8203;12 (bob). → `/unlock staging`
- ⏳ **codeowners**: No owner has approved `terraform/main.tf`. → an approval by @&#8203;acme/platform

<details><summary>1 gate passed</summary>

- ✅ **head**: The head is the planned commit.

</details>

Risk: **high**. Destroys 1 resource holding data. Replaces 1 resource holding data. Opens 2 resources to everybody. Destroys 2 resources. Replaces 1 resource.

| Action | Resource | Why | Risk |
| --- | --- | --- | --- |
| 🟥 destroy | `aws_db_instance.main` | No longer in the configuration. | high |
| 🟥 destroy | `aws_instance.web (deposed a1b2c3d4)` | Left over from a replacement that failed half-way. | medium |
| 🟧 replace | `module.files.aws_s3_bucket.uploads` | It cannot be updated in place. Forced by `bucket`. | high |
| 🟨 change | `aws_instance.web` |  |  |
| 🟨 change | `aws_security_group.web` |  | high |
| 🟩 add | `aws_iam_policy.deploy` |  | high |

<details><summary>Diff of 4 resources</summary>

```diff
  # aws_db_instance.main will be destroyed
  # (because aws_db_instance.main is not in configuration)
-   resource "aws_db_instance" "main" {
-       id         = "db-1" -> null
-       identifier = "main" -> null
-       password   = (sensitive value) -> null
    }
```

```diff
  # aws_instance.web (deposed object a1b2c3d4) will be destroyed
  # (left over from a partially-failed replacement of this instance)
-   resource "aws_instance" "web" {
-       id = "i-old" -> null
    }
```

```diff
  # module.files.aws_s3_bucket.uploads must be replaced
-/+ resource "aws_s3_bucket" "uploads" {
!       bucket = "uploads" -> "uploads-v2" # forces replacement
!       id     = "uploads" -> (known after apply)
    }
```

```diff
  # aws_instance.web will be updated in-place
!   resource "aws_instance" "web" {
        id   = "i-1"
!       tags = {
!           "team" = "x" -> "infra"
        }
    }
```

</details>

**Changed outside Terraform**

- `aws_instance.web` was changed.
- `aws_iam_role.ci` was deleted.
- `aws_eip.nat[0]` was changed.

<details><summary>Diff of what was changed outside</summary>

```diff
  # aws_instance.web has changed
!   resource "aws_instance" "web" {
        id   = "i-1"
!       tags = {
!           "team" = "infra" -> "x"
        }
    }
```

```diff
  # aws_iam_role.ci has been deleted
-   resource "aws_iam_role" "ci" {
-       id = "ci" -> null
    }
```

</details>

**Warnings**

- Deprecated attribute.

**Next**

Once the gates above are open, to apply exactly this plan, comment:

```
/apply staging
```

To re-plan, comment:

```
/plan staging
```
""")


def test_a_plan_of_every_action() -> None:
    body = plan_comment(PlanView(plan=planned("mixed"), run_url=RUN_URL))

    assert body.split("<details>")[0] == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "planned"} -->
### 📋 staging: 2 to destroy, 1 to replace, 1 to forget, 4 to change, 1 to add, 1 to import, 1 to move (planned)

Commit `aaaaaaa` · state serial 4 · plan `pabcdefg` · expires 2026-03-11T12:00Z · [run](<https://gatewright.example/runs/r123456789abcdef>)

> [!CAUTION]
> It destroys 2 resources:
> - `terraform_data.gone`
> - `terraform_data.many["c/d"]`
>
> It replaces 1 resource:
> - `terraform_data.replaced`
>
> - Check failed: check.size_is_small: size must be small, not 2

Risk: **medium**. Destroys 2 resources. Replaces 1 resource. Forgets 1 resource: left running, no longer managed.

| Action | Resource | Why | Risk |
| --- | --- | --- | --- |
| 🟥 destroy | `terraform_data.gone` | No longer in the configuration. | medium |
| 🟥 destroy | `terraform_data.many["c/d"]` | Its key is no longer in for_each. | medium |
| 🟧 replace | `terraform_data.replaced` | It cannot be updated in place. Forced by `triggers_replace`. | medium |
| 🟪 forget | `terraform_data.forgotten` | A removed block lets go of it without destroying it. | medium |
| 🟨 change | `terraform_data.keep` |  |  |
| 🟨 change | `terraform_data.many["a b"]` |  |  |
| 🟨 change | `terraform_data.many["e\\"f"]` |  |  |
| 🟨 change | `terraform_data.text` |  |  |
| 🟩 add | `terraform_data.fresh` |  |  |
| 🟦 import | `terraform_data.imported` | Imported. |  |
| ⬜ move | `terraform_data.new_name` | Moved from `terraform_data.old_name`. |  |

Outputs: `dropped` (destroy), `size` (change), `fresh` (add).

""")


def test_a_small_plan_in_whole() -> None:
    assert plan_comment(PlanView(plan=planned("secrets"), run_url=RUN_URL)) == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "planned"} -->
### 📋 staging: 5 to change (planned)

Commit `aaaaaaa` · state serial 4 · plan `pabcdefg` · expires 2026-03-11T12:00Z · [run](<https://gatewright.example/runs/r123456789abcdef>)

| Action | Resource |
| --- | --- |
| 🟨 change | `terraform_data.kubeconfig` |
| 🟨 change | `terraform_data.number` |
| 🟨 change | `terraform_data.pem` |
| 🟨 change | `terraform_data.short` |
| 🟨 change | `terraform_data.token` |

Outputs: `token` (change, sensitive).

<details><summary>Diff of 5 resources</summary>

```diff
  # terraform_data.kubeconfig will be updated in-place
!   resource "terraform_data" "kubeconfig" {
        id     = "30c99870-a7a5-972a-9603-ae0ee464c465"
!       input  = (sensitive value)
!       output = jsonencode(
            {
-               password = "(sensitive)"
-               user     = (sensitive)
            }
        ) -> (known after apply)
    }
```

```diff
  # terraform_data.number will be updated in-place
!   resource "terraform_data" "number" {
        id     = "028b2aeb-7036-9c04-a472-b5044a6f265a"
!       input  = (sensitive value)
!       output = (sensitive) -> (known after apply)
    }
```

```diff
  # terraform_data.pem will be updated in-place
!   resource "terraform_data" "pem" {
        id     = "1671d24d-6caa-f442-99e4-ac91e459595d"
!       input  = (sensitive value)
!       output = <<-EOT
            (sensitive)
            (sensitive)
            (sensitive)
            (sensitive)
        EOT -> (known after apply)
    }
```

```diff
  # terraform_data.short will be updated in-place
!   resource "terraform_data" "short" {
        id     = "6e3fb7cf-4037-c928-d68a-dad6ba76eb97"
!       input  = (sensitive value)
!       output = (sensitive) -> (known after apply)
    }
```

```diff
  # terraform_data.token will be updated in-place
!   resource "terraform_data" "token" {
        id     = "5f2d9c10-eb61-9750-652f-1903472c3909"
!       input  = {
!           password = (sensitive value)
            # (1 unchanged attribute hidden)
        }
!       output = {
-           password = "(sensitive)"
-           user     = "app"
        } -> (known after apply)
    }
```

</details>

**Next**

To apply exactly this plan, comment:

```
/apply staging
```

To re-plan, comment:

```
/plan staging
```
""")


@pytest.mark.parametrize("status", PlanStatus)
def test_the_header_tells_the_status(status: PlanStatus) -> None:
    body = plan_comment(PlanView(plan=builders.plan(status=status), run_url=RUN_URL))

    assert parse_header(body) == {
        "kind": "plan",
        "env": "staging",
        "project": "default",
        "run": "r123456789abcdef",
        "plan": "pabcdefg",
        "head": "a" * 40,
        "status": str(status),
    }


def _without_header(body: str) -> str:
    return body.split("\n", 1)[1]


def test_stale_plan_says_so_and_how_to_get_new_one() -> None:
    plan = builders.plan(status=PlanStatus.STALE, status_reason="the pull request moved on to 1234567")

    assert _without_header(plan_comment(PlanView(plan=plan, run_url=None))) == snapshot("""\
### ⚠️ staging: 1 to add (**stale**)

Commit `aaaaaaa` · state serial 4 · plan `pabcdefg` · expires 2026-03-11T12:00Z

> [!WARNING]
> **This plan is stale and cannot be applied.** The pull request moved on to 1234567.

**Next**

To re-plan, comment:

```
/plan staging
```
""")


def test_a_plan_without_changes() -> None:
    summary = builders.summary(counts=Counts(), has_changes=False, risk=Risk(level=RiskLevel.NONE, score=0))
    plan = builders.plan(status=PlanStatus.NO_CHANGES, summary=summary)

    assert _without_header(plan_comment(PlanView(plan=plan, run_url=RUN_URL))) == snapshot("""\
### ✅ staging: no changes

Commit `aaaaaaa` · state serial 4 · plan `pabcdefg` · expires 2026-03-11T12:00Z · [run](<https://gatewright.example/runs/r123456789abcdef>)

**Next**

Nothing to apply; to re-plan, comment:

```
/plan staging
```
""")


def test_a_plan_being_applied_can_be_stopped() -> None:
    plan = builders.plan(status=PlanStatus.APPLYING)

    body = plan_comment(PlanView(plan=plan, run_url=RUN_URL, applying_run=RunId("r999")))

    assert body.endswith(
        "To stop the apply, comment:\n\n```\n/cancel r999\n```\n\nTo see what is running, comment:\n\n```\n/status\n```\n"
    )


def test_a_targeted_plan_in_another_project_that_somebody_else_holds() -> None:
    stack = builders.stack("prod", project="network")
    plan = builders.plan(stack=stack, arguments=("-target=aws_vpc.main",), state_serial=None)
    view = PlanView(plan=plan, run_url=RUN_URL, locked_by=builders.lock(stack=stack, pull=12))

    assert _without_header(plan_comment(view)) == snapshot("""\
### 📋 prod (network): 1 to add (planned)

Commit `aaaaaaa` · no state yet · plan `pabcdefg` · expires 2026-03-11T12:00Z · [run](<https://gatewright.example/runs/r123456789abcdef>)

> [!NOTE]
> This plan was made with `-target=aws_vpc.main`: it does not show everything, and it cannot be promoted.

> [!NOTE]
> **Blocked: #12 has locked prod (network).** It can be applied here when #12 is merged or unlocked (`/unlock prod -p network` on #12).

**Next**

To apply exactly this plan, comment:

```
/apply prod -p network
```

To re-plan, comment:

```
/plan prod -p network
```
""")


def test_harmless_arguments_do_not_make_a_plan_partial() -> None:
    plan = builders.plan(arguments=("-parallelism=2",))

    assert "cannot be promoted" not in plan_comment(PlanView(plan=plan, run_url=RUN_URL))


def test_given_steps_take_the_place_of_the_usual_ones() -> None:
    steps = (Step(sentence="To apply the revert", command="/apply staging pabcdefg"),)

    body = plan_comment(PlanView(plan=builders.plan(), run_url=RUN_URL, next_steps=steps))

    assert body.endswith("**Next**\n\nTo apply the revert, comment:\n\n```\n/apply staging pabcdefg\n```\n")


def test_only_outputs() -> None:
    outputs = (
        OutputChange(name="url", action=Action.ADD, sensitive=False),
        OutputChange(name="token", action=Action.CHANGE, sensitive=True),
    )
    plan = builders.plan(summary=builders.summary(counts=Counts(), outputs=outputs))

    body = plan_comment(PlanView(plan=plan, run_url=RUN_URL))

    assert "### 📋 staging: only 2 outputs to change (planned)\n" in body
    assert "Outputs: `url` (add), `token` (change, sensitive).\n" in body


def _row(number: int, action: Action, risk: RiskLevel, diff: str = "") -> ResourceChange:
    return ResourceChange(
        address=f"aws_thing.{action}_{number}", type="aws_thing", action=action, risk=risk, diff=diff
    )


def _big(diff: str, *, adds: int, changes: int, destroys: int) -> PlanSummary:
    rows = [
        *(_row(n, Action.DESTROY, RiskLevel.HIGH, diff) for n in range(destroys)),
        *(_row(n, Action.CHANGE, RiskLevel.LOW, diff) for n in range(changes)),
        *(_row(n, Action.ADD, RiskLevel.LOW, diff) for n in range(adds)),
    ]
    risk = Risk(
        level=RiskLevel.HIGH,
        score=90,
        stateful=tuple(row.address for row in rows if row.action is Action.DESTROY),
        destroys=tuple(row.address for row in rows if row.action is Action.DESTROY),
    )
    return builders.summary(resources=tuple(rows), risk=risk, warnings=("A warning.",))


def test_low_risk_diffs_go_before_diffs_of_what_is_destroyed() -> None:
    summary = _big("x = 1\n" * 500, adds=10, changes=10, destroys=3)

    body = plan_comment(PlanView(plan=builders.plan(summary=summary), run_url=RUN_URL))

    assert len(body.encode()) <= LIMIT
    assert body.count("x = 1\n") >= 3 * 500
    assert "low-risk diffs._ The whole plan is on [the run page](<https://gatewright.example/runs/" in body
    assert "aws_thing.add_9" in body
    assert "A warning." in body


def test_rows_of_added_resources_go_before_all_other_rows() -> None:
    summary = _big("", adds=2000, changes=200, destroys=200)

    body = plan_comment(PlanView(plan=builders.plan(summary=summary), run_url=RUN_URL, gates=GATES))

    assert len(body.encode()) <= LIMIT
    assert "aws_thing.change_199" in body
    assert "aws_thing.destroy_199" in body
    assert "aws_thing.add_1999" not in body
    assert "rows of resources to add" in body
    assert "This plan loses data" in body
    assert "**codeowners**" in body
    assert body.endswith("```\n/plan staging\n```\n")


_text = st.text(max_size=400) | st.text(alphabet="`|@#$&<漢😀_*\n", max_size=400)
_rows = st.builds(
    ResourceChange,
    address=_text,
    type=st.just("t"),
    action=st.sampled_from(Action),
    previous_address=st.none() | _text,
    importing=st.booleans(),
    replace_paths=st.lists(_text, max_size=7).map(tuple),
    reason=st.none() | _text,
    risk=st.sampled_from(RiskLevel),
    diff=_text | st.just("line\n" * 20_000),
)
_gates = st.builds(
    GateResult,
    gate=_text,
    outcome=st.sampled_from(Outcome),
    sentence=_text,
    reason=st.just(Reason.GATE),
    opens_with=st.none() | _text,
)


@st.composite
def _views(draw: st.DrawFn) -> PlanView:
    times = draw(st.sampled_from([1, 1, 40, 400]))

    def many(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(strategy, max_size=3))) * times

    summary = replace(
        builders.summary(),
        resources=many(_rows),
        drift=many(_rows),
        outputs=many(
            st.builds(OutputChange, name=_text, action=st.just(Action.ADD), sensitive=st.booleans())
        ),
        warnings=many(_text),
        failed_checks=many(_text),
        added_files=many(_text),
        moving_sources=many(_text),
        risk=Risk(
            level=RiskLevel.HIGH,
            score=100,
            reasons=many(_text),
            destroys=many(_text),
            exposes=many(_text),
            stateful=many(_text),
        ),
    )
    plan = builders.plan(
        summary=summary,
        status=draw(st.sampled_from(PlanStatus)),
        status_reason=draw(st.none() | _text),
        arguments=many(_text),
    )
    steps = many(st.builds(Step, sentence=_text, command=_text))
    lock = draw(st.none() | st.builds(builders.lock, holder=_text))
    return PlanView(plan=plan, run_url=RUN_URL, gates=many(_gates), next_steps=steps, locked_by=lock)


@settings(max_examples=20)  # Half of them are as long as a comment may be.
@given(_views())
def test_any_plan_fits_and_keeps_title_boxes_gates_and_commands(view: PlanView) -> None:
    body = plan_comment(view)

    assert len(body.encode()) <= LIMIT
    assert "…" not in body[-3:]
    assert parse_header(body) is not None
    assert body.split("\n")[1].startswith("### ")
    assert "**Next**\n\n" in body.rsplit("</details>", 1)[-1]
    assert ("> [!CAUTION]" in body) == bool(
        view.plan.summary.risk.stateful or view.plan.summary.risk.destroys or view.plan.summary.failed_checks
    )
    assert ("**Blocked by " in body or "**Waiting for " in body) == bool(shut(view.gates))
    assert not MENTION.search(outside_code(body))
    html = rendered(body)
    assert html.count("<details>") == html.count("</details>")


def test_what_the_plan_created_and_what_can_move_is_folded() -> None:
    made = builders.summary(
        added_files=("builds/x.zip", "builds/`y`.zip"),
        moving_sources=("module.net: git::https://example.org/net.git?ref=main",),
    )

    body = plan_comment(PlanView(plan=builders.plan(summary=made), run_url=RUN_URL))

    assert body[body.index("<details>") : body.index("**Next**")] == snapshot("""\
<details><summary>2 files that the plan created, and that its apply will use</summary>

- `builds/x.zip`
- <code>builds/&#96;y&#96;.zip</code>

</details>

<details><summary>1 source that can move</summary>

- `module.net: git::https://example.org/net.git?ref=main`

Pin modules to a full commit (`?ref=` with 40 digits) or to one exact version, and commit `.terraform.lock.hcl`: else each environment may get something else.

</details>

""")


def test_nothing_is_said_where_nothing_was_created_or_can_move() -> None:
    body = plan_comment(PlanView(plan=builders.plan(), run_url=RUN_URL))

    assert "created" not in body
    assert "can move" not in body
