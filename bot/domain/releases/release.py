"""Releases: what was applied to an environment, and whether it was verified there.

A release is named by the plan that made it. It never depends on a branch: its source is stored by the digest
of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanId, RunId, Sha, Stack
from bot.domain.core.outcome import Outcome
from bot.domain.plans.plan import PlanRecord

PARTIAL_ARGUMENTS = ("-target", "-refresh=false")
"""Arguments that make a plan partial; a partial plan never counts as a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A plan that was applied or found no changes, with everything it was made of."""

    plan_id: PlanId
    """The release's name, as typed after `/revert to`."""
    run_id: RunId
    """The run that applied it, or that planned it without finding changes."""
    stack: Stack
    pull: int | None
    head_sha: Sha
    base_sha: Sha
    merge_tree: str
    inputs_digest: str
    """The stack inputs digest: equal in every environment with the same release."""
    var_file_digest: str | None
    change_digest: str
    plan_sha256: str
    policy_digest: str
    engine: str
    """For example `terraform 1.11.4`."""
    arguments: tuple[str, ...]
    changed: bool
    """False if the plan found no changes."""
    source_digest: str
    """SHA-256 (hexadecimal) of the source bundle."""
    source_key: str
    """Object key of the encrypted source bundle: the planned tree with its provider lock file."""
    state_serial: int | None
    """Of the state after this release."""
    state_lineage: str | None
    outputs: Mapping[str, str]
    """Output -> SHA-256 (hexadecimal) of its value as canonical JSON; values are not stored."""
    actor: Account
    approvers: tuple[Account, ...]
    """Code owners whose approvals counted; empty if none were required."""
    recorded_at: datetime
    fetched_digest: str | None = None
    """Digest of its modules and providers; None if recorded by an older version."""

    @property
    def is_whole(self) -> bool:
        """Whether the release covers the whole stack."""
        return not is_partial(self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check after an apply."""

    name: str
    """Its name in the policy, or its type if it has none."""
    type: str
    """`http`, `tcp`, `command`, `outputs`, `kubernetes` or `terraform_checks`."""
    outcome: Outcome
    sentence: str
    """The findings, redacted."""
    attempts: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The verification of a release in its environment."""

    run_id: RunId
    """The run of kind `verify` that made it."""
    release: PlanId
    stack: Stack
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    """Empty if the policy defines no checks."""
    inputs_digest: str
    change_digest: str
    state_serial: int | None
    state_lineage: str | None
    policy_digest: str
    """Digest of the policy that defined the checks."""
    actor: Account
    verified_at: datetime
    revoked_at: datetime | None = None
    revoked_why: str | None = None

    @property
    def holds(self) -> bool:
        """Whether it passed and was not revoked."""
        return self.outcome is Outcome.PASS and self.revoked_at is None


def is_partial(arguments: tuple[str, ...]) -> bool:
    """Whether arguments make a plan partial."""
    return any(argument.startswith(PARTIAL_ARGUMENTS) for argument in arguments)


def is_whole(plan: PlanRecord) -> bool:
    """Whether a plan covers the whole stack; state operations and targeted plans do not."""
    return plan.operation is None and not is_partial(plan.arguments)


def source_key(digest: str) -> str:
    """Return the object key of a source bundle; equal sources share one object."""
    return f"sources/{digest}"


def output_digests(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return output -> digest from Terraform's outputs, each an object with a `value`."""
    return {
        name: _digest(output.get("value")) for name, output in outputs.items() if isinstance(output, Mapping)
    }


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
