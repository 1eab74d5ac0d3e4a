"""The change digest: equal for two plans that do the same, different for any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.plans.plan_json import summarise
from tests.data.plans import plan_json

Plan = dict[str, Any]


def digest_of(plan: Plan, arguments: tuple[str, ...] = ()) -> str:
    return summarise(plan, "", arguments=arguments, warnings=(), redact=str).change_digest


@pytest.mark.parametrize("name", ["mixed", "secrets"])
def test_planning_twice_without_a_change_gives_the_same_digest(name: str) -> None:
    first, second = plan_json(name), plan_json(name, "again.json")

    assert first != second  # Terraform's time stamp.
    assert digest_of(first) == digest_of(second)


def test_order_time_and_version_do_not_matter() -> None:
    plan = plan_json("aws")
    other = plan_json("aws") | {"timestamp": "2030-01-01T00:00:00Z", "terraform_version": "1.12.0"}
    other["resource_changes"].reverse()
    other["resource_drift"].reverse()

    assert digest_of(plan) == digest_of(other)


def test_drift_that_nobody_is_shown_does_not_matter() -> None:
    other = plan_json("aws")
    hidden = next(item for item in other["resource_drift"] if item["type"] == "aws_cloudfront_distribution")
    hidden["change"]["after"]["in_progress_validation_batches"] = 7

    assert digest_of(other) == digest_of(plan_json("aws"))


def _change(plan: Plan, address: str) -> Plan:
    found: Plan = next(item for item in plan["resource_changes"] if item["address"] == address)
    return found


def _another_value(plan: Plan) -> None:
    _change(plan, "aws_security_group.web")["change"]["after"]["name"] = "api"


def _another_secret(plan: Plan) -> None:
    _change(plan, "aws_db_instance.main")["change"]["before"]["password"] = "another-one"


def _another_action(plan: Plan) -> None:
    _change(plan, "aws_iam_policy.deploy")["change"]["actions"] = ["update"]


def _less_known(plan: Plan) -> None:
    _change(plan, "aws_security_group.web")["change"]["after_unknown"] = {"name": True}


def _another_address(plan: Plan) -> None:
    _change(plan, "aws_iam_policy.deploy")["address"] = "aws_iam_policy.deployer"


def _moved(plan: Plan) -> None:
    _change(plan, "aws_iam_policy.deploy")["previous_address"] = "aws_iam_policy.old"


def _imported(plan: Plan) -> None:
    _change(plan, "aws_security_group.web")["change"]["importing"] = {"id": "sg-1"}


def _another_deposed_object(plan: Plan) -> None:
    next(item for item in plan["resource_changes"] if item.get("deposed"))["deposed"] = "ffffffff"


def _another_query(plan: Plan) -> None:
    _change(plan, "data.aws_ami.base")["change"]["after"]["owners"] = ["everybody"]


def _another_output(plan: Plan) -> None:
    plan["output_changes"]["url"] = {"actions": ["create"], "before": None, "after": "x"}


def _less_drift(plan: Plan) -> None:
    del plan["resource_drift"][0]


@pytest.mark.parametrize(
    "alter",
    [
        _another_value,
        _another_secret,
        _another_action,
        _less_known,
        _another_address,
        _moved,
        _imported,
        _another_deposed_object,
        _another_query,
        _another_output,
        _less_drift,
    ],
)
def test_anything_else_that_would_be_done_changes_the_digest(alter: Callable[[Plan], None]) -> None:
    plan = plan_json("aws")

    alter(plan)

    assert digest_of(plan) != digest_of(plan_json("aws"))


def test_the_arguments_belong_to_the_digest() -> None:
    plan = plan_json("aws")

    assert digest_of(plan, ("-target=a.b",)) != digest_of(plan)
