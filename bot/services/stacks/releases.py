"""Recording releases, and keeping what each was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.core.accounts import Account
from bot.domain.core.errors import IntegrityError, ObjectExistsError
from bot.domain.core.model import Run, StateIdentity
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.release import Release, is_partial, output_digests, source_key
from bot.policy import RepoPolicy
from bot.ports import SealedObjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A kept source bundle."""

    digest: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Source bundles in the object store, by the digest of their content."""

    objects: SealedObjects

    async def keep(self, bundle: bytes) -> Source:
        """Store a packed tree, unless the same tree is there already."""
        digest = hashlib.sha256(bundle).hexdigest()
        key = source_key(digest)
        # Equal content has an equal key: an object that is there is the one that was to be written.
        with suppress(ObjectExistsError):
            await self.objects.create(key, bundle)
        return Source(digest=digest, key=key)

    async def fetch(self, release: Release) -> bytes:
        """Return the bundle of a release, for `Workspace.lay_out`.

        Raises IntegrityError when it is not the recorded one.
        """
        bundle = await self.objects.get(release.source_key)
        if hashlib.sha256(bundle).hexdigest() != release.source_digest:
            raise IntegrityError(
                f"release {release.plan_id}: the stored source is not the one that was recorded"
            )
        return bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Properties of a release that are not in its plan."""

    run: Run
    source: Source
    state: StateIdentity
    """With the release in it."""
    outputs: Mapping[str, Any]
    """Terraform's, sensitive values in clear; only their digests are recorded."""
    changed: bool
    approvers: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """A release that a plan has found in place, and the policy under which it looked."""

    release: Release
    policy: RepoPolicy


def release_of(plan: PlanRecord, made: Made, at: datetime) -> Release:
    """Return the record of a release."""
    return Release(
        plan_id=plan.id,
        run_id=made.run.id,
        stack=plan.stack,
        # What a merge applies is planned from the base, and is that pull request's change all the same.
        pull=made.run.pull if plan.pull is None else plan.pull,
        head_sha=plan.head_sha,
        base_sha=plan.base_sha,
        merge_tree=plan.merge_tree,
        inputs_digest=plan.inputs_digest,
        fetched_digest=plan.fetched_digest,
        var_file_digest=plan.var_file_digest,
        change_digest=plan.change_digest,
        plan_sha256=plan.plan_sha256,
        policy_digest=plan.policy_digest,
        engine=plan.engine,
        arguments=plan.arguments,
        changed=made.changed,
        source_digest=made.source.digest,
        source_key=made.source.key,
        state_serial=made.state.serial,
        state_lineage=made.state.lineage,
        outputs=output_digests(made.outputs),
        actor=made.run.actor,
        approvers=made.approvers,
        recorded_at=at,
    )


def is_release_as_it_stands(plan: PlanRecord, policy: RepoPolicy) -> bool:
    """Whether a plan without changes shows that its release is in place.

    A whole plan of an environment that stays.
    """
    env = policy.environment(plan.stack.env)
    stays = env.lifecycle == "permanent" and env.trigger != "local"
    return stays and not plan.has_changes and not is_partial(plan.arguments)
