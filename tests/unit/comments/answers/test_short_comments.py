"""Help, confirmations, closing words and errors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from inline_snapshot import snapshot

from bot.comments.answers.confirmations import canceled_comment, unheld_comment, unlocked_comment
from bot.comments.answers.error import failure_comment
from bot.comments.answers.help import command_help, help_comment
from bot.comments.markdown.words import Step, age, command, duration, is_command, minute, next_line, steps
from bot.comments.pulls.closing import closed_comment
from bot.domain.commands.parser import CommandSpec
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

PLAN = CommandSpec(
    name="plan",
    usage="/plan [ENV…] [-- ARGUMENTS]",
    summary="Plan the touched stacks.",
    who="anybody with write access",
    examples=("/plan", "/plan staging"),
    accepts_terraform_arguments=True,
)
CANCEL = CommandSpec(
    name="cancel", usage="/cancel [RUN|PLAN]", summary="Stop a run.", who="anybody with write access"
)


def test_help_lists_every_command() -> None:
    assert help_comment([PLAN, CANCEL]) == snapshot("""\
<!-- gatewright {"kind": "help"} -->
### Commands

Write one as the first line of a comment; what follows in the comment is a note for the record.

| Command | What it does | Who may use it |
| --- | --- | --- |
| `/plan [ENV…] [-- ARGUMENTS]` | Plan the touched stacks. | anybody with write access |
| <code>/cancel &#91;RUN&#124;PLAN&#93;</code> | Stop a run. | anybody with write access |

Next: comment `/help plan` to read about one command with examples.
""")


def test_help_of_one_command() -> None:
    assert command_help(PLAN) == snapshot("""\
<!-- gatewright {"kind": "help"} -->
### `/plan`

Plan the touched stacks.

- Usage: `/plan [ENV…] [-- ARGUMENTS]`
- Who may use it: anybody with write access

After `--` it takes the Terraform arguments `-target`, `-replace`, `-refresh=false` and `-parallelism`.

Examples:
- `/plan`
- `/plan staging`

Next: comment `/help` to see all commands.
""")


def test_a_cancellation() -> None:
    assert canceled_comment(
        what=["run r1", "plan p1"], by=account("bob"), reference="delivery-1"
    ) == snapshot("""\
<!-- gatewright {"kind": "cancel", "status": "canceled", "ref": "delivery-1"} -->
🚫 `bob` canceled run r1, plan p1. A running Terraform is given time to end; its stack stays held until it is gone.

Next: comment `/status` to see what is left.
""")


def test_an_unlock() -> None:
    assert unlocked_comment(stacks=["staging", "prod (network)"], by=account("bob")) == snapshot("""\
<!-- gatewright {"kind": "unlock", "status": "unlocked"} -->
🔓 `bob` released staging, prod (network): other pull requests can apply now. What was applied from here stays applied.

Next: comment `/status` to see every environment.
""")


def test_an_error_of_ours_names_only_the_reference() -> None:
    assert failure_comment(reference="delivery-1") == snapshot("""\
<!-- gatewright {"kind": "error", "status": "failed", "ref": "delivery-1"} -->
### ⚠️ Something failed on our side

This could not be carried out. The log has it under `delivery-1`.

Next: give the command again; if it fails again, tell an operator that id.
""")


def test_an_error_with_harmless_words() -> None:
    body = failure_comment(reference="delivery-1", message="cloning acme/infra: no route to host")

    assert "This could not be carried out. Cloning acme/infra: no route to host. The log" in body


def test_a_pull_request_closed_while_it_holds_stacks() -> None:
    locks = [builders.lock(), builders.lock(stack=builders.stack("prod"))]

    assert closed_comment(locks=locks, reference="delivery-1") == snapshot("""\
<!-- gatewright {"kind": "closeout", "status": "closed", "ref": "delivery-1"} -->
### ⚠️ Closed without a merge, and still holding

What this pull request applied stays applied, so these stacks stay locked for others:

- staging, since 2026-03-04T12:00Z, taken by `dev`
- prod, since 2026-03-04T12:00Z, taken by `dev`

**Next**
- To leave staging as it is and let others apply, comment `/unlock staging`.
- To leave prod as it is and let others apply, comment `/unlock prod`.
""")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (86_400 * 3, "3 days ago"),
    ],
)
def test_ages(seconds: int, words: str) -> None:
    assert age(NOON, NOON + timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3700, "1 h 1 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(NOON, NOON + timedelta(seconds=seconds)) == words
    assert duration(None, NOON) is None


def test_times_are_in_utc_to_the_minute() -> None:
    assert minute(NOON) == "2026-03-04T12:00Z"


def test_command_names_project_where_it_is_not_the_default_one() -> None:
    stack = builders.stack()

    assert command("apply", stack, "pabcdefg") == "/apply staging pabcdefg"
    assert command("plan", builders.stack(project="network")) == "/plan staging -p network"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("/plan staging", "Next: comment `/plan staging`.\n"),
        ("/unlock staging on #12, or merge it", "Next: /unlock staging on #&#8203;12, or merge it.\n"),
        ("reopen the pull request", "Next: reopen the pull request.\n"),
        (None, ""),
    ],
)
def test_the_next_line_quotes_commands_only(given: str | None, line: str) -> None:
    assert next_line(given) == line
    assert is_command(given or "") == ("comment" in line)


@pytest.mark.parametrize(
    ("is_open", "offered"),
    [
        pytest.param(True, "Next: comment `/plan prod` for a plan of what is there now.\n", id="open"),
        pytest.param(False, "Next: comment `/status` to see every environment.\n", id="merged"),
    ],
)
def test_commands_after_a_lifted_hold_are_not_refused(*, is_open: bool, offered: str) -> None:
    body = unheld_comment(env="prod", by=account("ann"), holds=[builders.hold()], is_open=is_open)

    assert body.endswith(offered)


def test_every_line_of_what_is_next_ends_as_a_sentence() -> None:
    lines = steps(
        [
            Step(sentence="To plan anew", command="/plan"),
            Step(sentence="This plan is for reading"),
            Step(sentence="It waits. Nothing is to be done."),
        ]
    )

    assert lines == snapshot("""\
**Next**
- To plan anew, comment `/plan`.
- This plan is for reading.
- It waits. Nothing is to be done.
""")
