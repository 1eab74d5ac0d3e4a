"""What a plan contains besides the reviewed code: generated files, and unpinned sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.comments.markdown.budget import Drop, Part
from bot.comments.markdown.escape import code
from bot.comments.markdown.words import counted
from bot.domain.plans.plan import PlanSummary

_PIN = (
    "Pin modules to a full commit (`?ref=` with 40 digits) or to one exact version, and commit `.terraform.lock.hcl`:"
    " else each environment may get something else.\n\n"
)


def added_files(summary: PlanSummary) -> Iterator[Part]:
    """Yield the folded list of files that code wrote during the plan."""
    files = summary.added_files
    title = f"{counted(len(files), 'file')} that the plan created, and that its apply will use"
    yield from _folded(title, files, end="")


def moving_sources(summary: PlanSummary) -> Iterator[Part]:
    """Yield the folded list of modules and providers that may change later."""
    sources = summary.moving_sources
    yield from _folded(f"{counted(len(sources), 'source')} that can move", sources, end=_PIN)


def _folded(title: str, items: Sequence[str], *, end: str) -> Iterator[Part]:
    yield Part(text=f"<details><summary>{title}</summary>\n\n", frame_of=title)
    for item in items:
        yield Part(text=f"- {code(item, limit=300)}\n", drop=Drop.DETAIL, group=title)
    yield Part(text=f"\n{end}</details>\n\n", frame_of=title)
