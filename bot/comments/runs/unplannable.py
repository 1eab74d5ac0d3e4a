"""Why a tree with missing content cannot be planned, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.comments.markdown.escape import code, prose
from bot.comments.markdown.words import command
from bot.comments.runs.report import string, strings
from bot.domain.core.model import Stack
from bot.domain.core.refusals import Reason

_MOST_NAMED, _MOST_LISTED = 3, 30
_LONGEST_NAMED, _LONGEST_LISTED = 60, 300
_TAKE_DOWN = (
    "leave a file with only its `terraform` and `provider` blocks there, apply that plan, then remove the directory"
    " once `gatewright.yaml` no longer names it"
)


def no_configuration_sentence(stack: Stack) -> str:
    """Return the sentence for a summary, a log and the command line."""
    return (
        f"{_named([stack.directory])} has no Terraform configuration, so nothing was planned."
        f" Put its files back; or, to take a stack down on purpose, {_TAKE_DOWN}."
    )


def unfetched_sentence(submodules: Sequence[str], pointers: Sequence[str]) -> str:
    """Return the sentence for a summary, a log and the command line."""
    said = []
    if submodules:
        said.append(f"submodule {_named(submodules)}: pin it as a module source instead.")
    if pointers:
        said.append(f"Git LFS pointer {_named(pointers)}: commit the file itself instead.")
    return (
        f"Content is missing that git does not hold, so nothing was planned. {' '.join(map(_capital, said))}"
    )


def unfetched_in_release_sentence(
    submodules: Sequence[str], pointers: Sequence[str], stack: Stack, release: str
) -> str:
    """Return the sentence for a release that cannot be reverted to."""
    return (
        f"Release {release} was made without content that git does not hold, {_named([*submodules, *pointers])}, so"
        f" nothing was planned. Name another release: `{command('revert', stack, 'to', 'RELEASE')}`."
    )


def no_configuration_in_release_sentence(stack: Stack, release: str) -> str:
    """Return the sentence for a release that cannot be reverted to."""
    return (
        f"Release {release} has no Terraform configuration in {_named([stack.directory])}, so nothing was planned."
        f" Name another release: `{command('revert', stack, 'to', 'RELEASE')}`."
    )


def unplannable(detail: Mapping[str, Any]) -> tuple[Reason, str]:
    """Return the reason code and the explanation for the comment on a missing plan."""
    directory = string(detail, "directory")
    if directory:
        return Reason.NO_CONFIGURATION, (
            f"{prose(string(detail, 'message'), limit=700)}\n\n"
            "Without configuration, Terraform would plan to destroy everything that the state holds.\n"
        )
    submodules, pointers = strings(detail, "submodules"), strings(detail, "pointers")
    if detail.get("is_of_release"):
        listed = _bullets([*submodules, *pointers])
        return Reason.UNFETCHED_CONTENT, f"{prose(string(detail, 'message'), limit=700)}\n\n{listed}"
    said = (
        "Terraform would not see what these paths stand for, and would plan to destroy what it misses;"
        " so it was not started.\n\n"
    )
    if submodules:
        said += (
            f"Submodules, which are not fetched:\n\n{_bullets(submodules)}\n"
            "Call what they hold by the address of its repository, and pin it as a module source instead:"
            ' `source = "git::https://…?ref=COMMIT"`.\n\n'
        )
    if pointers:
        said += (
            f"Git LFS pointers, whose files are not fetched:\n\n{_bullets(pointers)}\n"
            "Commit the files themselves (`git lfs untrack`), or have Terraform read them from where they are kept.\n"
        )
    return Reason.UNFETCHED_CONTENT, f"{said.rstrip()}\n"


def _named(paths: Sequence[str]) -> str:
    """Return some paths for a sentence; the comment lists all of them."""
    shown = [f"`{_plain(path)}`" for path in paths[:_MOST_NAMED]]
    more = len(paths) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more > 0 else ())])


def _plain(path: str) -> str:
    """Return a path that fits into a code span in a one-line sentence."""
    shown = "".join(sign if sign.isprintable() and sign != "`" else "?" for sign in path)
    return shown if len(shown) <= _LONGEST_NAMED else f"…{shown[1 - _LONGEST_NAMED :]}"


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _bullets(paths: Sequence[str]) -> str:
    lines = [f"- {code(path, limit=_LONGEST_LISTED)}\n" for path in paths[:_MOST_LISTED]]
    more = len(paths) - _MOST_LISTED
    return "".join([*lines, *([f"- and {more} more\n"] if more > 0 else ())])
