from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.comments.checks.checks import Conclusion
from bot.comments.checks.policy import PolicyView, policy_check
from bot.comments.markdown.budget import LIMIT
from bot.domain.environments.policy_changes import EnvironmentOutline, PolicyChange, PolicyChanges
from tests.fakes.records.builders import BASE

VIEW = PolicyView(branch="main", commit=BASE)
CHANGES = PolicyChanges(
    added=(EnvironmentOutline(name="demo", plans="`/plan` alone", applies="write access", gates=("risk",)),),
    removed=("ci",),
    changed=(
        PolicyChange(where="prod", setting="apply.gates", before="codeowners, risk", after="risk"),
        PolicyChange(where="prod", setting="apply.soak", before=None, after="1h"),
    ),
    lost_gates=(("prod", "codeowners"),),
)


def test_what_would_change_is_listed() -> None:
    check = policy_check(replace(VIEW, changes=CHANGES))
    assert (check.conclusion, check.title) == (
        Conclusion.SUCCESS,
        "gatewright.yaml is valid: it changes demo, ci, prod",
    )
    assert check.summary == snapshot("""\
Until the merge the file on `main` at `bbbbbbb` is in force, for this pull request, too.

> [!CAUTION]
> These gates would not be judged any more:
> - prod: `codeowners`

| New environment | Planned by | Applied by | Gates beyond the usual ones |
| --- | --- | --- | --- |
| demo | `/plan` alone | write access | `risk` |

No environment any more: `ci`. What they have built stays, and nobody can change it here.

| Where | Setting | In force | After the merge |
| --- | --- | --- | --- |
| prod | `apply.gates` | `codeowners, risk` | `risk` |
| prod | `apply.soak` | not set | `1h` |

**Next**
- After the merge, on each open pull request, comment `/plan`.
""")


def test_problems_are_listed_with_what_to_do() -> None:
    check = policy_check(replace(VIEW, problems=("gatewright.yaml:3: x: must be true or false",)))
    assert (check.conclusion, check.title) == (
        Conclusion.FAILURE,
        "gatewright.yaml is not valid: 1 problem",
    )
    assert check.summary == snapshot("""\
After a merge nothing could be planned or applied any more:

- gatewright.yaml:3: x: must be true or false

**Next**
- Correct the file and push.
""")


def test_problems_of_the_merge_alone_are_told_as_such() -> None:
    check = policy_check(replace(VIEW, problems=("gatewright.yaml:3: twice",), of_merge=True))
    assert check.summary == snapshot("""\
Merged into `main`, which has changed it as well, the file is not valid:

- gatewright.yaml:3: twice

**Next**
- Merge main into the branch, correct the file and push.
""")


def test_a_removed_policy_is_neither_green_nor_red() -> None:
    check = policy_check(replace(VIEW, is_removed=True))
    assert check.conclusion is Conclusion.NEUTRAL
    assert check.summary == snapshot("""\
Until the merge the file on `main` at `bbbbbbb` is in force, for this pull request, too. After the merge Gatewright says nothing in this repository any more, and what is locked or waits there stays as it is.

**Next**
- Before the merge, to see what is still locked, comment `/status`.
""")


@pytest.mark.parametrize(
    ("view", "title", "words"),
    [
        (
            replace(VIEW, is_new=True, changes=PolicyChanges(added=CHANGES.added)),
            "gatewright.yaml is valid: it adds demo",
            "There is no such file on `main`",
        ),
        (
            replace(VIEW, was_broken=True),
            "gatewright.yaml is valid: it repairs the one in force",
            "is not valid: until the merge nothing is planned or applied.",
        ),
        (
            replace(VIEW, was_broken=True, changes_more=True),
            "gatewright.yaml is valid: it repairs the one in force",
            "Repair the file in a pull request that changes nothing else",
        ),
        (VIEW, "gatewright.yaml is valid: it changes nothing", "is in force, for this pull request, too."),
    ],
    ids=["new", "a repair", "a repair with more", "spelling"],
)
def test_the_title_says_what_it_is(view: PolicyView, title: str, words: str) -> None:
    check = policy_check(view)
    assert (check.conclusion, check.title) == (Conclusion.SUCCESS, title)
    assert words in check.summary


def test_what_people_wrote_is_shown_as_text_and_fits() -> None:
    hostile = "@everyone <img> | `x` #1 " * 100
    changes = PolicyChanges(
        changed=tuple(
            PolicyChange(where="prod", setting=f"verify.{number}", before=hostile, after=hostile)
            for number in range(500)
        )
    )
    check = policy_check(replace(VIEW, changes=changes))
    assert len(check.summary.encode()) <= LIMIT
    assert "<img>" not in check.summary.replace("`", "")[:0] + "".join(check.summary.split("`")[::2])
