"""The check run `gatewright/policy`: validity and effects of a changed `gatewright.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.comments.checks.checks import CheckText, Conclusion
from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, one_line, prose, text
from bot.comments.markdown.words import Step, counted, short, steps
from bot.domain.core.model import Sha
from bot.domain.environments.policy_changes import NO_CHANGES, EnvironmentOutline, PolicyChange, PolicyChanges

_MOST_PROBLEMS = 60
_MOST_NAMED = 6
_VALUE = 150
REPAIRS: Final = CheckText(
    conclusion=Conclusion.NEUTRAL,
    title="This change repairs gatewright.yaml and does nothing else",
    summary=(
        "The policy on the default branch is not valid, so nothing can be planned or applied. This change makes it valid"
        " and touches no other file, so it may be merged without a plan.\n"
    ),
)
"""Titles of the other checks while the policy in force is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """What a pull request changes in the policy."""

    branch: str
    """The default branch."""
    commit: Sha
    """Its tip."""
    problems: Sequence[str] = ()
    """Errors of the pull request's file, as `path:line: sentence`."""
    of_merge: bool = False
    """Whether the merge results in another file than the pull request's, as both branches changed it."""
    is_removed: bool = False
    is_new: bool = False
    """Whether the default branch has no such file."""
    was_broken: bool = False
    """Whether the default branch's file is invalid."""
    changes_more: bool = False
    """Whether the pull request also changes other files."""
    changes: PolicyChanges = NO_CHANGES


def policy_check(view: PolicyView) -> CheckText:
    """Return the check: red for a file that would block all runs once it is merged."""
    if view.problems:
        return CheckText(
            conclusion=Conclusion.FAILURE,
            title=f"gatewright.yaml is not valid: {counted(len(view.problems), 'problem')}",
            summary=fit([*_broken(view)]),
        )
    if view.is_removed:
        return CheckText(
            conclusion=Conclusion.NEUTRAL,
            title="gatewright.yaml is removed: nothing is planned or applied after the merge",
            summary=_removed(view),
        )
    return CheckText(
        conclusion=Conclusion.SUCCESS, title=one_line(_title(view), 200), summary=fit([*_valid(view)])
    )


def _broken(view: PolicyView) -> Iterator[Part]:
    why = (
        f"Merged into {code(view.branch, limit=150)}, which has changed it as well, the file is not valid:"
        if view.of_merge
        else "After a merge nothing could be planned or applied any more:"
    )
    yield Part(text=f"{why}\n\n")
    for problem in view.problems[:_MOST_PROBLEMS]:
        yield Part(text=f"- {prose(problem, limit=500)}\n", drop=Drop.ROW)
    yield Part(text="", is_note=True)
    again = (
        f"Merge {view.branch} into the branch, correct the file and push."
        if view.of_merge
        else "Correct the file and push."
    )
    yield Part(text=f"\n{steps((Step(sentence=again),))}")


def _removed(view: PolicyView) -> str:
    return (
        f"{_in_force(view)} After the merge Gatewright says nothing in this repository any more, and what is locked or"
        " waits there stays as it is.\n\n"
        + steps((Step(sentence="Before the merge, to see what is still locked", command="/status"),))
    )


def _title(view: PolicyView) -> str:
    if view.is_new:
        return f"gatewright.yaml is valid: it adds {_names(view.changes.environments)}"
    if view.was_broken:
        return "gatewright.yaml is valid: it repairs the one in force"
    concerned = view.changes.environments
    if concerned:
        return f"gatewright.yaml is valid: it changes {_names(concerned)}"
    return f"gatewright.yaml is valid: it changes {'no environment' if view.changes.changed else 'nothing'}"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def _valid(view: PolicyView) -> Iterator[Part]:
    yield Part(text=f"{_in_force(view)}\n\n")
    if view.was_broken and view.changes_more:
        yield Part(
            text="This pull request changes other files, too, and they cannot be planned by a policy that is not valid.\n\n"
        )
    yield from _lost(view.changes)
    yield from _added(view.changes.added)
    if view.changes.removed:
        names = ", ".join(code(name, limit=60) for name in view.changes.removed)
        yield Part(
            text=f"No environment any more: {names}. What they have built stays, and nobody can change it here.\n\n"
        )
    yield from _changed(view.changes.changed)
    yield Part(text="", is_note=True)
    yield Part(text=steps(_next(view)))


def _in_force(view: PolicyView) -> str:
    where = f"{code(view.branch, limit=150)} at {short(view.commit)}"
    if view.is_new:
        return f"There is no such file on {where}: until the merge Gatewright does nothing else in this repository."
    if view.was_broken:
        return f"The file on {where} is not valid: until the merge nothing is planned or applied."
    return f"Until the merge the file on {where} is in force, for this pull request, too."


def _lost(changes: PolicyChanges) -> Iterator[Part]:
    if changes.lost_gates:
        yield Part(text="> [!CAUTION]\n> These gates would not be judged any more:\n")
        for env, gate in changes.lost_gates:
            yield Part(text=f"> - {text(env, limit=60)}: {code(gate, limit=60)}\n")
        yield Part(text="\n")


def _added(added: Sequence[EnvironmentOutline]) -> Iterator[Part]:
    if not added:
        return
    yield Part(
        text="| New environment | Planned by | Applied by | Gates beyond the usual ones |\n| --- | --- | --- | --- |\n"
    )
    for each in added:
        gates = ", ".join(code(gate, limit=60) for gate in each.gates) or "none"
        yield Part(
            text=f"| {text(each.name, limit=60)} | {prose(each.plans, limit=100)} | {text(each.applies, limit=300)} | {gates} |\n",
            drop=Drop.ROW,
        )
    yield Part(text="\n")


def _changed(changed: Sequence[PolicyChange]) -> Iterator[Part]:
    if not changed:
        return
    yield Part(text="| Where | Setting | In force | After the merge |\n| --- | --- | --- | --- |\n")
    for each in changed:
        values = " | ".join(
            "not set" if value is None else code(value, limit=_VALUE) for value in (each.before, each.after)
        )
        yield Part(
            text=f"| {text(each.where, limit=60)} | {code(each.setting, limit=100)} | {values} |\n",
            drop=Drop.ROW,
        )
    yield Part(text="\n")


def _next(view: PolicyView) -> Iterator[Step]:
    if view.was_broken and view.changes_more:
        yield Step(
            sentence="Repair the file in a pull request that changes nothing else: its checks let it be merged."
        )
    if view.was_broken or view.is_new or view.changes != NO_CHANGES:
        # A plan is applied under the very policy that it was made under.
        yield Step(sentence="After the merge, on each open pull request", command="/plan")
