from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.plans.plan import Action, RiskLevel
from bot.domain.plans.plan_json import summarise
from bot.domain.plans.risk import MANY_DESTROYS, SCORES, Change, Finding, assess, row_level
from tests.data.plans import plan_json, plan_text


def change(action: Action, type_: str = "terraform_data", **given: Any) -> Change:
    return Change(address=f"{type_}.x", type=type_, action=action, **given)


@pytest.mark.parametrize(
    ("action", "type_", "finding", "level"),
    [
        (Action.DESTROY, "aws_db_instance", Finding.DATA_DESTROYED, RiskLevel.HIGH),
        (Action.REPLACE, "google_sql_database_instance", Finding.DATA_REPLACED, RiskLevel.HIGH),
        (Action.DESTROY, "terraform_data", Finding.DESTROYED, RiskLevel.MEDIUM),
        (Action.REPLACE, "terraform_data", Finding.REPLACED, RiskLevel.MEDIUM),
        (Action.FORGET, "aws_db_instance", Finding.FORGOTTEN, RiskLevel.MEDIUM),
        (Action.CHANGE, "aws_db_instance", Finding.CHANGED, RiskLevel.LOW),
        (Action.IMPORT, "aws_db_instance", Finding.IMPORTED, RiskLevel.LOW),
        (Action.ADD, "aws_db_instance", Finding.ADDED, RiskLevel.LOW),
        (Action.MOVE, "aws_db_instance", Finding.MOVED, RiskLevel.LOW),
    ],
)
def test_one_change_scores_as_the_table_says(
    action: Action, type_: str, finding: Finding, level: RiskLevel
) -> None:
    risk = assess([change(action, type_)], existing=5)

    assert (risk.score, risk.level) == (SCORES[finding], level)
    assert row_level(change(action, type_)) is level


def test_a_plan_scores_as_its_worst_change() -> None:
    risk = assess([change(Action.ADD), change(Action.DESTROY), change(Action.CHANGE)], existing=5)

    assert risk.score == SCORES[Finding.DESTROYED]
    assert risk.reasons == ("Destroys 1 resource.",)


def test_nothing_is_no_risk() -> None:
    risk = assess([], existing=3)

    assert (risk.score, risk.level, risk.reasons) == (0, RiskLevel.NONE, ())


def test_destroying_everything_is_the_highest_risk() -> None:
    risk = assess([change(Action.DESTROY), change(Action.DESTROY)], existing=2)

    assert risk.score == 100
    assert risk.reasons[0] == "Destroys everything that the state holds."


def test_a_deposed_object_alone_is_not_everything() -> None:
    risk = assess([change(Action.DESTROY, deposed=True)], existing=1)

    assert risk.score == SCORES[Finding.DESTROYED]


def test_many_destroys_are_a_risk_of_their_own() -> None:
    few = assess([change(Action.DESTROY)] * MANY_DESTROYS, existing=100)
    many = assess([change(Action.DESTROY)] * (MANY_DESTROYS + 1), existing=100)

    assert few.level is RiskLevel.MEDIUM
    assert many.level is RiskLevel.HIGH


def _policy(**statement: Any) -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": [{"Effect": "Allow", "Resource": "*"} | statement]})}


@pytest.mark.parametrize(
    ("type_", "after", "what"),
    [
        (
            "aws_security_group",
            {"ingress": [{"cidr_blocks": ["0.0.0.0/0"]}]},
            "accepts traffic from 0.0.0.0/0",
        ),
        ("aws_security_group", {"ingress": [{"ipv6_cidr_blocks": ["::/0"]}]}, "accepts traffic from ::/0"),
        (
            "aws_security_group_rule",
            {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]},
            "accepts traffic from 0.0.0.0/0",
        ),
        ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0"}, "accepts traffic from 0.0.0.0/0"),
        (
            "google_compute_firewall",
            {"direction": "INGRESS", "source_ranges": ["0.0.0.0/0"], "allow": [{}]},
            "accepts traffic from 0.0.0.0/0",
        ),
        (
            "azurerm_network_security_rule",
            {
                "direction": "Inbound",
                "access": "Allow",
                "source_address_prefix": "*",
                "source_port_range": "*",
            },
            "accepts traffic from *",
        ),
        ("aws_s3_bucket_acl", {"acl": "public-read"}, "has the public ACL public-read"),
        ("aws_db_instance", {"publicly_accessible": True}, "sets publicly_accessible = true"),
        (
            "aws_s3_bucket_public_access_block",
            {"block_public_policy": False},
            "sets block_public_policy = false",
        ),
        (
            "google_storage_bucket_iam_member",
            {"member": "allUsers", "role": "x"},
            "grants access to allUsers",
        ),
        ("google_project_iam_binding", {"members": [], "role": "roles/owner"}, "grants the role roles/owner"),
        ("aws_iam_policy", _policy(Action="*"), "allows every action (IAM *)"),
        ("aws_iam_policy", _policy(Action=["s3:Get*", "*"]), "allows every action (IAM *)"),
        (
            "aws_s3_bucket_policy",
            _policy(Action="s3:GetObject", Principal={"AWS": "*"}),
            "allows every principal (IAM *)",
        ),
    ],
)
def test_what_opens_to_everybody_is_named(type_: str, after: dict[str, Any], what: str) -> None:
    risk = assess([change(Action.ADD, type_, after=after)], existing=5)

    assert risk.exposes == (f"{type_}.x {what}",)
    assert risk.level is RiskLevel.HIGH


@pytest.mark.parametrize(
    ("type_", "after"),
    [
        ("aws_security_group", {"egress": [{"cidr_blocks": ["0.0.0.0/0"]}]}),
        ("aws_security_group_rule", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}),
        ("aws_security_group", {"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}]}),
        ("aws_route", {"destination_cidr_block": "0.0.0.0/0"}),
        (
            "google_compute_firewall",
            {"direction": "INGRESS", "source_ranges": ["0.0.0.0/0"], "deny": [{"protocol": "all"}]},
        ),
        (
            "azurerm_network_security_rule",
            {"direction": "Inbound", "access": "Deny", "source_address_prefix": "*"},
        ),
        (
            "azurerm_network_security_rule",
            {
                "direction": "Inbound",
                "access": "Allow",
                "source_address_prefix": "10.0.0.1",
                "source_port_range": "*",
            },
        ),
        ("aws_iam_policy", _policy(Action="s3:*")),
        ("aws_iam_policy", _policy(Action="s3:Get", Principal="*", Condition={"StringEquals": {}})),
        ("aws_iam_policy", _policy(Effect="Deny", Action="*")),
        ("aws_iam_policy", {"policy": 'not json "Statement"'}),
        ("aws_iam_policy", {"policy": '["Statement"]'}),
        ("aws_db_instance", {"publicly_accessible": False}),
    ],
)
def test_what_stays_closed_is_not(type_: str, after: dict[str, Any]) -> None:
    assert assess([change(Action.ADD, type_, after=after)], existing=5).exposes == ()


def test_what_was_open_before_is_not_told_again() -> None:
    opened = {"acl": "public-read"}

    risk = assess([change(Action.CHANGE, "aws_s3_bucket_acl", before=opened, after=opened)], existing=5)

    assert risk.exposes == ()


def test_a_real_plan_names_what_it_loses_and_opens() -> None:
    risk = summarise(plan_json("aws"), plan_text("aws"), arguments=(), warnings=(), redact=str).risk

    assert risk.stateful == ("aws_db_instance.main", "module.files.aws_s3_bucket.uploads")
    assert risk.destroys == ("aws_db_instance.main", "aws_instance.web (deposed a1b2c3d4)")
    assert risk.replaces == ("module.files.aws_s3_bucket.uploads",)
    assert risk.exposes == (
        "aws_security_group.web accepts traffic from 0.0.0.0/0",
        "aws_iam_policy.deploy allows every action (IAM *)",
    )
    assert risk.score == SCORES[Finding.DATA_DESTROYED]


def test_every_finding_has_a_score_between_zero_and_hundred() -> None:
    assert set(SCORES) == set(Finding)
    assert all(0 < score <= 100 for score in SCORES.values())
