"""Slash words that are nearly one of ours, and those that belong to other bots."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.domain.command_line import distance

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
_SUSPECT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,18}[.,:;!?]?")
_LONG_ENOUGH_FOR_TWO = 5


def near_miss(word: str, ours: Iterable[str]) -> str | None:
    """Return the one of our first words that `word` (without slash) was meant to be, or None.

    One slip is forgiven anywhere; two only in words of five letters and more that begin with the same letter,
    so that paths and other bots' words are left in peace.
    """
    typed = word.lower()
    if not _SUSPECT.fullmatch(word) or typed in OTHERS:
        return None
    ranked = sorted((distance(typed, name), name) for name in set(ours))
    if not ranked:
        return None
    slips, best = ranked[0]
    forgiven = 2 if len(best) >= _LONG_ENOUGH_FOR_TWO and best[0] == typed[0] else 1
    return best if 0 < slips <= forgiven else None
