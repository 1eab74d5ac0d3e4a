"""Argument lists for Terraform, built by python-terraform and by nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from python_terraform import IsFlagged, Terraform

from bot.domain.core.errors import TerraformError

FLAG = IsFlagged
"""Value of an option without a value, such as `-no-color`."""

PLAN_ARGUMENTS = frozenset({"target", "replace", "refresh", "parallelism"})
"""Options that a person may add after `--`; the command parser rejects all others before."""

OptionValue = str | int | bool | list[str] | type[IsFlagged] | None


class TerraformArgv(Terraform):  # type: ignore[misc]  # The library has no types.
    """Only `generate_cmd_string` of the library is used.

    Its ways to run a process are closed off.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        super().__init__(is_env_vars_included=False)

    def __getattr__(self, item: str) -> NoReturn:
        """Refuse names that the library would turn into a subcommand."""
        raise AttributeError(item)

    def read_state_file(self, file_path: str | None = None) -> None:
        """Read nothing: the library would take the backend's settings for the state."""

    def build(self, subcommand: str, *positional: str, **options: OptionValue) -> tuple[str, ...]:
        """Return the argv of a subcommand; option names are written with underscores.

        A positional that starts with a dash would be read as an option, and a mapping would make the library
        write a temporary file, so both are a ValueError.
        """
        for value in positional:
            if value.startswith("-"):
                raise ValueError(f"a positional argument must not look like an option: {value!r}")
        if any(isinstance(value, dict) for value in options.values()):
            raise ValueError("variables are passed by file or environment, not by mapping")
        generated: list[str] = self.generate_cmd_string(subcommand, *positional, **options)
        return (*self._command, *generated[1:])


def plan_options(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return the extra arguments of a plan as options, `-name=value` and `-name value` alike.

    A second look behind the command parser: a name outside of the allow list is a TerraformError.
    """
    options: dict[str, list[str]] = {}
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        name, separator, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name not in PLAN_ARGUMENTS:
            raise TerraformError(f"the argument {argument!r} may not be given to a plan")
        if not separator:
            if not waiting or waiting[-1].startswith("-"):
                raise TerraformError(f"the argument {argument!r} needs a value")
            value = waiting.pop()
        options.setdefault(name, []).append(value)
    return options
