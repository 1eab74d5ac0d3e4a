from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.domain.core.errors import EngineTooOldError, InputsDifferError
from bot.domain.core.model import FailureClass
from bot.ports import Engine
from bot.services.runs.credentials import Credentials
from bot.services.runs.failures import describe
from bot.services.runs.plan_inputs import Inputs, checked_inputs
from tests.fakes.records import builders

TERRAFORM = Engine(name="terraform", version="1.11.4")
ORDINARY = 'variable "login" {\n}\n'
EPHEMERAL = 'variable "login" {\n  ephemeral = true\n}\n'


@dataclass
class _Given:
    """The variables of one environment by purpose."""

    plan: dict[str, str] = field(default_factory=dict)
    apply: dict[str, str] = field(default_factory=dict)

    def environment(self, _env: str, *, purpose: str) -> dict[str, str]:
        return self.plan if purpose == "plan" else self.apply

    def setting(self, env: str, name: str, *, purpose: str) -> str:
        return f"{env}-{purpose}-{name}"


async def checked(
    given: _Given, code: str = ORDINARY, *, engine: Engine = TERRAFORM, applied: bool = True
) -> Inputs:
    credentials = cast("Credentials", given)
    return await checked_inputs(credentials, builders.stack(), engine, {"main.tf": code}, applied=applied)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            _Given(apply={"TF_VAR_login": "made-for-applies"}),
            "`staging-apply-TF_VAR_login` is set, `staging-plan-TF_VAR_login` is not",
        ),
        (
            _Given(plan={"TF_VAR_login": "made-for-plans"}),
            "`staging-plan-TF_VAR_login` is set, `staging-apply-TF_VAR_login` is not",
        ),
        (
            _Given(plan={"TF_VAR_login": "made-for-plans"}, apply={"TF_VAR_login": "made-for-applies"}),
            "`staging-plan-TF_VAR_login` and `staging-apply-TF_VAR_login` have different values",
        ),
    ],
)
async def test_a_difference_is_refused_by_name_and_never_by_value(given: _Given, says: str) -> None:
    with pytest.raises(InputsDifferError) as refused:
        await checked(given)

    assert says in str(refused.value)
    assert "made-for" not in repr(describe(refused.value))
    assert refused.value.failure_class is FailureClass.CONFIG
    assert describe(refused.value)["refusals"][0]["reason"] == "inputs_differ"


async def test_many_differences_are_all_listed() -> None:
    names = [f"v{number}" for number in range(5)]
    code = "".join(f'variable "{name}" {{\n}}\n' for name in names)
    given = _Given(plan={f"TF_VAR_{name}": "x" for name in names})

    with pytest.raises(InputsDifferError, match="and 2 more") as refused:
        await checked(given, code)

    assert len(refused.value.problems) == len(names)


async def test_credentials_may_differ() -> None:
    given = _Given(
        plan={"AWS_ACCESS_KEY_ID": "reads", "TF_VAR_login": "same"},
        apply={"AWS_ACCESS_KEY_ID": "writes", "TF_VAR_login": "same"},
    )

    assert (await checked(given)).ephemeral == ()


async def test_value_of_ephemeral_variable_may_differ_and_is_a_secret() -> None:
    given = _Given(plan={"TF_VAR_login": "of-plans"}, apply={"TF_VAR_login": "of-applies"})

    found = await checked(given, EPHEMERAL)

    assert found.ephemeral == ("login",)
    assert found.secrets == {"of-plans", "of-applies"}


async def test_a_sensitive_value_is_known_before_terraform_speaks() -> None:
    given = _Given(plan={"TF_VAR_login": "of-both"}, apply={"TF_VAR_login": "of-both"})

    found = await checked(given, 'variable "login" {\n  sensitive = true\n}\n')

    assert found.secrets == {"of-both"}
    assert "of-both" not in repr(found)


async def test_where_nothing_is_applied_a_difference_is_none() -> None:
    found = await checked(_Given(plan={"TF_VAR_login": "x"}), applied=False)

    assert found.ephemeral == ()


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [
        (Engine(name="terraform", version="1.9.8"), "terraform 1.10"),
        (Engine(name="tofu", version="1.10.6"), "tofu 1.11"),
    ],
)
async def test_an_engine_without_ephemeral_variables_is_refused_by_name(engine: Engine, wanted: str) -> None:
    with pytest.raises(
        EngineTooOldError, match=f"{engine.name} {engine.version} .*`login`.*{wanted}"
    ) as refused:
        await checked(_Given(), EPHEMERAL, engine=engine)

    assert refused.value.failure_class is FailureClass.CONFIG
