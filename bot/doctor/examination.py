"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from difflib import get_close_matches

from bot.doctor.findings import Finding, attempt
from bot.doctor.inputs import variables
from bot.doctor.parts import parts_of
from bot.doctor.states import state_part
from bot.settings import PREFIX, Reading, Settings


async def examine(reading: Reading) -> list[Finding]:
    """Tell every wrong setting, then try everything that the others allow."""
    settings, secrets = reading.settings, reading.secrets
    findings = [
        Finding(part="setting", grade="wrong", sentence=f"{PREFIX}{name.upper()} {sentence}")
        for name, sentence in reading.wrong.items()
    ]
    findings += [unknown(name) for name in secrets.unknown_settings()]
    findings += [await attempt(part, reading.wrong) for part in parts_of(settings)]
    envs = secrets.environments()
    findings += [await attempt(state_part(settings, secrets, env, envs), reading.wrong) for env in envs]
    if not envs:
        sentence = f"no environment has own keys ({PREFIX}STAGING_STATE_ACCESS_KEY_ID …): all use the bot's"
        findings.append(Finding(part="state credentials", grade="warning", sentence=sentence))
    return [*findings, *variables(secrets)]


def unknown(name: str) -> Finding:
    """Tell of a variable that looks like a setting and is not read; its value is nobody's business."""
    near = get_close_matches(name.upper(), [PREFIX + known.upper() for known in Settings.model_fields], n=1)
    meant = f"; was {near[0]} meant?" if near else ""
    return Finding(
        part="setting", grade="warning", sentence=f"{name} is not read: there is no such setting{meant}"
    )
