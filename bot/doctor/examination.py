"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from bot.doctor.findings import Finding, attempt
from bot.doctor.parts import parts_of
from bot.doctor.states import state_part
from bot.settings import PREFIX, Reading


async def examine(reading: Reading) -> list[Finding]:
    """Tell every wrong setting, then try everything that the others allow."""
    settings, secrets = reading.settings, reading.secrets
    findings = [
        Finding(part="setting", grade="wrong", sentence=f"{PREFIX}{name.upper()} {sentence}")
        for name, sentence in reading.wrong.items()
    ]
    findings += [await attempt(part, reading.wrong) for part in parts_of(settings)]
    envs = secrets.environments()
    findings += [await attempt(state_part(settings, secrets, env, envs), reading.wrong) for env in envs]
    if not envs:
        sentence = f"no environment has own keys ({PREFIX}STAGING_STATE_ACCESS_KEY_ID …): all use the bot's"
        findings.append(Finding(part="state credentials", grade="warning", sentence=sentence))
    return findings
