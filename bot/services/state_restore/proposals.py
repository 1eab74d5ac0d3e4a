"""What restoring a snapshot of a state would mean, found out without changing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.core.errors import IntegrityError, ObjectMissingError
from bot.domain.core.model import Stack, StateIdentity, StateKey
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.secrets.redaction import MASK, Redactor
from bot.domain.state.known_objects import Known, KnownState, known_state, serial_hint
from bot.domain.state.restore import Comparison, Found, Renamed, compare
from bot.ports import Records, StateVersion
from bot.ports.records.restores import KeptStates, Stored
from bot.services.runs.credentials import Credentials
from bot.services.stacks.states import unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A snapshot that can be restored, and what that would change."""

    stack: Stack
    source: StateVersion
    data: bytes = field(repr=False)
    """Of the snapshot."""
    serial: int
    """The serial of the restored state: above every serial ever used for this state."""
    found: Found
    believed: StateVersion | None
    """The newest readable snapshot, which it is compared with where the state itself cannot be read."""
    current_serial: int | None
    """Serial of the state it is compared with; None if none could be read."""
    comparison: Comparison
    """Redacted, fit to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """The resources that Terraform knows now, as far as they can be read."""

    found: Found
    state: KnownState | None
    version: StateVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreProposals:
    """Reads the snapshots of states, and compares."""

    records: Records
    kept: KeptStates
    credentials: Credentials

    async def propose(self, stack: Stack, serial: int, stored: Stored) -> Proposal | Refusal:
        """Describe the result of restoring the newest snapshot with this serial.

        `stored` is the current object.
        """
        now = await self._now(stack.state_key, stored)
        async with self.records.read() as reader:
            candidates = await reader.snapshots(stack.state_key, serial=serial)
            highest = await reader.highest_serial(stack.state_key)
        if not candidates:
            return _unknown(stack, serial)
        lineage = None if now.state is None else now.state.lineage
        own = [each for each in candidates if lineage in {None, each.identity.lineage}]
        if not own:
            return _another_lineage(stack, candidates[0], lineage)
        # What a run left is what the next one found: the one that left it is named.
        source = next(each for each in reversed(own) if each.object_key == own[0].object_key)
        if now.found is Found.STATE and source.identity.sha256 == unreadable(stored.data).sha256:
            return _nothing(stack, serial)
        opened = await self._opened(source)
        if isinstance(opened, Refusal):
            return opened
        data, restored = opened
        current = now.state.objects if now.state is not None else ()
        shown = now.state.serial if now.state is not None else 0
        hint = serial_hint(stored.data) if now.found is Found.UNREADABLE else 0
        return Proposal(
            stack=stack,
            source=source,
            data=data,
            serial=max(highest, shown, hint) + 1,
            found=now.found,
            believed=now.version,
            current_serial=None if now.state is None else now.state.serial,
            comparison=await asyncio.to_thread(self._shown, stack, now.state, restored, current),
        )

    async def versions(self, stack: Stack) -> tuple[StateVersion, ...]:
        """Return the snapshots of a state, newest first and each content once."""
        async with self.records.read() as reader:
            versions = await reader.snapshots(stack.state_key)
        return tuple({each.object_key: each for each in versions}.values())

    async def _now(self, key: StateKey, stored: Stored) -> _Now:
        """Return the current state, or the newest readable snapshot if it is damaged or missing.

        The resources may still exist although the object is gone.
        """
        state = await asyncio.to_thread(known_state, stored.data)
        if state is not None:
            return _Now(found=Found.STATE, state=state)
        found = Found.UNREADABLE if stored.data else Found.MISSING
        async with self.records.read() as reader:
            versions = await reader.snapshots(key)
        for version in versions:
            opened = await self._opened(version)
            if not isinstance(opened, Refusal):
                return _Now(found=found, state=opened[1], version=version)
        return _Now(found=found, state=None)

    async def _opened(self, version: StateVersion) -> tuple[bytes, KnownState] | Refusal:
        said = f"The snapshot with serial {version.identity.serial}"
        try:
            data = await self.kept.kept(str(version.object_key))
        except ObjectMissingError:
            return Refusal(
                reason=Reason.SOURCE_MISSING, sentence=f"{said} is not in the object store any more."
            )
        except IntegrityError:
            return Refusal(reason=Reason.INTEGRITY, sentence=f"{said} is damaged: it is not what was kept.")
        state = await asyncio.to_thread(known_state, data)
        if state is None:
            return Refusal(reason=Reason.INTEGRITY, sentence=f"{said} is not a whole Terraform state.")
        return data, state

    def _shown(
        self, stack: Stack, now: KnownState | None, then: KnownState, current: Sequence[Known]
    ) -> Comparison:
        """Compare the states, then hide secrets: ids are compared in clear."""
        secrets = then.secrets | (now.secrets if now is not None else frozenset())
        redact = self.credentials.redactor(stack.env).with_more(secrets)
        found = compare(current, then.objects)
        return Comparison(
            orphans=tuple(_redacted(each, redact) for each in found.orphans),
            ghosts=tuple(_redacted(each, redact) for each in found.ghosts),
            renamed=tuple(
                Renamed(now=_redacted(pair.now, redact), then=_redacted(pair.then, redact))
                for pair in found.renamed
            ),
        )


def identity_of(stored: Stored) -> StateIdentity:
    """Return serial, lineage and hash of the bytes, as far as they can be read."""
    state, bare = known_state(stored.data), unreadable(stored.data)
    return bare if state is None else replace(bare, serial=state.serial, lineage=state.lineage)


def restore_command(stack: Stack, serial: int | None, *, confirm: int | None = None) -> str:
    """Return the exact command."""
    project = "" if stack.project == "default" else f" -p {stack.project}"
    confirmed = "" if confirm is None else f" --confirm {confirm}"
    return f"/state restore {stack.env} {serial}{confirmed}{project}"


def versions_command(stack: Stack) -> str:
    """Return the command that lists the snapshots."""
    return f"/state restore {stack.env}" + ("" if stack.project == "default" else f" -p {stack.project}")


def _redacted(known: Known, redact: Redactor) -> Known:
    shown = None if known.id is None else MASK if known.is_secret else redact(known.id)
    return replace(known, address=redact(known.address), id=shown)


def _unknown(stack: Stack, serial: int) -> Refusal:
    return Refusal(
        reason=Reason.NOT_FOUND,
        sentence=f"{stack.label} has no snapshot with serial {serial}.",
        next_command=versions_command(stack),
    )


def _another_lineage(stack: Stack, version: StateVersion, lineage: str | None) -> Refusal:
    return Refusal(
        reason=Reason.LINEAGE,
        sentence=(
            f"The snapshot with serial {version.identity.serial} has the lineage `{version.identity.lineage}`, and the"
            f" state of {stack.label} has `{lineage}`: they are not versions of one state."
        ),
        next_command=versions_command(stack),
    )


def _nothing(stack: Stack, serial: int) -> Refusal:
    return Refusal(
        reason=Reason.NO_CHANGES,
        sentence=f"Serial {serial} is what {stack.label} has now, byte for byte.",
        next_command="/status",
    )
