"""`terraform fmt`, `validate` and `test` on a checked-out module."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from bot.adapters.terraform.access import CODE, LOOK, Access
from bot.adapters.terraform.argv import FLAG, OptionValue
from bot.adapters.terraform.initialisation import initialise_for_plan
from bot.adapters.terraform.session import Session
from bot.domain.core.errors import TerraformError, TerraformStoppedError
from bot.domain.plans.code_findings import CodeReport, Finding, failed_tests, invalid, unformatted
from bot.ports import OVERRIDE_FILE

_MOST_FINDINGS = 200
_LONGEST_MESSAGE = 2000


async def check_code(session: Session, names: Collection[str]) -> CodeReport:
    """Run the selected checks of format and validity; findings are no error, a stop is."""
    findings: list[Finding] = []
    outcomes: dict[str, str] = {}
    directory = session.job.directory
    if "fmt" in names:
        diff = await _run(session, "fmt", LOOK, check=FLAG, diff=FLAG, recursive=FLAG)
        found = tuple(one for one in unformatted(diff, directory) if not one.path.endswith(OVERRIDE_FILE))
        outcomes["fmt"] = f"{len({one.path for one in found})} files are not formatted" if found else ""
        findings += found
    usable = await _is_initialised(session)
    if "validate" in names:
        found = invalid(await _run(session, "validate", LOOK, json=FLAG), directory)
        errors = sum(one.level == "failure" for one in found)
        outcomes["validate"] = (
            f"{errors} errors" if errors else "" if usable else "it could not be initialised"
        )
        findings += found
    return CodeReport(findings=_safe(session, findings), outcomes=outcomes)


async def test_code(session: Session) -> CodeReport:
    """Run the module's tests; code that cannot be initialised is not tested."""
    if not await _is_initialised(session):
        return CodeReport(findings=(), outcomes={"test": "it could not be initialised"})
    found, summary = failed_tests(await _run(session, "test", CODE, json=FLAG), session.job.directory)
    failed = any(one.level == "failure" for one in found) or "failed" in summary or "errored" in summary
    outcome = (summary or "the tests could not be run") if failed else ""
    return CodeReport(findings=_safe(session, [*found]), outcomes={"test": outcome})


async def _is_initialised(session: Session) -> bool:
    """Initialise; if that fails, the code is still validated, which locates the error."""
    try:
        await initialise_for_plan(session)
    except TerraformStoppedError:
        raise
    except TerraformError:
        return False
    return True


async def _run(session: Session, name: str, access: Access, **options: OptionValue) -> str:
    step = await session.run(name, access=access, captured=True, options=options)
    step.raise_if_stopped()
    return await asyncio.to_thread(step.output.read_text, encoding="utf-8", errors="replace")


def _safe(session: Session, findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(
        replace(one, message=session.job.redact(one.message)[:_LONGEST_MESSAGE])
        for one in findings[:_MOST_FINDINGS]
    )
