"""The command line follows the habits of gh, terraform and kubectl."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from tests.integration.cli.conftest import Shell

COMMANDS = (
    "",
    "serve",
    "worker",
    "migrate",
    "export",
    "stop",
    "go",
    "doctor",
    "version",
    "playground",
    "app",
    "app manifest",
    "app credentials",
    "local",
    "local plan",
    "local apply",
    "local down",
    "state",
    "state owner",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_short_help_has_examples_and_no_types_of_flags(command: str) -> None:
    ended = CliRunner().invoke(app, [*command.split(), "-h"], prog_name="gatewright")

    assert ended.exit_code == 0
    assert ended.output.startswith(f"Usage: gatewright {command}".rstrip())
    assert f"gatewright {command}".rstrip() in ended.output.partition("Examples:")[2]
    assert "<bool>" not in ended.output
    assert "..." not in ended.output.partition("Commands:")[2]


@pytest.mark.parametrize("words", [("--version",), ("version",)], ids=lambda words: words[0])
async def test_the_version_is_shown(shell: Shell, words: tuple[str, ...]) -> None:
    ended = await shell.run(*words)

    assert (ended.code, ended.out) == (0, f"gatewright {version('gatewright')}\n")


async def test_the_version_can_be_read_by_programs(shell: Shell) -> None:
    ended = await shell.run("version", "--json")

    assert json.loads(ended.out)["version"] == version("gatewright")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--fast"), "error: no such option: --fast\n"),
        (("aply",), "error: no such command 'aply'"),
        (("stop",), "error: missing argument 'REASON'\n"),
        (("playground", "--port", "eighty"), "error: invalid value for '--port': must be a whole number\n"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
async def test_wrong_words_are_one_error_with_the_way_to_help(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    ended = await shell.run(*words)

    assert ended.code == 2
    assert ended.err.startswith(said)
    assert "-h` for help" in ended.err


async def test_groups_without_a_command_show_their_help(shell: Shell) -> None:
    ended = await shell.run("local")

    assert (ended.code, ended.out.partition("\n")[0]) == (
        0,
        "Usage: gatewright local [OPTIONS] COMMAND [ARGS]...",
    )


async def test_shells_can_complete_commands(shell: Shell) -> None:
    shell.environment = {
        **shell.environment,
        "_GATEWRIGHT_COMPLETE": "complete_bash",
        "COMP_WORDS": "gatewright mig",
        "COMP_CWORD": "1",
    }

    ended = await shell.run()

    assert ended.out == "migrate\n"


async def test_wrong_settings_are_named_with_value_and_what_is_allowed(shell: Shell) -> None:
    ended = await shell.run(
        "migrate", DATABASE_URL=shell.database, DATA_DIR="", PORT="eighty", LOG_LEVEL="loud"
    )

    # What `migrate` does not use is not looked at.
    assert ended.code == 0

    ended = await shell.run("serve", PORT="eighty", LOG_LEVEL="loud", SESSION_KEY="short-secret")

    assert ended.code == 1
    assert ended.err.startswith("error: invalid settings:\n")
    assert "  GATEWRIGHT_PORT must be a number, got 'eighty'\n" in ended.err
    assert "  GATEWRIGHT_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR', got 'loud'\n" in ended.err
    assert "  GATEWRIGHT_WEBHOOK_SECRET is required\n" in ended.err
    assert "short-secret" not in ended.err


async def test_an_apply_without_a_terminal_is_refused_before_any_work(shell: Shell) -> None:
    ended = await shell.run("local", "apply", "dev")

    assert (ended.code, ended.err) == (
        1,
        "error: not a terminal: pass --yes to apply without confirmation\n",
    )


@pytest.mark.parametrize("command", ["plan", "apply"])
async def test_an_env_file_that_is_missing_is_an_error(shell: Shell, command: str) -> None:
    words = ("--yes",) if command == "apply" else ()

    ended = await shell.run("local", command, "dev", "--env-file", "nowhere.env", *words)

    assert ended.code == 2
    assert ended.err.startswith("error: invalid value for '--env-file': file 'nowhere.env' does not exist\n")


async def test_doctor_reports_to_programs_without_colours(shell: Shell) -> None:
    ended = await shell.run("doctor", "--json", DATABASE_URL=shell.database, PORT="eighty")

    findings = {finding["part"]: finding for finding in json.loads(ended.out)}
    assert ended.code == 1
    assert findings["database"]["grade"] == "ok"
    assert shell.database in findings["database"]["sentence"]
    assert findings["state bucket"]["grade"] == "skipped"


async def test_colours_are_left_out_where_no_color_is_set(shell: Shell) -> None:
    shell.environment = {**shell.environment, "FORCE_COLOR": "1"}
    coloured = await shell.run("doctor", DATABASE_URL=shell.database)
    shell.environment = {**shell.environment, "NO_COLOR": "1"}
    plain = await shell.run("doctor", DATABASE_URL=shell.database)

    assert "\x1b[31m" in coloured.out
    assert "\x1b[3" not in plain.out
