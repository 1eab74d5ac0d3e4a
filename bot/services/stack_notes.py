"""Gathering what `/status` says of stacks beyond their rows."""

from __future__ import annotations

from collections.abc import Iterable

from bot.comments.stack_notes import StackNote
from bot.domain.model import Stack
from bot.ports import Reader, Records
from bot.services.unfinished import newest_unfinished


async def stack_notes(records: Records, stacks: Iterable[Stack]) -> tuple[StackNote, ...]:
    """Return the stacks of which there is something to say."""
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
