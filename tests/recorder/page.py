"""The generated parts of `docs/first-evening.md`."""

from __future__ import annotations

from tests.recorder.model import Experiment
from tests.recorder.settings import PREFIX, RecorderSettings
from tests.recorder.table import EXPERIMENTS


def settings() -> str:
    """Return the table of what the recorder is given."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {field.description} |"
        for name, field in RecorderSettings.model_fields.items()
    ]
    return "\n".join(("| Variable | What it holds |", "| --- | --- |", *rows))


def overview() -> str:
    """Return one row for each experiment."""
    rows = [
        f"| [`{each.name}`](#{each.name}) | {_cell(each.question)} | {_how(each)} | {_cell(each.decides)} |"
        for each in EXPERIMENTS.values()
    ]
    head = ("| Experiment | Question | How | What it decides |", "| --- | --- | --- | --- |")
    return "\n".join((*head, *rows))


def steps() -> str:
    """Return a section for each experiment."""
    return "\n\n".join(_section(each) for each in EXPERIMENTS.values())


def _section(experiment: Experiment) -> str:
    lines = [
        f"{number}. {step.do}{f' Asked: {step.ask}' if step.ask else ''}"
        for number, step in enumerate(experiment.steps, start=1)
    ]
    needs = ", ".join(f"`{need}`" if " and " not in need else _both(need) for need in experiment.needs)
    command = f"`python -m tests.recorder ORG --only {experiment.name}`"
    played = "asks for these steps on the terminal" if experiment.by_hand else "does these steps"
    return "\n".join(
        (
            f"### {experiment.name}",
            "",
            f"**Question.** {experiment.question}",
            "",
            f"**Do.** {command} {played}{f' (needs {needs})' if needs else ''}.",
            "",
            *lines,
            "",
            f"**See.** {experiment.see}",
            "",
            f"**Decides.** {experiment.decides}",
        )
    )


def _both(need: str) -> str:
    return " and ".join(f"`{part}`" for part in need.split(" and "))


def _how(experiment: Experiment) -> str:
    return "by hand" if experiment.by_hand else "script"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
