"""`/help`, generated from the table that dispatches the commands."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.escape import code, prose
from bot.comments.markdown.header import header
from bot.domain.commands.parser import CommandSpec


def help_comment(specs: Sequence[CommandSpec], *, reference: str | None = None) -> str:
    """Return the table of all commands."""
    rows = [f"| {code(spec.usage)} | {prose(spec.summary)} | {prose(spec.who)} |\n" for spec in specs]
    example = next((spec.name for spec in specs if spec.name != "help"), "help")
    return (
        f"{header('help', ref=reference)}\n### Commands\n\n"
        "Write one as the first line of a comment; what follows in the comment is a note for the record.\n\n"
        "| Command | What it does | Who may use it |\n| --- | --- | --- |\n"
        f"{''.join(rows)}\n"
        f"Next: comment {code(f'/help {example}')} to read about one command with examples.\n"
    )


def command_help(spec: CommandSpec, *, reference: str | None = None) -> str:
    """Return the help of one command."""
    examples = "".join(f"- {code(example)}\n" for example in spec.examples)
    arguments = (
        "\nAfter `--` it takes the Terraform arguments `-target`, `-replace`, `-refresh=false` and `-parallelism`.\n"
        if spec.accepts_terraform_arguments
        else ""
    )
    shown = f"\nExamples:\n{examples}" if examples else ""
    return (
        f"{header('help', ref=reference)}\n### {code('/' + spec.name)}\n\n{prose(spec.summary)}\n\n"
        f"- Usage: {code(spec.usage)}\n- Who may use it: {prose(spec.who)}\n{arguments}{shown}"
        "\nNext: comment `/help` to see all commands.\n"
    )
