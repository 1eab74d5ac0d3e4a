from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from inline_snapshot import snapshot

from bot.comments.checks.parity import ParityView, parity_check, parity_comment
from bot.domain.core.model import EnvName
from bot.domain.environments.parity import Allowance, Side, Topic, compare, unused
from tests.fakes.records.builders import BASE, HEAD, NOON, stack

NAMES = frozenset({EnvName("staging"), EnvName("prod")})
ALLOWED = (
    Allowance(environments=NAMES, difference="null_resource", reason="prod is larger"),
    Allowance(environments=NAMES, difference="var.old", reason="until @everyone has moved"),
)
ENGINE = {Topic.ENGINE: {"engine": "terraform 1.11.4"}}
STAGING = Side(
    stack=stack("staging"),
    facts={
        **ENGINE,
        Topic.VARIABLES: {"var.nodes": "set", "var.motto": "set"},
        Topic.PROVIDERS: {"provider.hashicorp/null": "2.1.2"},
        Topic.MODULES: {},
        Topic.RESOURCES: {"null_resource": "1", "terraform_data": "4"},
    },
    commit=HEAD,
    applied_at=NOON,
    serial=7,
    inputs_digest="e" * 64,
    fetched_digest=f"1:{'a' * 64}",
)
PROD = Side(
    stack=stack("prod"),
    facts={
        **ENGINE,
        Topic.VARIABLES: {"var.nodes": "set"},
        Topic.PROVIDERS: {"provider.hashicorp/null": "2.1.2"},
        Topic.MODULES: {},
        Topic.RESOURCES: {"null_resource": "3", "terraform_data": "4"},
    },
    commit=BASE,
    applied_at=NOON - timedelta(days=3),
    serial=4,
    inputs_digest="f" * 64,
    fetched_digest=f"1:{'a' * 64}",
)
NEW = Side(
    stack=stack("prod"),
    facts={**ENGINE, Topic.VARIABLES: {}, Topic.PROVIDERS: {}, Topic.MODULES: {}},
    unknown={Topic.RESOURCES: "prod was never applied"},
    never_applied=True,
    commit=HEAD,
)


def view(*pairs: tuple[Side, Side]) -> ParityView:
    compared = [compare(one, other, ALLOWED) for one, other in pairs]
    return ParityView(twins=compared, unused=unused(compared, ALLOWED), commit=HEAD)


def test_answer_says_what_each_side_is_of_and_what_differs() -> None:
    assert parity_comment(view((STAGING, PROD)), env="staging") == snapshot("""\
<!-- gatewright {"kind": "parity", "env": "staging", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "differs"} -->
### ❌ Twins: staging ≈ prod: 1 difference

#### ❌ staging ≈ prod

- staging: commit `aaaaaaa`, in place since 2026-03-04T12:00Z; its state is at serial 7
- prod: commit `bbbbbbb`, in place since 2026-03-01T12:00Z; its state is at serial 4

They have different releases: what one has and the other will get is a difference until then.

| What | staging | prod | |
| --- | --- | --- | --- |
| variables | 2 | 1 | ❌ differs |
| `var.motto` | `set` | `not set` | ❌ differs |
| engine | `terraform 1.11.4` | `terraform 1.11.4` | ✅ same |
| providers | 1 | 1 | ✅ same |
| modules | 0 | 0 | ✅ same |
| resources | 5 of 2 types | 7 of 2 types | ☑️ allowed |
| `null_resource` | `1` | `3` | ☑️ allowed: prod is larger |

- `var.old` between prod, staging is allowed (until @&#8203;everyone has moved), and nothing of it differs: take it out of `gatewright.yaml`.

**Next**
- A difference that is meant is allowed by name, with its reason, under `parity.allowed` in `gatewright.yaml`.
- To compare again, comment `/parity`.
""")


def test_the_check_is_red_for_a_difference_that_nobody_allowed() -> None:
    check = parity_check(view((STAGING, PROD)))

    assert (check.conclusion, check.title) == ("failure", "staging ≈ prod: 1 difference")
    assert "| `var.motto` | `set` | `not set` | ❌ differs |" in check.summary


def test_the_check_is_neutral_where_one_side_was_never_applied() -> None:
    bare = Side(
        stack=stack("staging"),
        facts={**NEW.facts, Topic.RESOURCES: {"terraform_data": "4"}},
        commit=HEAD,
        applied_at=NOON,
        serial=7,
    )

    check = parity_check(view((bare, NEW)))

    assert (check.conclusion, check.title) == (
        "neutral",
        "staging ≈ prod: no difference, as far as they can be compared",
    )
    assert "| resources | | | ⚪ not comparable: prod was never applied |" in check.summary
    assert "- prod: never applied, so it is compared as the code at `aaaaaaa` has it" in check.summary


def test_check_is_green_where_nothing_differs_but_what_is_allowed() -> None:
    check = parity_check(view((PROD, PROD)))

    assert (check.conclusion, check.title) == ("success", "prod ≈ prod: no difference")
    assert "Both have the same release." in check.summary


def test_where_there_is_nothing_to_compare_the_check_says_so() -> None:
    assert (parity_check(view()).conclusion, parity_check(view()).title) == ("success", "nothing to compare")


def test_of_several_twins_those_are_named_that_differ() -> None:
    assert parity_check(view((STAGING, PROD), (PROD, PROD))).title == "staging ≈ prod: 1 difference"
    assert parity_check(view((PROD, PROD), (PROD, PROD))).title == "no difference"
    assert parity_check(view((PROD, NEW), (PROD, PROD))).title.startswith("prod ≈ prod: ")


@pytest.mark.parametrize(
    ("fetched", "said"),
    [
        pytest.param(STAGING.fetched_digest, "Both have the same release.", id="the same"),
        pytest.param(f"1:{'b' * 64}", "with other modules or providers", id="others"),
        pytest.param(None, "is known after `/plan prod`", id="recorded by an older version"),
    ],
)
def test_the_same_code_with_other_modules_is_another_release(fetched: str | None, said: str) -> None:
    prod = replace(PROD, inputs_digest=STAGING.inputs_digest, fetched_digest=fetched)

    assert said in parity_comment(view((STAGING, prod)), env="staging")
