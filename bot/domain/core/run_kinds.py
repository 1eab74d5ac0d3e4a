"""What each kind of run is: one record per kind, and the sets of kinds that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.core.model import RunKind


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTraits:
    """The traits of a kind of run; no field has a default, so that a new kind decides on each."""

    changes_state: bool
    """Writes the state, or may."""
    changes_resources: bool
    """Terraform changes resources, so a failure may leave them between two releases."""
    applies_release: bool
    """Brings the stack to a release; `/revert` without ENV goes back from the newest of these."""
    is_queued_by_apply: bool
    """Queued by `/apply`."""
    changes_leased_environment: bool
    """Creates or destroys an environment that is leased to a pull request."""
    uses_ephemeral_environment: bool
    """An ephemeral environment is destroyed after the last of these has ended."""
    continues_sequence: bool
    """Its end queues the run of the next project of the same command, or cancels the later ones."""
    blocks_unlock: bool
    """`/unlock` is refused until it has ended."""
    blocks_apply: bool
    """`/apply` of the same stack is refused until it has ended."""
    is_shown_in_checks: bool
    """The check runs of a commit take it into account."""
    is_reported_in_issue: bool
    """Reported in an issue: such reports are written one at a time per repository."""
    can_be_repeated: bool
    """`/rerun` repeats it; a data refresh has its own rules there."""
    program: str
    """What it runs, for sentences about lost runs."""


TRAITS: Final[Mapping[RunKind, KindTraits]] = {
    RunKind.PLAN: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=True,
        continues_sequence=False,
        blocks_unlock=False,
        blocks_apply=False,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=True,
        program="Terraform",
    ),
    RunKind.APPLY: KindTraits(
        changes_state=True,
        changes_resources=True,
        applies_release=True,
        is_queued_by_apply=True,
        changes_leased_environment=True,
        uses_ephemeral_environment=True,
        continues_sequence=True,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.DESTROY: KindTraits(
        changes_state=True,
        changes_resources=True,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=True,
        uses_ephemeral_environment=False,
        continues_sequence=True,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.REVERT: KindTraits(
        changes_state=True,
        changes_resources=True,
        applies_release=True,
        is_queued_by_apply=True,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.SYNC: KindTraits(
        changes_state=True,
        changes_resources=True,
        applies_release=True,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.DRIFT: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=False,
        is_reported_in_issue=True,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.VERIFY: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=True,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=False,
        is_shown_in_checks=False,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.DRILL: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=False,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
    RunKind.DATA_REFRESH: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=False,
        is_reported_in_issue=True,
        can_be_repeated=False,
        program="the command",
    ),
    RunKind.RESTORE: KindTraits(
        changes_state=True,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=True,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="the restore",
    ),
    RunKind.UNKNOWN: KindTraits(
        changes_state=False,
        changes_resources=False,
        applies_release=False,
        is_queued_by_apply=False,
        changes_leased_environment=False,
        uses_ephemeral_environment=False,
        continues_sequence=False,
        blocks_unlock=True,
        blocks_apply=True,
        is_shown_in_checks=False,
        is_reported_in_issue=False,
        can_be_repeated=False,
        program="Terraform",
    ),
}
"""Every kind; a test checks that none is missing."""


def _kinds(has: Callable[[KindTraits], bool]) -> tuple[RunKind, ...]:
    return tuple(kind for kind, traits in TRAITS.items() if has(traits))


STATE_CHANGES: Final = _kinds(lambda kind: kind.changes_state)
RESOURCE_CHANGES: Final = _kinds(lambda kind: kind.changes_resources)
RELEASE_APPLIES: Final = _kinds(lambda kind: kind.applies_release)
STATE_CHANGES_WITHOUT_RELEASE: Final = _kinds(lambda kind: kind.changes_state and not kind.applies_release)
QUEUED_BY_APPLY: Final = _kinds(lambda kind: kind.is_queued_by_apply)
LEASE_CHANGES: Final = _kinds(lambda kind: kind.changes_leased_environment)
EPHEMERAL_USES: Final = _kinds(lambda kind: kind.uses_ephemeral_environment)
SEQUENCED: Final = _kinds(lambda kind: kind.continues_sequence)
BLOCKING_UNLOCK: Final = _kinds(lambda kind: kind.blocks_unlock)
BLOCKING_APPLY: Final = _kinds(lambda kind: kind.blocks_apply)
SHOWN_IN_CHECKS: Final = _kinds(lambda kind: kind.is_shown_in_checks)
REPORTED_IN_ISSUES: Final = _kinds(lambda kind: kind.is_reported_in_issue)
REPEATABLE: Final = _kinds(lambda kind: kind.can_be_repeated)
