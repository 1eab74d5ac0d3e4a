"""The sentences of the gate `codeowners`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.approvals import PathVerdict, Verdict
from bot.domain.codeowners import LOCATIONS, Owner, OwnerKind

_MOST_GROUPS = 4
_MOST_PATHS = 3
_MOST_OWNERS = 4
_MOST_REMARKS = 3


def approved_sentence(verdict: Verdict) -> str:
    """Say who approved, each once."""
    people = dict.fromkeys(path.approved_by for path in verdict.paths if path.approved_by is not None)
    return f"Approved by {listed([f'@{login}' for login in people], 'and')}."


def missing_sentence(verdict: Verdict) -> str:
    """Say for each path who is missing, then what of that is easily overlooked."""
    groups: dict[tuple[str, ...], list[PathVerdict]] = {}
    for path in verdict.missing:
        groups.setdefault(tuple(owner.written for owner in path.owners), []).append(path)
    said = [_group(paths) for paths in list(groups.values())[:_MOST_GROUPS]]
    if len(groups) > _MOST_GROUPS:
        hidden = sum(len(paths) for paths in list(groups.values())[_MOST_GROUPS:])
        said.append(f"{hidden} more paths are not approved.")
    return " ".join([*said, *_unknown(verdict), *verdict.set_aside[:_MOST_REMARKS], *_skipped(verdict)])


def opener(verdict: Verdict) -> str:
    """Say whose approval opens the gate."""
    steps = []
    if verdict.ask:
        steps.append(f"an approval of {listed([owner.written for owner in verdict.ask], 'and')}")
    if verdict.stuck:
        paths = _paths(verdict.stuck)
        steps.append(f"another owner of {paths} in {LOCATIONS[0]} on the default branch, and their approval")
    if verdict.unknown_pushes:
        steps.append(
            "GitHub's delivery of that push (an administrator of the App can have it sent again) or an override"
        )
    return listed(steps, "and")


def _unknown(verdict: Verdict) -> Iterable[str]:
    if verdict.unknown_pushes:
        commits = listed([head[:7] for head in sorted(verdict.unknown_pushes)[:_MOST_PATHS]], "and")
        yield f"Nobody told who pushed {commits}, so that an approval may be the pusher's own."


def _group(paths: Sequence[PathVerdict]) -> str:
    are = "is" if len(paths) == 1 else "are"
    owners = paths[0].owners
    if not owners:
        has = "has" if len(paths) == 1 else "have"
        return f"{_paths(paths)} {has} no owner."
    return f"{_paths(paths)} {are} not approved by {listed(_owners(owners), 'or')}."


def _paths(paths: Sequence[PathVerdict]) -> str:
    names = [f"`{path.path}`" for path in paths[:_MOST_PATHS]]
    if len(paths) > _MOST_PATHS:
        names.append(f"{len(paths) - _MOST_PATHS} more")
    return listed(names, "and")


def _owners(owners: Sequence[Owner]) -> list[str]:
    shown = [_written(owner) for owner in owners[:_MOST_OWNERS]]
    return [*shown, "another owner"] if len(owners) > _MOST_OWNERS else shown


def _written(owner: Owner) -> str:
    """Addresses are told apart: GitHub does not say whose they are, so they can open nothing."""
    known = owner.kind is not OwnerKind.EMAIL
    return owner.written if known else f"{owner.written} (an address, which cannot be told to be anybody's)"


def _skipped(verdict: Verdict) -> Iterable[str]:
    for problem in verdict.problems[:_MOST_REMARKS]:
        yield f"CODEOWNERS line {problem.line}: {problem.sentence}."


def listed(words: Sequence[str], joint: str) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
