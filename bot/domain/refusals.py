"""Refusals: answers to a request that is understood but not allowed now. They are values, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable codes; other programs read them from comment headers. Never rename one."""

    AMBIGUOUS_PLAN = "ambiguous_plan"
    ALREADY_APPLIED = "already_applied"
    ALREADY_RUNNING = "already_running"
    ARGUMENT = "argument"
    BASE = "base"
    CHECKS = "checks"
    CODEOWNERS = "codeowners"
    CONFIG = "config"
    CONFLICT = "conflict"
    DRIFT = "drift"
    ENGINE_CHANGED = "engine_changed"
    ENVIRONMENT = "environment"
    FORK = "fork"
    GATE = "gate"
    HEAD_MOVED = "head_moved"
    HOLD = "hold"
    INPUTS_DIFFER = "inputs_differ"
    INTEGRITY = "integrity"
    LINEAGE = "lineage"
    LOCKED = "locked"
    NO_CHANGES = "no_changes"
    NO_CONFIGURATION = "no_configuration"
    NO_PLAN = "no_plan"
    NOT_AVAILABLE = "not_available"
    NOTHING_TO_REVERT = "nothing_to_revert"
    NOT_FOUND = "not_found"
    NOT_VERIFIED = "not_verified"
    NOT_YET = "not_yet"
    OTHER_CHANGES = "other_changes"
    OTHER_BACKEND = "other_backend"
    PERMISSION = "permission"
    PLAN_EXPIRED = "plan_expired"
    PLAN_NEWER_THAN_COMMAND = "plan_newer_than_command"
    PLAN_STALE = "plan_stale"
    PROJECT = "project"
    PROMOTED = "promoted"
    PROVIDERS_CHANGED = "providers_changed"
    PULL_CLOSED = "pull_closed"
    RISK = "risk"
    SOURCE_MISSING = "source_missing"
    STATE_OWNER = "state_owner"
    STATE_MOVED = "state_moved"
    TREE_CHANGED = "tree_changed"
    UNCONFIRMED = "unconfirmed"
    UNDIVERGED = "undiverged"
    UNFETCHED_CONTENT = "unfetched_content"
    UNSAFE_TREE = "unsafe_tree"
    USAGE = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request was not carried out, and the exact next command."""

    reason: Reason
    sentence: str
    """One or two full sentences for the person who asked."""
    next_command: str | None = None
    detail: tuple[str, ...] = ()
    """Further lines, for example one per choice or per problem."""
    gate: str | None = None
    """The gate that is shut."""
