"""Running the checks of a policy's `verify`, each until it passes or has no attempt left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.core.errors import GatewrightError, ProbeError, TerraformStoppedError
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import CheckResult
from bot.domain.state.facts import StateFacts
from bot.policy.verify import (
    CommandCheck,
    HttpCheck,
    KubernetesCheck,
    OutputsCheck,
    TcpCheck,
    TerraformChecks,
    VerifyCheck,
)
from bot.ports.probes import HttpAnswer, Probes

_SHOWN = 200
_Said = tuple[Outcome, str]
RunCommand = Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]
"""Given argv and seconds; returns exit code and the redacted end of the output."""


class UnfitOutputError(ProbeError):
    """The state has no such output; waiting brings none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRunner:
    """Checks one environment in one state."""

    probes: Probes
    state: StateFacts
    run_command: RunCommand
    redact: Callable[[str], str]
    pause: Callable[[float], Awaitable[None]]

    async def check(self, check: VerifyCheck) -> CheckResult:
        """Repeat until it passes; checks of outputs, Terraform and Kubernetes are tried once."""
        repeatable = not isinstance(check, OutputsCheck | TerraformChecks | KubernetesCheck)
        attempts = check.attempts if repeatable else 1
        loop = asyncio.get_running_loop()
        started = loop.time()
        result = CheckResult(
            name=check.name or check.type, type=check.type, outcome=Outcome.ERROR, sentence="Not tried."
        )
        for attempt in range(1, attempts + 1):
            outcome, sentence, settled = await self._tried(check)
            result = replace(
                result,
                outcome=outcome,
                sentence=self.redact(sentence),
                attempts=attempt,
                seconds=round(loop.time() - started, 3),
            )
            if settled or attempt == attempts:
                break
            await self.pause(check.interval.total_seconds())
        return result

    async def _tried(self, check: VerifyCheck) -> tuple[Outcome, str, bool]:
        """Return the result, and whether another try would give the same."""
        try:
            outcome, sentence = await self._asked(check)
        except ProbeError as error:
            said = f"{str(error)[:1].upper()}{str(error)[1:]}."
            return Outcome.FAIL, said, isinstance(error, UnfitOutputError)
        except TerraformStoppedError:
            raise
        except GatewrightError as error:
            return Outcome.ERROR, f"It could not be tried: {str(error).rstrip('.')}.", False
        return outcome, sentence, outcome is Outcome.PASS

    async def _asked(self, check: VerifyCheck) -> _Said:
        match check:
            case HttpCheck():
                return await self._http(check)
            case TcpCheck():
                return await self._tcp(check)
            case CommandCheck():
                return await self._command(check)
            case OutputsCheck():
                return self._outputs(check)
            case TerraformChecks():
                return self._conditions()
            case KubernetesCheck():
                return Outcome.ERROR, "This version cannot ask a cluster; use a check of type `command`."

    async def _http(self, check: HttpCheck) -> _Said:
        url = (check.url or self._text(check.url_output)) + check.path
        if not url.startswith(("http://", "https://")):
            raise UnfitOutputError(f"the output {check.url_output} is no address of a site")
        limit = check.timeout.total_seconds()
        answer = await self.probes.http(url, within=limit)
        wrong = _wrong(check, answer)
        if wrong is None and check.tls_days is not None:
            days = await self.probes.certificate_days(url, within=limit)
            if days < check.tls_days:
                wrong = f"The certificate ends in {days:.0f} days, {check.tls_days} are needed."
        if wrong is not None:
            return Outcome.FAIL, wrong
        return Outcome.PASS, f"HTTP {answer.status} in {answer.seconds * 1000:.0f} ms."

    async def _tcp(self, check: TcpCheck) -> _Said:
        host, port = check.host, check.port
        if host is None or port is None:
            host, _, number = self._text(check.address_output).rpartition(":")
            if not host or not number.isascii() or not number.isdigit() or not 0 < int(number) < 65536:  # noqa: PLR2004 - the largest port
                raise UnfitOutputError(f"the output {check.address_output} is not `host:port`")
            port = int(number)
        seconds = await self.probes.tcp(host, port, within=check.timeout.total_seconds())
        return Outcome.PASS, f"Port {port} accepted a connection in {seconds * 1000:.0f} ms."

    async def _command(self, check: CommandCheck) -> _Said:
        code, tail = await self.run_command(check.command, check.timeout.total_seconds())
        if code == 0:
            return Outcome.PASS, f"`{check.command[0]}` ended with exit code 0."
        last = tail.strip().rpartition("\n")[2][:_SHOWN]
        return Outcome.FAIL, f"`{check.command[0]}` ended with exit code {code}{f': {last}' if last else ''}."

    def _outputs(self, check: OutputsCheck) -> _Said:
        for name, wanted in check.expect.items():
            if name not in self.state.outputs:
                return Outcome.FAIL, f"There is no output `{name}`."
            value = self.state.outputs[name]
            # To Python true is 1; to Terraform it is not.
            if (type(value) is bool, value) != (type(wanted) is bool, wanted):
                found = "another value" if name in self.state.sensitive else f"`{str(value)[:_SHOWN]}`"
                return Outcome.FAIL, f"The output `{name}` is {found}, not `{wanted}`."
        return Outcome.PASS, _expected(list(check.expect))

    def _conditions(self) -> _Said:
        bad = [each for each in self.state.conditions if each.outcome is not Outcome.PASS]
        if not bad:
            return Outcome.PASS, f"{len(self.state.conditions)} `check` blocks pass."
        said = "; ".join(
            f"`{each.address}` {': '.join((each.outcome.lower(), *each.messages[:1]))}" for each in bad[:5]
        )
        failed = any(each.outcome is Outcome.FAIL for each in bad)
        return Outcome.FAIL if failed else Outcome.INCONCLUSIVE, f"{said[:500]}."

    def _text(self, output: str | None) -> str:
        value = self.state.outputs.get(output or "")
        if not isinstance(value, str):
            raise UnfitOutputError(f"there is no output {output} that is a text")
        return value


def _wrong(check: HttpCheck, answer: HttpAnswer) -> str | None:
    if answer.status != check.status:
        return f"Status {answer.status} came, {check.status} was expected."
    if check.contains is not None and check.contains not in answer.body:
        return "The answer does not contain the expected text."
    if check.latency is not None and answer.seconds > check.latency.total_seconds():
        return f"It took {answer.seconds:.2f} s, {check.latency.total_seconds():g} s are allowed."
    return None


def _expected(names: list[str]) -> str:
    has = "has the expected value" if len(names) == 1 else "have the expected values"
    return f"{', '.join(f'`{name}`' for name in names)} {has}."
