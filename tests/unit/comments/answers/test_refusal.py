from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.comments.answers.refusal import refusal_comment
from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.domain.core.refusals import Reason, Refusal
from tests.fakes.accounts import account
from tests.unit.comments.rendered import MENTION, outside_code

DEV = account("dev")


def test_one_refusal_with_its_choices_and_the_next_command() -> None:
    refusal = Refusal(
        reason=Reason.ENVIRONMENT,
        sentence="There is no environment `stagin` in gatewright.yaml.",
        next_command="/apply staging",
        detail=("`staging`", "`prod`"),
    )

    body = refusal_comment([refusal], actor=DEV, line="/apply stagin", head="a" * 40, reference="delivery-1")

    assert body == snapshot("""\
<!-- gatewright {"kind": "refusal", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "refused", "reason": "environment", "ref": "delivery-1"} -->
### 🚫 Refused

`dev` asked for `/apply stagin`, but nothing was done.

There is no environment `stagin` in gatewright.yaml.

- `staging`
- `prod`

Next: comment `/apply staging`.
""")


def test_several_refusals_are_told_at_once() -> None:
    refusals = [
        Refusal(reason=Reason.HEAD_MOVED, sentence="The head moved.", next_command="/plan staging"),
        Refusal(
            reason=Reason.LOCKED,
            sentence="It is held by #12 (bob).",
            next_command="/unlock staging on #12, or merge it",
        ),
        Refusal(reason=Reason.PLAN_EXPIRED, sentence="The plan is old.", next_command="/plan staging"),
    ]

    assert refusal_comment(refusals, actor=DEV, line="/apply staging") == snapshot("""\
<!-- gatewright {"kind": "refusal", "status": "refused", "reason": "head_moved", "reasons": ["head_moved", "locked", "plan_expired"]} -->
### 🚫 Refused

`dev` asked for `/apply staging`, but nothing was done.

- The head moved.
- It is held by #&#8203;12 (bob).
- The plan is old.

Next: comment `/plan staging`.

Next: /unlock staging on #&#8203;12, or merge it.
""")


def test_a_missing_permission_is_told_shortly() -> None:
    refusal = Refusal(reason=Reason.PERMISSION, sentence="`/apply` needs write access to acme/infra.")

    assert refusal_comment([refusal], actor=account("outsider"), line="/apply prod") == snapshot("""\
<!-- gatewright {"kind": "refusal", "status": "refused", "reason": "permission"} -->
🚫 `outsider` asked for `/apply prod`, but nothing was done. `/apply` needs write access to acme/infra.
""")


def test_equal_reasons_are_named_once() -> None:
    refusals = [Refusal(reason=Reason.GATE, sentence=f"Gate {number}.") for number in range(3)]

    fields = parse_header(refusal_comment(refusals, actor=DEV, line="/apply prod"))

    assert fields == {"kind": "refusal", "status": "refused", "reason": "gate"}


def test_nothing_to_refuse_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="needs a refusal"):
        refusal_comment([], actor=DEV, line="/plan")


_text = st.text(max_size=60) | st.text(alphabet="`|@x #1", max_size=60)
_refusals = st.builds(
    Refusal,
    reason=st.sampled_from(Reason),
    sentence=_text,
    next_command=st.none() | _text,
    detail=st.lists(_text, max_size=3).map(tuple),
)


@settings(max_examples=30)
@given(st.lists(_refusals, min_size=1, max_size=5), _text, _text, st.sampled_from([1, 10, 300]))
def test_any_refusal_fits_and_mentions_nobody(
    refusals: list[Refusal], actor: str, line: str, times: int
) -> None:
    many = [
        replace(refusal, sentence=refusal.sentence * times, detail=refusal.detail * times)
        for refusal in refusals * min(times, 10)
    ]

    body = refusal_comment(many, actor=account(actor * times), line=line * times)

    assert len(body.encode()) <= LIMIT
    assert parse_header(body) is not None
    assert not MENTION.search(outside_code(body))


def test_shut_gates_are_named_and_open_ones_can_be_read() -> None:
    shut = Refusal(
        reason=Reason.CODEOWNERS,
        sentence="`terraform/` is not approved by @owner.",
        next_command="approval from @owner",
        gate="codeowners",
    )

    body = refusal_comment([shut], actor=DEV, line="/apply prod", env="prod", project="api")

    assert body.split("\n\n", 2)[2] == snapshot("""\
Gate `codeowners`: `terraform/` is not approved by @&#8203;owner.

Next: approval from @&#8203;owner.
To see every gate, comment `/gates prod -p api`.
""")
