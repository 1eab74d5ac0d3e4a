"""Gathers incomplete changes and holds of stacks for `/status`."""

from __future__ import annotations

from collections.abc import Iterable

from bot.comments.answers.stack_notes import StackNote
from bot.domain.core.model import Stack
from bot.ports import Reader, Records
from bot.services.runs.incomplete_changes import newest_unfinished


async def stack_notes(records: Records, stacks: Iterable[Stack]) -> tuple[StackNote, ...]:
    """Return a note for each stack with an incomplete change or a hold."""
    async with records.read() as reader:
        notes = [await _note(reader, stack) for stack in stacks]
    return tuple(note for note in notes if note.unfinished is not None or note.holds)


async def _note(reader: Reader, stack: Stack) -> StackNote:
    unfinished = await newest_unfinished(reader, stack, await reader.releases(stack, limit=1))
    plan_id = None if unfinished is None else unfinished.plan_id
    revert = None if plan_id is None else await reader.revert_of(plan_id)
    return StackNote(
        stack=stack,
        unfinished=unfinished,
        revert_to=None if revert is None else revert.target,
        holds=tuple(await reader.holds(repo=stack.repo, env=stack.env)),
    )
