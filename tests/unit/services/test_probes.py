"""The checks of `verify`, each with every way in which it can end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.domain.core.errors import GatewrightError, ProbeError
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import CheckResult
from bot.domain.state.facts import Condition, StateFacts
from bot.policy.verify import VerifyCheck
from bot.ports.probes import HttpAnswer
from bot.services.verification.probes import ProbeRunner

STATE = StateFacts(
    outputs={
        "url": "https://staging.example.com",
        "address": "db.example.com:5432",
        "environment": "staging",
        "replicas": 2,
        "ready": True,
        "token": "s3cr3t-token",
    },
    sensitive=frozenset({"token"}),
    conditions=(Condition(address="check.capacity", outcome=Outcome.PASS, messages=()),),
)
PASS, FAIL, ERROR, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE


@dataclass(slots=True)
class Adapters:
    """An outside world that answers what a test tells it to, and remembers what was asked."""

    answers: list[HttpAnswer | Exception] = field(default_factory=list)
    days: float = 90.0
    code: int = 0
    tail: str = ""
    asked: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def http(self, url: str, *, within: float) -> HttpAnswer:
        del within
        self.asked.append(url)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def tcp(self, host: str, port: int, *, within: float) -> float:
        del within
        self.asked.append(f"{host} {port}")
        if self.answers and isinstance(self.answers[0], Exception):
            raise self.answers[0]
        return 0.004

    async def certificate_days(self, url: str, *, within: float) -> float:
        del url, within
        return self.days

    async def command(self, argv: Sequence[str], seconds: float) -> tuple[int, str]:
        self.asked.append(f"{' '.join(argv)} within {seconds:g}")
        return self.code, self.tail

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def answer(status: int = 200, body: str = "<dd>staging</dd>", seconds: float = 0.02) -> HttpAnswer:
    return HttpAnswer(status=status, body=body, seconds=seconds)


def check(outside: Adapters, *, state: StateFacts = STATE, **values: Any) -> CheckResult:
    parsed: VerifyCheck = TypeAdapter(VerifyCheck).validate_python(values)
    checker = ProbeRunner(
        probes=outside,
        state=state,
        run_command=outside.command,
        redact=lambda text: text.replace("s3cr3t", "***"),
        pause=outside.pause,
    )
    return asyncio.run(checker.check(parsed))


HTTP: dict[str, Any] = {"type": "http", "url_output": "url", "attempts": 1}


@pytest.mark.parametrize(
    ("more", "given", "outcome", "says"),
    [
        ({}, answer(), PASS, "HTTP 200 in 20 ms."),
        ({"status": 401}, answer(401), PASS, "HTTP 401 in"),
        ({}, answer(500), FAIL, "Status 500 came, 200 was expected."),
        ({}, answer(302), FAIL, "Status 302 came, 200 was expected."),
        ({"contains": "staging"}, answer(), PASS, "HTTP 200"),
        ({"contains": "prod"}, answer(), FAIL, "does not contain the expected text."),
        ({"latency": "1s"}, answer(seconds=1.0), PASS, "HTTP 200"),
        ({"latency": "1s"}, answer(seconds=1.01), FAIL, "It took 1.01 s, 1 s are allowed."),
        ({"tls_days": 90}, answer(), PASS, "HTTP 200"),
        ({"tls_days": 91}, answer(), FAIL, "ends in 90 days, 91 are needed."),
        ({}, ProbeError("no answer within 30 s"), FAIL, "No answer within 30 s."),
        ({}, GatewrightError("the sandbox is broken"), ERROR, "could not be tried: the sandbox is broken."),
    ],
)
def test_an_http_check_judges_status_text_time_and_certificate(
    more: dict[str, Any], given: HttpAnswer | Exception, outcome: Outcome, says: str
) -> None:
    result = check(Adapters(answers=[given]), **HTTP, **more)

    assert (result.outcome, result.type, result.name) == (outcome, "http", "http")
    assert says in result.sentence


def test_path_is_appended_and_url_of_policy_needs_no_output() -> None:
    outside = Adapters(answers=[answer()])

    check(outside, **HTTP, path="/healthz")
    check(outside, type="http", url="http://example.com", path="/x", name="front", state=StateFacts())

    assert outside.asked == ["https://staging.example.com/healthz", "http://example.com/x"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"type": "http", "url_output": "gone"}, "There is no output gone that is a text."),
        ({"type": "http", "url_output": "replicas"}, "There is no output replicas that is a text."),
        ({"type": "http", "url_output": "environment"}, "The output environment is no address of a site."),
        ({"type": "tcp", "address_output": "environment"}, "The output environment is not `host:port`."),
        ({"type": "tcp", "address_output": "url"}, "The output url is not `host:port`."),
    ],
)
def test_output_that_is_no_address_fails_and_nothing_is_asked(values: dict[str, Any], says: str) -> None:
    outside = Adapters()

    result = check(outside, attempts=5, **values)

    assert (result.outcome, result.sentence) == (FAIL, says)
    assert (result.attempts, outside.asked, outside.pauses) == (1, [], [])


def test_a_check_is_tried_until_it_passes() -> None:
    outside = Adapters(answers=[answer(503), ProbeError("no answer"), answer(), answer(500)])

    result = check(outside, type="http", url_output="url", attempts=5, interval="7s")

    assert (result.outcome, result.attempts, outside.pauses) == (PASS, 3, [7.0, 7.0])


def test_check_that_never_passes_has_failed_after_its_last_try() -> None:
    outside = Adapters(answers=[answer(503)])

    result = check(outside, type="http", url_output="url", attempts=3, interval="1s")

    assert (result.outcome, result.attempts, len(outside.pauses)) == (FAIL, 3, 2)


@pytest.mark.parametrize("values", [{"host": "db.example.com", "port": 5432}, {"address_output": "address"}])
def test_a_port_that_accepts_passes(values: dict[str, Any]) -> None:
    outside = Adapters()

    result = check(outside, type="tcp", **values)

    assert (result.outcome, outside.asked) == (PASS, ["db.example.com 5432"])


def test_command_passes_with_exit_code_0_only_and_is_redacted() -> None:
    assert check(Adapters(), type="command", command=["make", "smoke"]).outcome is PASS

    outside = Adapters(code=3, tail="many lines\nleaked s3cr3t here\n")
    result = check(outside, type="command", command=["make", "smoke"], attempts=1, timeout="9s")

    assert result.outcome is FAIL
    assert result.sentence == "`make` ended with exit code 3: leaked *** here."
    assert outside.asked == ["make smoke within 9"]


@pytest.mark.parametrize(
    ("expect", "outcome", "says"),
    [
        (
            {"environment": "staging", "replicas": 2, "ready": True},
            PASS,
            "`environment`, `replicas`, `ready` have the expected values.",
        ),
        ({"environment": "prod"}, FAIL, "The output `environment` is `staging`, not `prod`."),
        ({"ready": 1}, FAIL, "The output `ready` is `True`, not `1`."),
        ({"gone": "x"}, FAIL, "There is no output `gone`."),
        ({"token": "other"}, FAIL, "The output `token` is another value"),
    ],
)
def test_outputs_need_their_values_and_sensitive_ones_stay_hidden(
    expect: dict[str, Any], outcome: Outcome, says: str
) -> None:
    result = check(Adapters(), type="outputs", expect=expect)

    assert result.outcome is outcome
    assert says in result.sentence
    assert "token-" not in result.sentence
    assert "s3cr3t" not in result.sentence


@pytest.mark.parametrize(
    ("status", "outcome"), [(PASS, PASS), (FAIL, FAIL), (ERROR, UNKNOWN), (UNKNOWN, UNKNOWN)]
)
def test_every_check_block_must_pass(status: Outcome, outcome: Outcome) -> None:
    bad = Condition(address="check.words", outcome=status, messages=("Too short.",))

    result = check(Adapters(), type="terraform_checks", state=StateFacts(conditions=(*STATE.conditions, bad)))

    assert result.outcome is outcome
    assert ("Too short." in result.sentence) is (status is not PASS)


def test_cluster_cannot_be_asked_yet_and_that_is_no_pass() -> None:
    assert check(Adapters(), type="kubernetes").outcome is ERROR
