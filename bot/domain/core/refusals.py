"""Refusals: values that answer a request which is valid but not allowed now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Stable codes with what each means; other programs read them from comment headers."""

    explanation: str
    """For the documentation."""

    def __new__(cls, code: str, explanation: str = "") -> Self:
        """Make a member whose value is the code alone."""
        # The default is for look-ups by value, `Reason("checks")`; every member has an explanation.
        made = str.__new__(cls, code)
        made._value_ = code
        made.explanation = explanation
        return made

    AMBIGUOUS_PLAN = "ambiguous_plan", "More than one plan could be meant; name one."
    ALREADY_APPLIED = "already_applied", "This plan was applied before; a plan is applied once."
    ALREADY_RUNNING = "already_running", "An apply of this stack is running."
    ARGUMENT = "argument", "A Terraform argument that is not on the allow list."
    BASE = "base", "The pull request's base is neither the default branch nor one of the policy's `branches`."
    CHECKS = (
        "checks",
        "A check that the commit must pass has failed, has not ended, was not reported, or could not be read.",
    )
    CODEOWNERS = (
        "codeowners",
        "Code owners have not approved what the plan does, or their approvals could not be read.",
    )
    CONFIG = (
        "config",
        "`gatewright.yaml` on the default branch is missing, not valid, or no longer the one under which the plan was made.",
    )
    CONFLICT = "conflict", "The pull request does not merge cleanly into its base."
    DRIFT = "drift", "The environment was changed outside Terraform, and the plan does not show it."
    ENGINE_CHANGED = (
        "engine_changed",
        "The policy now names another engine or version than the one that made the plan.",
    )
    ENVIRONMENT = "environment", "No such environment, or none was named where one must be."
    FORK = "fork", "The commit comes from a fork, and no maintainer has allowed it; its code is not run."
    GATE = "gate", "A gate of the policy is shut, or this version cannot judge it."
    HEAD_MOVED = "head_moved", "The pull request has newer commits than the plan."
    HOLD = (
        "hold",
        "The environment is on hold, everything is stopped, or the policy's calendar closes it now.",
    )
    INPUTS_DIFFER = "inputs_differ", "The server gives other values of a variable to plans than to applies."
    INTEGRITY = "integrity", "The stored plan is not, bit for bit, the one that was reviewed."
    LINEAGE = (
        "lineage",
        "The snapshot is of another lineage than the state: they are not versions of one state.",
    )
    LOCKED = "locked", "Another pull request holds the stack."
    NO_CHANGES = "no_changes", "There is nothing to plan or to apply."
    NO_CONFIGURATION = (
        "no_configuration",
        "The root module has no Terraform configuration of its own, so everything would be destroyed.",
    )
    NO_PLAN = "no_plan", "This pull request has no plan of the environment."
    NOT_AVAILABLE = "not_available", "The command is documented, but this version does not have it yet."
    NOTHING_TO_REVERT = (
        "nothing_to_revert",
        "There is no earlier release that was verified, or the pull request has applied nothing.",
    )
    NOT_FOUND = "not_found", "No such plan, run or command on this pull request."
    NOT_VERIFIED = (
        "not_verified",
        "The release was never verified in that environment, so a revert cannot go back to it.",
    )
    NOT_YET = "not_yet", "Another run must end first, for example a plan that is still being made."
    OTHER_CHANGES = (
        "other_changes",
        "The plan of an `/import` or `/state rm` would change something else too, for example what the address depends on.",
    )
    OTHER_BACKEND = (
        "other_backend",
        "The code declares another backend for its state, and there is no state yet where the bot keeps it.",
    )
    PERMISSION = "permission", "The requester lacks the right that the command or the environment needs."
    PLAN_EXPIRED = "plan_expired", "The plan is older than `plan_expires`."
    PLAN_NEWER_THAN_COMMAND = (
        "plan_newer_than_command",
        "The plan was posted after the comment was written, so its author cannot have read it.",
    )
    PLAN_STALE = (
        "plan_stale",
        "The plan is out of date: new commits, another base, canceled, or its apply failed.",
    )
    PROJECT = "project", "No such project, or none was named where one must be."
    PROMOTED = (
        "promoted",
        "The same release was not applied and verified in the environment before, or that verification no longer counts.",
    )
    PROVIDERS_CHANGED = (
        "providers_changed",
        "A release was made with other providers than this server installs.",
    )
    PULL_CLOSED = "pull_closed", "The pull request is closed."
    RISK = "risk", "The plan destroys, replaces or exposes more than `apply.risk` lets through."
    SOURCE_MISSING = "source_missing", "The source of a release is no longer in the object store."
    STATE_OWNER = "state_owner", "The state belongs to another repository, project or environment."
    STATE_MOVED = "state_moved", "The state was changed since the plan was made."
    TREE_CHANGED = (
        "tree_changed",
        "A program that ran during the plan changed reviewed files, or added files that Terraform or git read on their own.",
    )
    UNCONFIRMED = "unconfirmed", "`--confirm` did not repeat the count that the command would affect."
    UNDIVERGED = "undiverged", "The base has moved on, and the plan's inputs differ there now."
    UNFETCHED_CONTENT = (
        "unfetched_content",
        "A submodule or a Git LFS pointer lies among the stack's inputs; what it stands for is not fetched.",
    )
    UNSAFE_TREE = (
        "unsafe_tree",
        "The commit holds files that could redirect Terraform, such as a backend override.",
    )
    USAGE = "usage", "The command is not written correctly."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request was refused, and the exact next command."""

    reason: Reason
    sentence: str
    """One or two full sentences for the requester."""
    next_command: str | None = None
    detail: tuple[str, ...] = ()
    """Further lines, for example one per choice or per problem."""
    gate: str | None = None
    """The gate that is shut."""
