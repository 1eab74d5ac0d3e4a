"""The result of a drift check: the answer on a pull request, and the issue that tracks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.markdown.budget import Drop, Part, clip_lines, fit
from bot.comments.markdown.diff import to_github_diff
from bot.comments.markdown.escape import clean, code, fence, link, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, minute, sentence, steps
from bot.domain.core.model import Run, RunStatus
from bot.domain.plans.plan import Action
from bot.domain.releases.drift_checks import Drifted, drifted, how_many

_LONGEST_DIFF = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """An ended check with its links."""

    run: Run
    run_url: str | None
    issue: int | None = None
    """The issue that tracks the drift of this stack, open or closed."""
    no_issue: str | None = None
    """Why the issue could not be written."""


def drift_comment(view: DriftView) -> str:
    """Return the answer to `/drift` for one stack."""
    run = view.run
    found = how_many(run)
    ended = run.status is RunStatus.SUCCEEDED
    status = ("drifted" if found else "clean") if ended else str(run.status)
    first = header("drift", env=run.stack.env, project=run.stack.project, run=run.id, status=status)
    mark = ("⚠️" if found else "✅") if ended else "❌"
    title = f"{found} changed outside Terraform" if found else "no drift" if ended else "not checked"
    issue = f" · issue #{view.issue}" if view.issue else ""
    return fit(
        [
            Part(text=f"{first}\n### {mark} {text(run.stack.label)}: {title}\n\n"),
            Part(
                text=f"{prose(run.summary or '', limit=500)}\n\nRequested by {code(run.actor, limit=60)}"
                f" · {link(f'run {code(run.id)}', view.run_url)}{issue}\n\n"
            ),
            *rows(drifted(run), found),
            Part(text=_no_issue(view)),
            Part(text="", is_note=True),
            Part(text=steps(_next(view, found=bool(found)))),
        ]
    )


def _no_issue(view: DriftView) -> str:
    return f"⚠️ No issue reports this. {sentence(view.no_issue, limit=600)}\n\n" if view.no_issue else ""


def drift_issue(view: DriftView) -> tuple[str, str]:
    """Return title and body of the issue; its first line stays the same for a stack."""
    run = view.run
    found = how_many(run)
    first = header("drift", env=run.stack.env, project=run.stack.project, ref="issue")
    title = f"{run.stack.label} was changed outside Terraform"
    at = minute(run.finished_at) if run.finished_at else "an unknown time"
    looked = f"Last checked {at} ({link(f'run {code(run.id)}', view.run_url)})."
    if not found:
        return title, (
            f"{first}\n{text(run.stack.label)} has no drift any more. {looked}\n\n"
            "This issue is opened again when it drifts the next time.\n"
        )
    body = fit(
        [
            Part(text=f"{first}\n{prose(run.summary or '', limit=500)} {looked}\n\n"),
            *rows(drifted(run), found),
            Part(text="", is_note=True),
            Part(
                text="This issue is kept up to date, and closed when nothing differs any more. "
                f"To see what Terraform would do about it, comment {code(command('plan', run.stack))} on a pull"
                f" request; to look again, {code(command('drift', run.stack))}.\n"
            ),
        ]
    )
    return title, body


def rows(found: Sequence[Drifted], count: int) -> Iterator[Part]:
    """Yield one line per resource, and the folded diffs."""
    for row in found:
        was = "deleted" if row.action is Action.DESTROY else "changed"
        line = f"- {code(row.address)} was {was}, first seen {minute(row.since)}\n"
        yield Part(text=line, drop=Drop.DETAIL, group="drift")
    if count > len(found):
        yield Part(text=f"- and {count - len(found)} more\n", drop=Drop.DETAIL, group="drift")
    yield Part(text="\n", frame_of="drift")
    yield Part(text="<details><summary>What was changed</summary>\n\n", frame_of="drift diffs")
    for row in found:
        if row.diff:
            shown = fence(to_github_diff(clip_lines(clean(row.diff), _LONGEST_DIFF)), "diff")
            yield Part(text=shown + "\n", drop=Drop.DIFF, group="drift diffs")
    yield Part(text="</details>\n\n", frame_of="drift diffs")


def _next(view: DriftView, *, found: bool) -> Iterator[Step]:
    stack = view.run.stack
    if found:
        yield Step(sentence="To see what Terraform would do about it", command=command("plan", stack))
    yield Step(sentence="To look again", command=command("drift", stack))
