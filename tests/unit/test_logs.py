from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.domain.secrets.redaction import MASK, Redactor
from bot.logs import Format, formatter, working_on

SECRET = 'hunter2-"quoted"\nand-a-second-line'
Log = Callable[..., str]


@pytest.fixture
def log() -> Iterator[Callable[[Format], tuple[logging.Logger, Callable[[], str]]]]:
    """Give a logger of one's own, and what it has written."""
    made: list[logging.Logger] = []

    def make(form: Format) -> tuple[logging.Logger, Callable[[], str]]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter(form, Redactor([SECRET])))
        logger = logging.getLogger(f"gatewright.test.{form}")
        logger.propagate = False
        logger.setLevel("INFO")
        logger.addHandler(handler)
        made.append(logger)
        return logger, stream.getvalue

    yield make
    for logger in made:
        logger.handlers.clear()


def test_a_line_says_what_was_worked_on(log: Any) -> None:
    logger, written = log("json")

    with working_on(delivery_id="guid", repo="acme/infra", pull=7, env=None):
        with working_on(run_id="r1", env="staging"):
            logger.info("planning %s", "it", extra={"seconds": 1.5})
        logger.warning("done")
    logger.info("idle")

    first, second, third = map(json.loads, written().splitlines())
    assert list(first)[:4] == ["timestamp", "level", "logger", "event"]
    assert first["event"] == "planning it"
    assert {name: first[name] for name in ("run_id", "delivery_id", "repo", "pull", "env", "seconds")} == {
        "run_id": "r1",
        "delivery_id": "guid",
        "repo": "acme/infra",
        "pull": 7,
        "env": "staging",
        "seconds": 1.5,
    }
    assert (second["level"], second["delivery_id"], "run_id" in second) == ("warning", "guid", False)
    assert "delivery_id" not in third


async def test_two_at_once_keep_facts_apart_and_threads_inherit_them(log: Any) -> None:
    logger, written = log("json")

    async def work(run: str) -> None:
        with working_on(run_id=run):
            await asyncio.sleep(0)
            await asyncio.to_thread(logger.info, run)

    await asyncio.gather(work("r1"), work("r2"))

    lines = [json.loads(line) for line in written().splitlines()]
    assert all(line["event"] == line["run_id"] for line in lines)
    assert len(lines) == 2


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "say",
    [
        lambda logger: logger.info("the key is %s", SECRET),
        lambda logger: logger.info("fact", extra={"where": {"deep": [SECRET]}, SECRET: 1}),
        lambda logger: logger.info("repr %r", SECRET),
        lambda logger: logger.info("token ghs_0123456789abcdefghij and Bearer abcdefgh12345678"),
    ],
    ids=["message", "fields", "repr", "unknown tokens"],
)
def test_a_secret_reaches_no_line(log: Any, form: Format, say: Callable[[logging.Logger], None]) -> None:
    logger, written = log(form)

    say(logger)

    assert not [part for part in ("hunter2", "second-line", "ghs_0", "abcdefgh1") if part in written()]
    assert MASK in written()


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_is_told_without_the_secret_in_it(log: Any, form: Format) -> None:
    logger, written = log(form)

    try:
        try:
            raise ValueError(SECRET)  # noqa: TRY301 - a chain is wanted
        except ValueError as error:
            raise RuntimeError(f"outer {SECRET}") from error
    except RuntimeError:
        logger.exception("failed", stack_info=True)

    assert "Traceback (most recent call last)" in written()
    assert "RuntimeError" in written()
    assert "hunter2" not in written()
    assert "second-line" not in written()


def test_number_that_is_secret_is_hidden_and_line_stays_json() -> None:
    made = formatter("json", Redactor(["4711471147"]))
    record = logging.LogRecord("x", logging.INFO, "f", 1, "m", (), None)
    record.pin, record.port = 4711471147, 8080

    line = json.loads(made.format(record))

    assert (line["pin"], line["port"]) == (MASK, 8080)


def test_text_of_others_cannot_forge_a_line(log: Any) -> None:
    logger, written = log("text")

    logger.info("branch %s", "x\n2026-01-01 CRITICAL gatewright all is lost\r", extra={"ref": "a\nb"})

    assert len(written().splitlines()) == 1


async def test_what_nobody_caught_is_logged_too_and_redacted() -> None:
    code = (
        "import threading\nfrom bot.logs import configure_logging\nfrom bot.domain.secrets.redaction import Redactor\n"
        "configure_logging(level='INFO', form='json', redact=Redactor(['hunter2-hunter2']))\n"
        "t = threading.Thread(target=lambda: (_ for _ in ()).throw(OSError('hunter2-hunter2')))\nt.start()\nt.join()\n"
        "raise ValueError('hunter2-hunter2')\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()

    told = [json.loads(line) for line in errors.decode().splitlines()]
    assert [line["level"] for line in told] == ["critical", "critical"]
    assert "OSError" in told[0]["exception"]
    assert "ValueError" in told[1]["exception"]
    assert b"hunter2" not in errors
