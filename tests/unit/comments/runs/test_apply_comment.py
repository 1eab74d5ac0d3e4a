from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.comments.runs.apply import apply_comment
from bot.comments.runs.report import RunView
from bot.domain.core.model import RunKind, RunStatus
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.unit.comments.rendered import MENTION, outside_code, rendered
from tests.unit.comments.samples import RUN_URL, planned, run

SERIALS = {"serial_before": 4, "serial_after": 5, "changed": True}


def comment(**changes: Any) -> str:
    view = {
        name: changes.pop(name)
        for name in ("plan", "replanned", "url_output", "next_steps", "keeps_lock")
        if name in changes
    }
    return apply_comment(RunView(run=run(**changes), run_url=RUN_URL, **view))


def test_an_apply_that_worked() -> None:
    detail = SERIALS | {
        "outputs": {"url": "https://pr-7.example.com/", "greeting": "hello | @world", "empty": ""},
        "artifacts": ["kubeconfig"],
    }

    assert comment(detail=detail, plan=planned("mixed"), url_output="url") == snapshot("""\
<!-- gatewright {"kind": "apply", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "applied", "ref": "delivery-1"} -->
### ✅ staging: applied

Plan `pabcdefg` · commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

2 destroyed, 1 replaced, 1 forgotten, 4 changed, 1 added, 1 imported, 1 moved. State serial 4 → 5.

**URL: <https://pr-7.example.com/>**

| Output | Value |
| --- | --- |
| `greeting` | <code>hello &#124; &#64;world</code> |
| `empty` |  |

Artifact: `kubeconfig` (encrypted; download on [the run page](<https://gatewright.example/runs/r123456789abcdef>))

**Next**
- To see every environment of this pull request, comment `/status`.
""")


def test_sensitive_outputs_are_never_shown() -> None:
    outputs = {
        "token": {"sensitive": True, "type": "string", "value": "hidden-value"},
        "unclear": {"type": "string", "value": "hidden-value"},
        "size": {"sensitive": False, "type": "number", "value": 3},
    }

    body = comment(detail=SERIALS | {"outputs": outputs})

    assert "hidden-value" not in body
    assert "| `size` | `3` |" in body


def test_an_address_that_is_none_is_no_link() -> None:
    body = comment(detail=SERIALS | {"outputs": {"url": "javascript:alert(1)"}}, url_output="url")

    assert "`javascript:alert(1)`" in body
    assert "href" not in rendered(body.split("**URL", 1)[1])


def test_an_apply_that_failed_half_way() -> None:
    detail = SERIALS | {"exit_code": 1, "log_tail": "Error: no such bucket\n```\n@everybody\n"}

    assert comment(status=RunStatus.FAILED, detail=detail, replanned=True) == snapshot("""\
<!-- gatewright {"kind": "apply", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "failed", "ref": "delivery-1"} -->
### ❌ staging: the apply failed

Plan `pabcdefg` · commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Terraform ended with exit code 1. Part of the plan was applied. State serial 4 → 5. A new plan was started; it shows what is left to do.

The end of the log:

````
Error: no such bucket
```
@everybody
````

**Next**
- Read the new plan; then, to apply it, comment `/apply staging`.
- To see what is running, comment `/status`.
""")


def test_an_apply_that_changed_nothing() -> None:
    detail = {"exit_code": 1, "serial_before": 4, "serial_after": 4, "changed": False}

    body = comment(status=RunStatus.FAILED, detail=detail)

    assert "No change is recorded. State unchanged (serial 4)." in body
    assert body.endswith("- To see what is left to do, comment `/plan staging`.\n")


def test_an_apply_that_failed_before_terraform_started() -> None:
    detail = {
        "problem": "other",
        "message": "plan pabcdefg: the stored plan file is not the one that was reviewed",
    }

    body = comment(status=RunStatus.FAILED, detail=detail)

    assert "is not the one that was reviewed. Terraform was not started, so nothing was changed." in body


def test_a_state_that_could_not_be_saved_is_told_first() -> None:
    body = comment(status=RunStatus.FAILED, detail=SERIALS | {"exit_code": 1, "errored_state": True})

    assert body.index("> [!CAUTION]") < body.index("Part of the plan was applied.")
    assert "`errored.tfstate`" in body


@pytest.mark.parametrize("state", ["locked", "changed", "not_changed"])
def test_an_interrupted_apply_is_explained(state: str) -> None:
    changed = state == "changed"
    detail = {
        "problem": "interrupted",
        "state": state,
        "lock_holder": "id 1234 of terraform" if state == "locked" else None,
        "serial_before": 4,
        "serial_after": 5 if changed else 4,
        "changed": changed,
    }

    body = comment(status=RunStatus.INTERRUPTED, detail=detail, replanned=True)

    assert (
        body.split("\n\n", 2)[2]
        == {
            "locked": snapshot("""\
The machine that ran Terraform was lost before the apply had ended. It is not repeated automatically.

- **The state is still locked** by `id 1234 of terraform`: what was created is unknown, also where the serial did not change.
- State unchanged (serial 4).
- Before anything else is applied, an operator must make sure that no Terraform runs any more, and release the lock.

A new plan was started; it shows what is left to do.

**Next**
- When the lock is released, to see what is left to do, comment `/plan staging`.
"""),
            "changed": snapshot("""\
The machine that ran Terraform was lost before the apply had ended. It is not repeated automatically.

- **The state was changed.** State serial 4 → 5.
- An empty new plan means that all of it was applied.

A new plan was started; it shows what is left to do.

**Next**
- Read the new plan; then, to apply it, comment `/apply staging`.
- To see what is running, comment `/status`.
"""),
            "not_changed": snapshot("""\
The machine that ran Terraform was lost before the apply had ended. It is not repeated automatically.

- **No change is recorded.** State unchanged (serial 4).
- Terraform's lock is free. Something may have been created just before the end that the state does not know of.

A new plan was started; it shows what is left to do.

**Next**
- Read the new plan; then, to apply it, comment `/apply staging`.
- To see what is running, comment `/status`.
"""),
        }[state]
    )


def test_an_apply_that_was_canceled_at_work() -> None:
    detail = SERIALS | {"exit_code": 1, "stopped_by": "bob", "log_tail": "Interrupt received."}

    body = comment(status=RunStatus.CANCELED, detail=detail)

    assert "Terraform was asked to stop by `bob` and has ended. Part of the plan was applied." in body
    assert "Interrupt received." in body


def test_an_apply_that_was_canceled_before_it_started() -> None:
    body = comment(
        status=RunStatus.CANCELED,
        detail={"started": False},
        summary="Canceled by bob before it started.",
        cancel_requested_by=account("bob"),
    )

    assert "Canceled by bob before it started. Terraform was not started, so nothing was changed." in body


def test_an_apply_that_took_too_long() -> None:
    body = comment(status=RunStatus.TIMED_OUT, detail=SERIALS)

    assert "### ⏱️ staging: the apply took too long and was stopped" in body
    assert parse_header(body)["status"] == "timed_out"  # type: ignore[index]


def test_gates_that_were_shut_at_the_start_are_a_refusal() -> None:
    detail = {
        "problem": "refused",
        "refusals": [
            {
                "gate": "head",
                "reason": "head_moved",
                "sentence": "The head moved.",
                "opens_with": "/plan staging",
            },
            {"gate": "lock", "reason": "locked", "sentence": "It is held by #12 (bob).", "opens_with": None},
        ],
    }

    assert comment(status=RunStatus.FAILED, detail=detail) == snapshot("""\
<!-- gatewright {"kind": "refusal", "env": "staging", "project": "default", "run": "r123456789abcdef", "plan": "pabcdefg", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "refused", "reason": "head_moved", "reasons": ["head_moved", "locked"], "ref": "delivery-1"} -->
### 🚫 staging: not applied

Plan `pabcdefg` · commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Nothing was changed. The gates were asked again just before the start, and not all were open:

- **head**: The head moved.
- **lock**: It is held by #&#8203;12 (bob).

Next: comment `/plan staging`.
""")


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        (RunKind.APPLY, RunStatus.SUCCEEDED, ("apply", "applied")),
        (RunKind.REVERT, RunStatus.FAILED, ("revert", "failed")),
        (RunKind.APPLY, RunStatus.INTERRUPTED, ("apply", "interrupted")),
        (RunKind.DESTROY, RunStatus.CANCELED, ("destroy", "canceled")),
    ],
)
def test_the_header_tells_kind_and_end(kind: RunKind, status: RunStatus, shown: tuple[str, str]) -> None:
    fields = parse_header(comment(kind=kind, status=status))

    assert fields is not None
    assert (fields["kind"], fields["status"]) == shown
    assert (fields["env"], fields["run"], fields["plan"]) == ("staging", "r123456789abcdef", "pabcdefg")


_json = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=50)
    | st.just("x\n" * 40_000)
    | st.just("\x1b\x00@a " * 9000)
)


@settings(max_examples=40)
@given(
    status=st.sampled_from(RunStatus),
    detail=st.dictionaries(
        st.sampled_from(
            [
                "problem",
                "state",
                "log_tail",
                "message",
                "outputs",
                "exit_code",
                "serial_before",
                "changed",
                "stopped_by",
            ]
        ),
        _json
        | st.dictionaries(st.text(max_size=30), _json, max_size=4)
        | st.just({f"output_{number}": "v" * 500 for number in range(500)}),
    ),
    summary=st.none() | st.text(max_size=300),
)
def test_any_result_is_told_within_the_budget(
    status: RunStatus, detail: dict[str, Any], summary: str | None
) -> None:
    body = comment(status=status, detail=detail, summary=summary, plan=builders.plan())

    assert len(body.encode()) <= LIMIT
    assert parse_header(body) is not None
    assert "**Next**\n- " in body
    assert not MENTION.search(outside_code(body))


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.INTERRUPTED])
def test_abandoned_apply_says_that_the_stack_stays_locked(
    status: RunStatus,
) -> None:
    detail = {"problem": "lost", "message": "the bucket does not answer"}

    body = comment(status=status, detail=detail, keeps_lock=True)

    assert "This pull request keeps staging locked until it is merged or unlocked." in body
    assert "`/unlock staging`" in body


def test_an_apply_that_worked_says_nothing_of_its_lock() -> None:
    assert "/unlock" not in comment(detail=SERIALS, keeps_lock=True)
