"""The comment on a run whose kind this version cannot run."""

from __future__ import annotations

from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import header
from bot.domain.core.model import Run


def unsupported_comment(run: Run, *, run_url: str) -> str:
    """Return the comment on a run that failed because its kind is unknown."""
    return (
        f"{header('error', env=run.stack.env, project=run.stack.project, status='failed', ref=run.id)}\n"
        f"### ❌ {text(run.stack.label)}: a run of an unknown kind was not started\n\n"
        f"{link(f'Run {run.id}', run_url)} was recorded by another version of Gatewright, and this version does not"
        " know its kind. Nothing was planned or changed.\n\n"
        f"Next: tell an operator that the servers run different versions; {code('/status')} shows how things stand.\n"
    )
