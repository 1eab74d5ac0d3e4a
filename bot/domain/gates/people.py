"""Gates that people open: the requester's permission, and approvals of code owners."""

from __future__ import annotations

from typing import Final

from bot.domain.core.refusals import Reason
from bot.domain.gates.approval_sentences import approved_sentence, missing_sentence, what_opens
from bot.domain.gates.facts import Facts
from bot.domain.gates.gate import Gate, GateResult, When


def permission(facts: Facts) -> GateResult:
    """Judge whether the requester may apply."""
    # No person and no command can open it then, only a change of the policy.
    if facts.needed_permission is None:
        sentence = f"Nobody may apply {facts.plan.stack.env}: the policy gives it no `apply.allow`."
        return PERMISSION.failed(sentence, None)
    if facts.is_reviewed_merge:
        # GitHub has let it merge. That is often a bot (a merge queue, Mergify), of which no permission can be read.
        return PERMISSION.passed(
            "The merge applies what was reviewed, so the account that merged is not asked."
        )
    if not facts.actor_may_apply:
        sentence = f"Applying {facts.plan.stack.env} needs {facts.needed_permission}."
        return PERMISSION.failed(sentence, f"ask a person with {facts.needed_permission}")
    return PERMISSION.passed(f"The requester has {facts.needed_permission}.")


PERMISSION: Final = Gate(
    name="permission",
    judge=permission,
    when=When.ALWAYS,
    revert=permission,
    can_be_overridden=False,
    reasons=(Reason.PERMISSION,),
    open_when=(
        "the requester has what `apply.allow` names, and write access; a merge that applies exactly what was reviewed"
        " needs no permission of the account that merged"
    ),
    opened_by="a person with that right",
)


def responsible(facts: Facts) -> GateResult:
    """Judge whether the requester of a revert is a code owner or on call."""
    # Their `/apply` is the approval, so that a revert at night waits for no other person.
    env = facts.plan.stack.env
    if CODEOWNERS.name in facts.unreadable:
        return CODEOWNERS.unreadable(f"Who owns {env}", facts)
    if not facts.answers_for_it:
        said = (
            f"A revert of {env} is applied by one of its code owners or by the policy's `oncall` team: their"
            " `/apply` is the approval."
        )
        opens = f"`/apply {env} {facts.plan.id}` by a code owner or by who is on call"
        return CODEOWNERS.failed(said, opens)
    return CODEOWNERS.passed("The requester is a code owner or on call.")


def codeowners(facts: Facts) -> GateResult:
    """Judge whether owners of everything that is touched approved this plan."""
    verdict, stack = facts.approvals, facts.plan.stack
    project = "" if stack.project == "default" else f" -p {stack.project}"
    override = f"/override {stack.env} {CODEOWNERS.name}{project} REASON"
    if verdict is None:
        return CODEOWNERS.unreadable("The approvals of code owners", facts, override=override)
    # No path at all would otherwise be a plan that needs no approval.
    if verdict.missing or verdict.unknown_heads or not verdict.paths:
        return CODEOWNERS.failed(missing_sentence(verdict), what_opens(verdict, override=override))
    return CODEOWNERS.passed(approved_sentence(verdict))


CODEOWNERS: Final = Gate(
    name="codeowners",
    judge=codeowners,
    when=When.NAMED,
    revert=responsible,
    can_be_overridden=True,
    reasons=(Reason.CODEOWNERS,),
    open_when=(
        "the code owners of the stack's directory, of its var file and of every changed path with an owner have approved"
        " the plan; for a revert, the requester is a code owner or on call"
    ),
    opened_by="approval from the owners whom the answer names",
)
