"""Facts of a plan whose gates are all open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.core.model import StateIdentity
from bot.domain.gates import Facts
from tests.fakes.records import builders

LINEAGE = builders.plan().state_lineage


def facts(**changes: Any) -> Facts:
    made = Facts(
        plan=builders.plan(),
        pull=builders.pull(),
        now=builders.NOON + timedelta(minutes=10),
        state=StateIdentity(serial=4, lineage=LINEAGE, sha256="1" * 64),
        engine="terraform 1.11.4",
        lock=None,
        actor_may_apply=True,
        needed_permission="write access",
        policy_digest=builders.plan().policy_digest,
        stack=builders.stack(),
    )
    return replace(made, **changes)
