"""The issue that stands for an environment whose data could not be copied."""

from __future__ import annotations

from bot.comments.escape import code, link, prose, text
from bot.comments.header import header
from bot.comments.words import minute
from bot.domain.model import Run


def refresh_issue(run: Run, *, run_url: str | None, failed: bool) -> tuple[str, str]:
    """Return title and body; the first line is the same as long as the environment is.

    What the command printed is not quoted: it may be somebody's data.
    """
    env, project = run.stack.env, run.stack.project
    first = header("data_refresh", env=env, project=project, ref="issue")
    title = f"The data of {run.stack.label} could not be refreshed"
    at = minute(run.finished_at) if run.finished_at else "an unknown time"
    where = link(f"run {code(run.id)}", run_url)
    if not failed:
        return title, (
            f"{first}\nThe data of {text(run.stack.label)} was refreshed again at {at} ({where}).\n\n"
            "This issue is opened again when that fails the next time.\n"
        )
    return title, (
        f"{first}\n{prose(run.summary or 'It failed.', limit=500)} That was at {at}.\n\n"
        f"What the command printed is on the page of {where}. The data of {text(run.stack.label)} may be incomplete"
        " until a refresh goes well: the next one is begun by the schedule in `gatewright.yaml`, and closes this issue.\n"
    )
