"""The issue for a failed data refresh, and the answer to a requested one."""

from __future__ import annotations

from bot.comments.markdown.escape import code, link, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import minute
from bot.domain.core.model import Run, RunStatus


def refresh_issue(run: Run, *, run_url: str | None, failed: bool) -> tuple[str, str]:
    """Return title and body; the first line stays the same for an environment.

    The output of the command is not quoted, since it may contain personal data.
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
        " until a refresh goes well, which closes this issue. The next one is begun by the schedule in"
        f" `gatewright.yaml`; to begin one now, comment {code(f'/rerun {run.id}')} on any open pull request.\n"
    )


def refresh_comment(run: Run, *, run_url: str | None) -> str:
    """Return the answer to a requested data refresh."""
    good = run.status is RunStatus.SUCCEEDED
    first = header(
        "data_refresh", env=run.stack.env, project=run.stack.project, run=run.id, status=str(run.status)
    )
    title = "its data was refreshed" if good else "its data was not refreshed"
    again = "" if good else f"\nNext: comment {code(f'/rerun {run.id}')}.\n"
    return (
        f"{first}\n### {'✅' if good else '❌'} {text(run.stack.label)}: {title}\n\n"
        f"{prose(run.summary or '', limit=500)}\n\nRequested by {code(run.actor, limit=60)}"
        f" · {link(f'run {code(run.id)}', run_url)}\n{again}"
    )
