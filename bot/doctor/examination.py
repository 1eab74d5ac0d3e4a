"""All checks of doctor, in the order of its report."""

from __future__ import annotations

from difflib import get_close_matches

from bot.doctor.findings import Finding, attempt
from bot.doctor.inputs import variables
from bot.doctor.parts import parts_of
from bot.doctor.states import state_part
from bot.settings import PREFIX, Reading, Settings


async def examine(reading: Reading) -> list[Finding]:
    """Report every invalid setting, then check every part whose settings are valid."""
    settings, secrets = reading.settings, reading.secrets
    findings = [
        Finding(part="setting", grade="error", sentence=reading.problem(name)) for name in reading.wrong
    ]
    findings += [unknown(name) for name in secrets.unknown_settings()]
    for part in parts_of(settings, reading.wrong):
        findings.append(await attempt(part, reading.wrong))
        if part.more is not None and findings[-1].grade == "ok":
            findings += await part.more()
    envs = secrets.environments()
    findings += [await attempt(state_part(settings, secrets, env, envs), reading.wrong) for env in envs]
    if not envs:
        sentence = (
            f"no environment has its own keys ({PREFIX}STAGING_STATE_ACCESS_KEY_ID …): all use the bot's"
        )
        findings.append(Finding(part="state credentials", grade="warning", sentence=sentence))
    return [*findings, *variables(secrets)]


def unknown(name: str) -> Finding:
    """Return a warning about a variable that looks like a setting; its value is not shown."""
    near = get_close_matches(name.upper(), [PREFIX + known.upper() for known in Settings.model_fields], n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return Finding(
        part="setting", grade="warning", sentence=f"{name} is ignored: there is no such setting{meant}"
    )
