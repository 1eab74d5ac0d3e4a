"""Checks that plans and applies of an environment get the same variables."""

from __future__ import annotations

from collections.abc import Iterator

from bot.doctor.findings import Finding
from bot.domain.core.model import EnvName
from bot.domain.hcl.variables import PREFIX, Difference, differences
from bot.settings import EnvironmentSecrets


def variables(secrets: EnvironmentSecrets) -> Iterator[Finding]:
    """Yield the differences, by the names of settings and without values."""
    for env in secrets.environments_with_variables():
        found = differences(
            secrets.credentials(env, purpose="plan"), secrets.credentials(env, purpose="apply")
        )
        part = f"variables of {env}"
        alone = [_alone(secrets, env, one) for one in found if one.only is not None]
        unlike = [_both(secrets, env, one.name) for one in found if one.only is None]
        if alone:
            sentence = f"{'; '.join(alone)}: set both to the same value, or remove it"
            yield Finding(part=part, grade="error", sentence=sentence)
        if unlike:
            sentence = (
                f"{'; '.join(unlike)}: unless the root module declares the variable with `ephemeral = true`,"
                " nothing is planned; set both to the same value"
            )
            yield Finding(part=part, grade="warning", sentence=sentence)
        if not found:
            yield Finding(part=part, grade="ok", sentence="the same for plans and applies")


def _names(secrets: EnvironmentSecrets, env: EnvName, name: str) -> tuple[str, str]:
    start = secrets.prefix(env)
    return f"{start}{PREFIX}{name}", f"{start}PLAN_{PREFIX}{name}"


def _alone(secrets: EnvironmentSecrets, env: EnvName, one: Difference) -> str:
    apply, plan = _names(secrets, env, one.name)
    there, missing = (plan, apply) if one.only == "plan" else (apply, plan)
    return f"{there} is set, {missing} is not"


def _both(secrets: EnvironmentSecrets, env: EnvName, name: str) -> str:
    return "{} and {} have different values".format(*_names(secrets, env, name))
