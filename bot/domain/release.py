"""Releases: what was really put into an environment, and whether it was seen to work there.

A release is named by the plan that made it. It never depends on a branch: what it was made of is kept under the
digest of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.model import Login, PlanId, RunId, Sha, Stack
from bot.domain.outcome import Outcome
from bot.domain.plan import PlanRecord

PARTIAL_ARGUMENTS = ("-target", "-refresh=false")
"""A plan made with one of these does not show everything, so it stands for no release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A plan of a stack that was applied, or that found nothing to change, with everything it was made of."""

    plan_id: PlanId
    """The release's name; what people type after `/revert to`."""
    run_id: RunId
    """The run that applied it, or that planned it and found nothing to change."""
    stack: Stack
    pull: int | None
    head_sha: Sha
    base_sha: Sha
    merge_tree: str
    inputs_digest: str
    """The stack inputs digest: equal in every environment that has the same release."""
    var_file_digest: str | None
    change_digest: str
    plan_sha256: str
    policy_digest: str
    engine: str
    """`terraform 1.11.4`."""
    arguments: tuple[str, ...]
    changed: bool
    """False where the plan found that everything was in place already."""
    source_digest: str
    """SHA-256, hexadecimal, of the source bundle."""
    source_key: str
    """Object key of the source bundle: the tree as it was planned, provider lock file included, sealed."""
    state_serial: int | None
    """Of the state with this release in it."""
    state_lineage: str | None
    outputs: Mapping[str, str]
    """Output -> SHA-256, hexadecimal, of its value as canonical JSON; values themselves are not kept."""
    actor: Login
    approvers: tuple[Login, ...]
    """Code owners whose approvals opened its gate; empty where none were asked for."""
    recorded_at: datetime
    fetched_digest: str | None = None
    """Of the modules and providers that it was planned with; None where an older version has recorded it."""

    @property
    def is_whole(self) -> bool:
        """Whether all that its inputs say was put in place, and not a part of it."""
        return not is_partial(self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check after an apply."""

    name: str
    """As the policy calls it; its type where it has no name."""
    type: str
    """`http`, `tcp`, `command`, `outputs`, `kubernetes` or `terraform_checks`."""
    outcome: Outcome
    sentence: str
    """What was found, redacted."""
    attempts: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The checks of one release in its environment, and what their result holds for."""

    run_id: RunId
    """The run of kind `verify` that made it."""
    release: PlanId
    stack: Stack
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    """Empty where the policy names none."""
    inputs_digest: str
    change_digest: str
    state_serial: int | None
    state_lineage: str | None
    policy_digest: str
    """Of the policy that named the checks."""
    actor: Login
    verified_at: datetime
    revoked_at: datetime | None = None
    revoked_why: str | None = None

    @property
    def holds(self) -> bool:
        """Whether it is a pass that nothing has revoked."""
        return self.outcome is Outcome.PASS and self.revoked_at is None


def is_partial(arguments: tuple[str, ...]) -> bool:
    """Whether a plan made with these arguments leaves something out."""
    return any(argument.startswith(PARTIAL_ARGUMENTS) for argument in arguments)


def is_whole(plan: PlanRecord) -> bool:
    """Whether a plan is all that its code says of the stack; an operation only mends a state."""
    return plan.operation is None and not is_partial(plan.arguments)


def source_key(digest: str) -> str:
    """Return where a source bundle is kept; equal sources share one object."""
    return f"sources/{digest}"


def output_digests(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return output -> digest from Terraform's outputs, each an object with a `value`."""
    return {
        name: _digest(output.get("value")) for name, output in outputs.items() if isinstance(output, Mapping)
    }


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
