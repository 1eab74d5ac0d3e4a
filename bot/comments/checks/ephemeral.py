"""The check run for an ephemeral environment: apply, verify, destroy."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.checks.checks import CheckText, Conclusion
from bot.comments.markdown.escape import code, link
from bot.comments.markdown.words import command
from bot.domain.core.model import Run, RunStatus, Stack
from bot.domain.core.run_lifecycle import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The newest run of each kind for one commit, None if there is none yet."""

    stack: Stack
    plan: Run
    has_changes: bool
    """Whether the plan has changes."""
    apply: Run | None
    verify: Run | None
    destroy: Run | None
    attempts_left: int
    """Number of automatic retries left for a failed destroy."""


def life_check(life: Life, run_url: str) -> CheckText:
    """Return the check run; green if the apply, the verification and the destroy all succeeded."""
    conclusion, title = _state(life)
    rows = "".join(
        f"| {name} | {_word(run)} |\n"
        for name, run in (
            ("plan", life.plan),
            ("apply", life.apply),
            ("verify", life.verify),
            ("destroy", life.destroy),
        )
    )
    left = (
        f"\nWhat was applied may still be there. To try the destroy again, comment {code(command('destroy', life.stack))}.\n"
        if conclusion is Conclusion.FAILURE and life.apply is not None and not _went_well(life.destroy)
        else ""
    )
    summary = f"| Step | |\n| --- | --- |\n{rows}{left}\nThe newest step is on {link('its page', run_url)}.\n"
    return CheckText(conclusion=conclusion, title=title, summary=summary)


def _state(life: Life) -> tuple[Conclusion | None, str]:
    if life.plan.status not in TERMINAL:
        return None, "Planning"
    if life.plan.status is not RunStatus.SUCCEEDED:
        return Conclusion.FAILURE, "It could not be planned"
    if life.apply is None:
        return (None, "To be applied") if life.has_changes else (Conclusion.SUCCESS, "Nothing to apply")
    if life.apply.status not in TERMINAL:
        return None, "Applying"
    if life.apply.intent_at is None:
        return Conclusion.FAILURE, "It was not applied"
    return _after_apply(life)


def _after_apply(life: Life) -> tuple[Conclusion | None, str]:
    failed = next((said for said in _failures(life)), None)
    destroy = life.destroy
    if destroy is None or destroy.status not in TERMINAL:
        return None, f"{failed or 'Applied'}; destroying"
    if _went_well(destroy):
        return (
            (Conclusion.FAILURE, f"{failed}; destroyed")
            if failed
            else (
                Conclusion.SUCCESS,
                "Applied, verified and destroyed",
            )
        )
    if life.attempts_left:
        return None, "The destroy failed and is tried again"
    return Conclusion.FAILURE, "The destroy failed"


def _failures(life: Life) -> list[str]:
    found = [] if _went_well(life.apply) else ["The apply did not succeed"]
    if life.verify is not None and life.verify.status in TERMINAL and not _went_well(life.verify):
        found.append("A check after the apply failed")
    return found


def _went_well(run: Run | None) -> bool:
    return run is not None and run.status is RunStatus.SUCCEEDED


def _word(run: Run | None) -> str:
    return "-" if run is None else str(run.status).replace("_", " ")
