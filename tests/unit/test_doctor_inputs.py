"""What doctor says of the variables that plans and applies are given."""

from __future__ import annotations

from bot.doctor.inputs import variables
from bot.settings import EnvironmentSecrets


def told(**settings: str) -> dict[str, tuple[str, str]]:
    """Return part -> grade and sentence."""
    return {one.part: (one.grade, one.sentence) for one in variables(EnvironmentSecrets(settings))}


def test_equal_variables_are_well() -> None:
    found = told(EU_PROD_TF_VAR_login="x", EU_PROD_PLAN_TF_VAR_login="x")

    assert found == {"variables of eu-prod": ("ok", "the same for plans and applies")}


def test_a_variable_of_applies_alone_is_wrong_by_name() -> None:
    grade, sentence = told(STAGING_TF_VAR_login="very-secret")["variables of staging"]

    assert grade == "error"
    assert "STAGING_TF_VAR_login is set, STAGING_PLAN_TF_VAR_login is not" in sentence
    assert "very-secret" not in sentence


def test_a_variable_of_plans_alone_is_wrong_by_name() -> None:
    grade, sentence = told(STAGING_PLAN_TF_VAR_login="x")["variables of staging"]

    assert (grade, "STAGING_PLAN_TF_VAR_login is set, STAGING_TF_VAR_login is not" in sentence) == (
        "error",
        True,
    )


def test_other_values_are_a_warning_that_names_the_exception() -> None:
    grade, sentence = told(STAGING_TF_VAR_login="one", STAGING_PLAN_TF_VAR_login="other")[
        "variables of staging"
    ]

    assert grade == "warning"
    assert "STAGING_TF_VAR_login and STAGING_PLAN_TF_VAR_login have different values" in sentence
    assert "`ephemeral = true`" in sentence


def test_credentials_and_foreign_variables_are_passed_over() -> None:
    assert told(STAGING_AWS_ACCESS_KEY_ID="x", TF_VAR_login="of the shell", PATH="/bin") == {}
