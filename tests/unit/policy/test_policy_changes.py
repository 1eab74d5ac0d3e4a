"""What another policy would change is told by its meaning."""

from __future__ import annotations

import pytest

from bot.domain.environments.policy_changes import EnvironmentOutline, PolicyChange, PolicyChanges
from bot.policy import RepoPolicy, load_policy
from bot.policy.changes import policy_changes

TEXT = """
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/x.tfstate, apply: {allow: write}}
  prod:
    state_key: prod/x.tfstate
    apply: {allow: write, gates: [codeowners, risk], from: staging, soak: 1h}
merge_requires: [staging]
"""


def changed(*replaced: tuple[str, str]) -> PolicyChanges:
    text = TEXT
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return policy_changes(policy(TEXT), policy(text))


def policy(text: str) -> RepoPolicy:
    return load_policy(text)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("soak: 1h", "soak: 5m", ("prod", "apply.soak", "1h", "5m")),
        ("soak: 1h", "soak: 1h, risk: {max_level: high}", ("prod", "apply.risk.max_level", "medium", "high")),
        (
            "staging/x.tfstate, apply: {allow: write}",
            'staging/x.tfstate, apply: {allow: [admin, "@acme/ops"]}',
            (
                "staging",
                "apply.allow",
                "write access",
                "admin access or membership in @acme/ops",
            ),
        ),
        ("[staging]", "[staging, prod]", ("all environments", "merge_requires", "staging", "staging, prod")),
        ("1.11.4", "1.12.0", ("all environments", "terraform.version", "1.11.4", "1.12.0")),
    ],
    ids=["a duration", "a default", "who may apply", "a list", "the version"],
)
def test_a_setting_is_shown_as_it_was_and_will_be(
    old: str, new: str, expected: tuple[str, str, str, str]
) -> None:
    where, setting, before, after = expected
    assert changed((old, new)).changed == (
        PolicyChange(where=where, setting=setting, before=before, after=after),
    )


def test_gate_that_goes_is_told_even_where_it_was_implied() -> None:
    found = changed(("gates: [codeowners, risk], from: staging, soak: 1h", "gates: [risk]"))

    assert found.lost_gates == (("prod", "codeowners"), ("prod", "promoted"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("allow: write}", "allow: write, gates: []}"),
        ("gates: [codeowners, risk]", "gates: [risk, codeowners]"),
        ("gates: [codeowners, risk]", "gates: [codeowners, risk, promoted]"),
        ("state_key: staging/x.tfstate,", "state_key: staging/x.tfstate, autoplan: true,"),
        ("merge_requires:", "# A remark.\nmerge_requires:"),
    ],
    ids=["an empty list", "another order", "an implied gate", "a default", "a comment"],
)
def test_what_means_the_same_is_no_change(old: str, new: str) -> None:
    assert changed((old, new)) == PolicyChanges()


def test_an_environment_that_promotes_changes_its_source() -> None:
    found = changed((", from: staging, soak: 1h", ""))

    assert PolicyChange(where="staging", setting="after_merge", before="apply", after="plan") in found.changed


def test_environments_that_come_and_go_are_told() -> None:
    found = changed(
        ("  staging: {", "  canary: {"),
        ("from: staging, soak", "from: canary, soak"),
        ("[staging]", "[canary]"),
    )

    assert [each.name for each in found.added] == ["canary"]
    assert found.removed == ("staging",)
    assert found.environments == ("canary", "staging", "prod")


def test_without_a_policy_before_every_environment_is_new() -> None:
    found = policy_changes(None, policy(TEXT.replace("  staging: {", "  staging: {autoplan: false, ")))

    assert found == PolicyChanges(
        added=(
            EnvironmentOutline(name="staging", plans="`/plan` alone", applies="write access", gates=()),
            EnvironmentOutline(
                name="prod",
                plans="every pull request that touches it",
                applies="write access",
                gates=("codeowners", "risk", "promoted"),
            ),
        )
    )
