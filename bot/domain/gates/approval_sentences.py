"""The sentences of the gate `codeowners`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.gates.approvals import PathVerdict, Verdict
from bot.domain.gates.codeowners import LOCATIONS, Owner, OwnerKind
from bot.domain.gates.pushes import UnknownHead

_MOST_GROUPS = 4
_MOST_PATHS = 3
_MOST_OWNERS = 4
_MOST_REMARKS = 3


def approved_sentence(verdict: Verdict) -> str:
    """List the approvers, each once."""
    people = dict.fromkeys(path.approved_by.login for path in verdict.paths if path.approved_by is not None)
    return f"Approved by {listed([f'@{login}' for login in people], 'and')}."


def missing_sentence(verdict: Verdict) -> str:
    """List the missing approvals of each path, then facts that are easily overlooked."""
    groups: dict[tuple[str, ...], list[PathVerdict]] = {}
    for path in verdict.missing:
        groups.setdefault(tuple(owner.written for owner in path.owners), []).append(path)
    shown = list(groups.values())[:_MOST_GROUPS]
    needed = [_group(paths) for paths in shown if paths[0].owners]
    said = [f"Needs a code owner's approval: {', '.join(needed)}."] if needed else []
    said += [_ownerless(paths) for paths in shown if not paths[0].owners]
    if len(groups) > _MOST_GROUPS:
        hidden = sum(len(paths) for paths in list(groups.values())[_MOST_GROUPS:])
        said.append(f"{hidden} more paths are not approved.")
    return " ".join([*said, *_unknown(verdict), *verdict.not_counted[:_MOST_REMARKS], *_skipped(verdict)])


def what_opens(verdict: Verdict, *, override: str) -> str:
    """List the approvals that open the gate; `override` is the command that opens it without."""
    steps = []
    if verdict.ask:
        steps.append(f"approval from {listed([owner.written for owner in verdict.ask], 'and')}")
    if verdict.unapprovable:
        paths = _paths(verdict.unapprovable)
        steps.append(f"another owner of {paths} in {LOCATIONS[0]} on the default branch, and their approval")
    if verdict.unknown_heads:
        steps.append(_known_again(verdict.unknown_heads, override))
    return listed(steps, "and")


def _unknown(verdict: Verdict) -> Iterable[str]:
    """List the heads without a known pusher, grouped by reason."""
    unknown = verdict.unknown_heads
    if nobody := [each for each in unknown if each.bot is None and not each.in_fork]:
        yield (
            f"Neither GitHub's deliveries nor the repository's activity say who pushed {_heads(nobody)},"
            " so that an approval may be the pusher's own."
        )
    if in_fork := [each for each in unknown if each.in_fork]:
        yield (
            f"{_heads(in_fork)} was pushed in a fork, whose pushes GitHub does not report here, so that an approval"
            " may be the pusher's own."
        )
    for bot in dict.fromkeys(each.bot for each in unknown if each.bot is not None):
        heads = _heads([each for each in unknown if each.bot == bot])
        yield f"{heads} was pushed by {bot}, which does not say whose work it is."


def _heads(unknown: Sequence[UnknownHead]) -> str:
    shown = [each.sha[:7] for each in unknown[:_MOST_PATHS]]
    return listed(
        [*shown, f"{len(unknown) - _MOST_PATHS} more"] if len(unknown) > _MOST_PATHS else shown, "and"
    )


def _known_again(unknown: Sequence[UnknownHead], override: str) -> str:
    bots = list(dict.fromkeys(each.bot for each in unknown if each.bot is not None))
    if bots and all(each.bot is not None for each in unknown):
        quoted = ", ".join(f'"{bot}"' for bot in bots)
        return f"`trusted_pushers: [{quoted}]` in the policy or `{override}`"
    return f"`{override}`"


def _group(paths: Sequence[PathVerdict]) -> str:
    return f"{listed(_owners(paths[0].owners), 'or')} ({_paths(paths)})"


def _ownerless(paths: Sequence[PathVerdict]) -> str:
    return f"{_paths(paths)} {'has' if len(paths) == 1 else 'have'} no owner."


def _paths(paths: Sequence[PathVerdict]) -> str:
    names = [f"`{path.path}`" for path in paths[:_MOST_PATHS]]
    if len(paths) > _MOST_PATHS:
        names.append(f"{len(paths) - _MOST_PATHS} more")
    return listed(names, "and")


def _owners(owners: Sequence[Owner]) -> list[str]:
    shown = [_written(owner) for owner in owners[:_MOST_OWNERS]]
    return [*shown, "another owner"] if len(owners) > _MOST_OWNERS else shown


def _written(owner: Owner) -> str:
    """Return an owner as the file has it, with a remark on an address."""
    # GitHub does not say whose an address is, so it can open nothing.
    known = owner.kind is not OwnerKind.EMAIL
    return owner.written if known else f"{owner.written} (an address, whose account GitHub does not tell)"


def _skipped(verdict: Verdict) -> Iterable[str]:
    for problem in verdict.problems[:_MOST_REMARKS]:
        yield f"CODEOWNERS line {problem.line}: {problem.sentence}."


def listed(words: Sequence[str], joint: str) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
