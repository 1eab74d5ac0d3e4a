"""Slash words that are nearly one of ours, and those that belong to other bots."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

# Prow's plugins, and what other widespread bots and GitHub Actions listen to. A command of ours with the same
# name is still ours: only a misspelling is never suspected behind these.
OTHERS = frozenset(
    """
    approve area assign auto-cc azp backport bark benchmark bless bot build build-image buildpr cancel-merge
    cc check check-cla check-dco cherry-pick cherrypick ci close cmd comment deploy docs draft duplicate easycla
    fix format freeze good-first-issue help-wanted honk joke jira kind label lgtm lifecycle lint lock mark meow
    merge milestone ok-to-test ok-to-merge pin pipeline pj-rehearse pony pr preview priority queue ready
    rebase refresh release remove reopen report request-review rerun-all reset restart retest retest-required
    retitle review reviewer reviewers run settings ship shrug sig skip snapshot squash stage start status-check
    stop submit sync tag take test test-all tests tide title transfer transfer-issue triage unassign uncc
    uncherrypick unlabel unlgtm unlock-issue unpin update update-branch verify-owners wait wip woof
    """.split()  # noqa: SIM905 - a paragraph of names reads better than a hundred lines
)
_SUSPECT = re.compile(r"[A-Za-z]{2,19}[-.,:;!?]?")
"""Letters only: `/plan-b` is a word of its own and no misspelling."""
_ALIKE: Final = 0.75
"""How alike two words must be, from 0 to 1: nearly every slip of one letter is found, and few other words."""


def near_miss(word: str, ours: Iterable[str]) -> str | None:
    """Return the one of our first words that `word` (without slash) was meant to be, or None."""
    typed, names = word.lower(), set(ours)
    if not _SUSPECT.fullmatch(word) or typed in OTHERS or typed in names:
        return None
    close = get_close_matches(typed, sorted(names), n=1, cutoff=_ALIKE)
    return close[0] if close else None
