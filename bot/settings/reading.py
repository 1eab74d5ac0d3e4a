"""Reads the settings from the process environment and `.env`, and explains invalid ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot.domain.core.repositories import EXAMPLE
from bot.settings.environments import EnvironmentSecrets
from bot.settings.fields import PREFIX, Settings, SettingsError
from bot.settings.urls import without_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The settings, with those that are invalid listed."""

    settings: Settings
    """With placeholders for those that are invalid."""
    secrets: EnvironmentSecrets
    wrong: Mapping[str, str]
    """Field -> what is wrong with it."""

    def problem(self, name: str) -> str:
        """Return what is wrong with a setting, with its full name."""
        what = self.wrong[name]
        return f"{PREFIX}{name.upper()}{' ' if what.startswith(('must ', 'is ')) else ': '}{what}"

    def require(self, *names: str) -> None:
        """Raise SettingsError where one of these settings (none named: any) is missing or invalid."""
        lines = [self.problem(name) for name in self.wrong if not names or name in names]
        if lines:
            start = "invalid settings:" if len(lines) > 1 else "invalid settings: "
            raise SettingsError(start + ("\n  " if len(lines) > 1 else "").join(["", *lines]))


def load(env_file: Path | None = None) -> tuple[Settings, EnvironmentSecrets]:
    """Return the settings; SettingsError lists every missing or invalid one by its full name."""
    reading = read(env_file)
    reading.require()
    return reading.settings, reading.secrets


def read(env_file: Path | None = None) -> Reading:
    """Return the settings, with placeholders for those that are missing or invalid."""
    file = env_file or Path(".env")
    wrong: dict[str, str] = {}
    # Rules about several settings are checked only once each of them is valid, so this takes several rounds.
    settings = None
    while settings is None:
        try:
            settings = Settings(_env_file=file, **{name: _placeholder(name) for name in wrong})
        except ValidationError as error:
            found = _explain(error)
            if not found.keys() - wrong.keys():
                raise SettingsError(f"cannot read the settings: {found}") from None
            wrong |= found
    from_file = {name: value for name, value in dotenv_values(file).items() if value is not None}
    return Reading(settings=settings, secrets=EnvironmentSecrets({**from_file, **os.environ}), wrong=wrong)


_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "too_short": "must have at least {min_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "int_parsing": "must be a number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
}
"""Kind of error -> what is allowed."""
_LONGEST_SHOWN = 60
_EXAMPLES = {"repositories": f"lists the repositories to serve, for example {PREFIX}REPOSITORIES={EXAMPLE}"}
_PLACEHOLDERS: Mapping[str, object] = {
    "s3_endpoint_url": "http://127.0.0.1",
    "github_private_key": "-",
    "repositories": ("placeholder/repositories",),
}


def _placeholder(name: str) -> Any:
    field = Settings.model_fields[name]
    return _PLACEHOLDERS.get(name, f"placeholder-{name}" if field.is_required() else field.default)


def _explain(error: ValidationError) -> dict[str, str]:
    """Return field -> what is wrong."""
    found = {}
    for problem in error.errors(include_url=False):
        # A rule about several settings names the one to change as its type.
        name = str(problem["loc"][0]) if problem["loc"] else problem["type"]
        found[name] = _sentence(name, problem)
    return found


def _sentence(name: str, problem: ErrorDetails) -> str:
    message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    message = message.format_map(problem.get("ctx", {})) if problem["type"] in _MESSAGES else message
    if problem["type"] == "missing":
        return f"{message}: it {_EXAMPLES[name]}" if name in _EXAMPLES else message
    value = problem["input"]
    is_shown = (
        problem["loc"] and isinstance(value, str) and not _is_secret(name) and repr(value) not in message
    )
    return f"{message}, got {_shown(value)}" if is_shown else message


def _is_secret(name: str) -> bool:
    return Settings.model_fields[name].annotation is SecretStr


def _shown(value: str) -> str:
    hidden = without_password(value)
    return repr(hidden if len(hidden) <= _LONGEST_SHOWN else f"{hidden[:_LONGEST_SHOWN]}…")
