"""Gates that people open."""

from __future__ import annotations

from bot.domain.gates.facts import Facts
from bot.domain.gates.result import GateResult, failed, passed, unread
from bot.domain.owner_words import approved_sentence, missing_sentence, opener
from bot.domain.refusals import Reason


def permission(facts: Facts) -> GateResult:
    """Whoever asks may apply."""
    if facts.needed_permission is None:
        return failed(
            "permission",
            Reason.PERMISSION,
            f"Nobody may apply {facts.plan.stack.env}: the policy gives it no `apply.allow`.",
            None,
        )
    if not facts.actor_may_apply:
        return failed(
            "permission",
            Reason.PERMISSION,
            f"Applying {facts.plan.stack.env} needs {facts.needed_permission}.",
            f"ask somebody with {facts.needed_permission}",
        )
    return passed("permission", f"The requester has {facts.needed_permission}.")


def responsible(facts: Facts) -> GateResult:
    """Whoever asks for a revert answers for the environment: nobody is waited for at night."""
    env = facts.plan.stack.env
    if "codeowners" in facts.unreadable:
        return unread("codeowners", Reason.CODEOWNERS, f"Who owns {env}", facts.unreadable["codeowners"])
    if not facts.answers_for_it:
        said = (
            f"A revert of {env} is applied by one of its code owners or by the policy's `oncall` team: their"
            " `/apply` is the approval."
        )
        opens = f"`/apply {env} {facts.plan.id}` by a code owner or by who is on call"
        return failed("codeowners", Reason.CODEOWNERS, said, opens)
    return passed("codeowners", "The requester is a code owner or on call.")


def codeowners(facts: Facts) -> GateResult:
    """The owners of everything that is touched have approved this very plan, and none of them made it."""
    verdict = facts.approvals
    if verdict is None:
        why = facts.unreadable.get("codeowners")
        return unread("codeowners", Reason.CODEOWNERS, "The approvals of code owners", why)
    if verdict.missing or verdict.unknown_pushes or not verdict.paths:
        return failed("codeowners", Reason.CODEOWNERS, missing_sentence(verdict), opener(verdict))
    return passed("codeowners", approved_sentence(verdict))
