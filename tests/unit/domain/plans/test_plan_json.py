"""From Terraform's plan to a summary; the fixtures are told in tests/data/plans/README.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.core.errors import TerraformError
from bot.domain.plans.plan import Action, Counts, PlanSummary, RiskLevel
from bot.domain.plans.plan_json import summarise
from bot.domain.secrets.redaction import Redactor
from tests.data.plans import plan_json, plan_text


def summary_of(name: str, **changes: Any) -> PlanSummary:
    given: dict[str, Any] = {"arguments": (), "warnings": (), "redact": str} | changes
    return summarise(plan_json(name), plan_text(name), **given)


def test_rows_come_in_order_in_which_people_must_see_them() -> None:
    summary = summary_of("mixed")

    assert [(row.action, row.address) for row in summary.resources] == [
        (Action.DESTROY, "terraform_data.gone"),
        (Action.DESTROY, 'terraform_data.many["c/d"]'),
        (Action.REPLACE, "terraform_data.replaced"),
        (Action.FORGET, "terraform_data.forgotten"),
        (Action.CHANGE, "terraform_data.keep"),
        (Action.CHANGE, 'terraform_data.many["a b"]'),
        (Action.CHANGE, 'terraform_data.many["e\\"f"]'),
        (Action.CHANGE, "terraform_data.text"),
        (Action.ADD, "terraform_data.fresh"),
        (Action.IMPORT, "terraform_data.imported"),
        (Action.MOVE, "terraform_data.new_name"),
    ]


def test_each_resource_is_counted_once_and_under_its_own_action() -> None:
    summary = summary_of("mixed")

    assert summary.counts == Counts(add=1, change=4, destroy=2, replace=1, import_=1, move=1, forget=1)
    assert summary.has_changes
    assert summary.terraform_version == "1.11.4"


def test_a_replacement_says_what_forces_it() -> None:
    replaced = next(row for row in summary_of("mixed").resources if row.action is Action.REPLACE)

    assert replaced.replace_paths == ("triggers_replace",)
    assert replaced.reason == "It cannot be updated in place."


def test_a_destroy_says_why() -> None:
    reasons = {row.address: row.reason for row in summary_of("mixed").resources}

    assert reasons["terraform_data.gone"] == "No longer in the configuration."
    assert reasons['terraform_data.many["c/d"]'] == "Its key is no longer in for_each."
    assert reasons["terraform_data.forgotten"] == "A removed block lets go of it without destroying it."


def test_a_move_names_both_addresses_and_an_import_says_so() -> None:
    rows = {row.action: row for row in summary_of("mixed").resources}

    assert rows[Action.MOVE].previous_address == "terraform_data.old_name"
    assert rows[Action.IMPORT].importing


def test_every_row_carries_terraforms_own_rendering() -> None:
    rows = {row.address: row.diff for row in summary_of("mixed").resources}

    assert all(rows.values())
    assert rows["terraform_data.fresh"] == (
        "  # terraform_data.fresh will be created\n"
        '  + resource "terraform_data" "fresh" {\n'
        "      + id     = (known after apply)\n"
        '      + input  = "new"\n'
        "      + output = (known after apply)\n"
        "    }"
    )
    assert rows["terraform_data.new_name"].startswith("  # terraform_data.old_name has moved to")
    assert rows["terraform_data.forgotten"].startswith(
        " # terraform_data.forgotten will no longer be managed"
    )


def test_value_that_looks_like_header_does_not_start_another_resource() -> None:
    rows = {row.address: row.diff for row in summary_of("mixed").resources}

    assert "# terraform_data.same will be destroyed" in rows["terraform_data.text"]
    assert rows["terraform_data.text"].endswith("\n    }")
    assert "terraform_data.same" not in rows


def test_outputs_are_named_without_their_values() -> None:
    outputs = summary_of("mixed").outputs

    assert [(output.name, output.action, output.sensitive) for output in outputs] == [
        ("dropped", Action.DESTROY, False),
        ("size", Action.CHANGE, False),
        ("fresh", Action.ADD, False),
    ]


def test_only_failed_checks_are_told() -> None:
    assert summary_of("mixed").failed_checks == ("check.size_is_small: size must be small, not 2",)
    assert summary_of("aws").failed_checks == ("aws_instance.web: It could not be evaluated.",)


def test_a_data_source_is_no_row() -> None:
    summary = summary_of("aws")

    assert all(not row.address.startswith("data.") for row in summary.resources)


def test_a_deposed_object_is_a_row_of_its_own() -> None:
    rows = {row.address: row for row in summary_of("aws").resources}

    deposed = rows["aws_instance.web (deposed a1b2c3d4)"]
    assert deposed.action is Action.DESTROY
    assert deposed.reason == "Left over from a replacement that failed half-way."
    assert "i-old" in deposed.diff
    assert rows["aws_instance.web"].action is Action.CHANGE


def test_only_changes_from_outside_that_matter_are_drift() -> None:
    drift = {row.address: row for row in summary_of("aws").drift}

    assert {address: row.action for address, row in drift.items()} == {
        "aws_instance.web": Action.CHANGE,  # This plan would undo it.
        "aws_iam_role.ci": Action.DESTROY,
        "aws_eip.nat[0]": Action.CHANGE,  # A planned change relies on it.
    }
    assert drift["aws_iam_role.ci"].diff.startswith("  # aws_iam_role.ci has been deleted")
    assert '"infra" -> "x"' in drift["aws_instance.web"].diff


def test_a_plan_that_does_nothing_has_no_changes() -> None:
    unchanged = plan_json("mixed")
    for item in unchanged["resource_changes"]:
        item["change"]["actions"] = ["no-op"]
        item["change"].pop("importing", None)
        item.pop("previous_address", None)
    unchanged["output_changes"] = {}

    summary = summarise(unchanged, "No changes.", arguments=(), warnings=(), redact=str)

    assert not summary.has_changes
    assert summary.resources == ()
    assert summary.risk.level is RiskLevel.NONE


def test_an_output_alone_is_a_change() -> None:
    only_output = {"output_changes": {"url": {"actions": ["create"], "after": "x"}}}

    summary = summarise(only_output, "", arguments=(), warnings=(), redact=str)

    assert summary.has_changes
    assert summary.counts == Counts()


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("old-token-value", id="an attribute that repeats a secret and is not marked"),
        pytest.param("new-token-value", id="the new secret"),
        pytest.param("deep-inner-password", id="a value inside a secret JSON text"),
        pytest.param('"bob"', id="a short value inside a secret JSON text"),
        pytest.param('"abc"', id="a short secret"),
        pytest.param("= 42", id="a short number"),
        pytest.param("MIIBOgIBAAJBAKj34G", id="one line of a secret of many lines"),
        pytest.param("kyNHNlrVG9", id="another line of it"),
    ],
)
def test_no_secret_is_left_in_any_diff_or_in_text(secret: str) -> None:
    summary = summary_of("secrets")

    shown = "\n".join([summary.text, *(row.diff for row in summary.resources)])

    assert secret not in shown
    assert shown.count("(sensitive)") >= 10


def test_what_is_not_secret_stays_readable() -> None:
    rows = {row.address: row.diff for row in summary_of("secrets").resources}

    assert '- user     = "app"' in rows["terraform_data.token"]
    assert rows["terraform_data.number"].endswith("~ output = (sensitive) -> (known after apply)\n    }")


def test_a_text_that_was_redacted_before_is_understood_too() -> None:
    redact = Redactor({"many", "deep-inner-password"})
    raw = plan_text("mixed")

    summary = summarise(plan_json("mixed"), redact(raw), arguments=(), warnings=(), redact=redact)

    assert all(row.diff for row in summary.resources)


def test_credentials_are_removed_from_everything_that_is_carried() -> None:
    redact = Redactor({"AKIAEXAMPLEKEY", "c/d-secret-key"})
    given = plan_json("mixed")
    given["resource_changes"][0]["address"] = 'terraform_data.x["AKIAEXAMPLEKEY"]'

    summary = summarise(
        given,
        "Terraform will perform the following actions:\n\n  # a.b will be created\n  + x = AKIAEXAMPLEKEY\n    }\n",
        arguments=(),
        warnings=("the key AKIAEXAMPLEKEY is old",),
        redact=redact,
    )

    assert "AKIAEXAMPLEKEY" not in repr(summary)
    assert summary.warnings == ("the key (sensitive) is old",)


def test_every_line_of_the_text_is_kept() -> None:
    assert summary_of("mixed").text == plan_text("mixed")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_change = st.fixed_dictionaries(
    {
        "actions": st.lists(
            st.sampled_from(["create", "delete", "update", "no-op", "forget", "read"]), max_size=2
        )
    },
    optional={
        "before": _json,
        "after": _json,
        "before_sensitive": _json,
        "after_sensitive": _json,
        "importing": st.just({"id": "x"}),
        "replace_paths": st.lists(st.lists(st.text(max_size=4) | st.integers(), max_size=3), max_size=2),
    },
)
_item = st.fixed_dictionaries(
    {
        "address": st.text(max_size=12),
        "type": st.sampled_from(["aws_s3_bucket", "aws_security_group"]),
        "change": _change,
    },
    optional={
        "previous_address": st.text(max_size=6),
        "deposed": st.text(max_size=4),
        "mode": st.just("managed"),
    },
)


@settings(deadline=None)
@given(items=st.lists(_item, max_size=6), drift=st.lists(_item, max_size=3), text=st.text(max_size=200))
def test_any_plan_is_summarised(items: list[Any], drift: list[Any], text: str) -> None:
    plan = {"resource_changes": items, "resource_drift": drift}

    summary = summarise(plan, text, arguments=(), warnings=(), redact=str)

    assert summary.has_changes == bool(summary.resources)
    assert len(summary.change_digest) == 64
    assert 0 <= summary.risk.score <= 100


def test_values_without_measure_are_refused_in_words() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    plan = {"output_changes": {"deep": {"actions": ["create"], "after": deep, "after_sensitive": deep}}}

    with pytest.raises(TerraformError, match="nested too deeply"):
        summarise(plan, "", arguments=(), warnings=(), redact=str)
