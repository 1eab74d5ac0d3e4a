"""What all commands share: help texts, results for people and programs, errors."""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

_TYPE_MESSAGES: Final = (
    (re.compile(r"Input should be a valid integer.*"), "must be a whole number"),
    (re.compile(r"Input should be "), "must be "),
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def group(**options: Any) -> typer.Typer:
    """Return a group of commands with plain help texts, which also answers to `-h`."""
    # Rich's help would add boxes, and types to options that take no value.
    return typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


def examples(*lines: str) -> str:
    """Return the examples at the end of a help text."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def show(text: str) -> None:
    """Print a result."""
    sys.stdout.write(f"{text}\n")


def show_json(value: Any) -> None:
    """Print a result for programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Print on standard error, so that the result on standard output stays clean."""
    sys.stderr.write(f"{text}\n")


def show_usage_error(error: TyperException) -> int:
    """Print why the words of a command line are wrong; returns the exit code."""
    message = error.format_message()
    if message.startswith("Usage:"):
        # A group without a command shows its help.
        show(message)
        return 0
    for pattern, words in _TYPE_MESSAGES:
        message = pattern.sub(words, message)
    note(f"error: {message[:1].lower()}{message[1:].rstrip('.')}")
    context = getattr(error, "ctx", None)
    if context is not None:
        note(f"{context.get_usage()}\nRun `{context.command_path} -h` for help.")
    return error.exit_code
