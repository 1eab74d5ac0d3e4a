from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.comments.runs.failures import (
    conflict_comment,
    policy_error_comment,
    policy_in_force_comment,
)
from bot.domain.core.model import RunStatus
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD
from tests.unit.comments.samples import failed


def test_terraform_error_is_shown_with_the_end_of_the_log() -> None:
    body = failed(
        problem="terraform",
        message="terraform plan ended with exit code 1",
        log_tail="Error: Unsupported argument\n\n  on main.tf line 3\n",
    )

    assert body == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "failed"} -->
### ❌ staging: planning failed

Commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Terraform plan ended with exit code 1.

The end of the log:

```
Error: Unsupported argument

  on main.tf line 3
```

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan staging
```
""")


def test_only_the_end_of_a_long_log_is_shown() -> None:
    body = failed(
        problem="terraform", message="x", log_tail="\n".join(f"line {number}" for number in range(5000))
    )

    assert "line 4999\n" in body
    assert "line 4939\n" not in body


@pytest.mark.parametrize(
    ("detail", "reason", "words"),
    [
        ({"problem": "conflict", "paths": ["main.tf"]}, "conflict", "- `main.tf`\n"),
        (
            {"problem": "unsafe_tree", "problems": ["a backend override"]},
            "unsafe_tree",
            "- a backend override\n",
        ),
        (
            {"problem": "policy", "problems": ["gatewright.yaml:3: engine is missing"]},
            "config",
            "engine is missing",
        ),
        (
            {"problem": "other", "message": "cloning acme/infra: no route"},
            None,
            "Cloning acme/infra: no route.",
        ),
        ({}, None, "It ended without saying why."),
    ],
)
def test_each_reason_is_told_in_its_own_words(detail: dict[str, Any], reason: str | None, words: str) -> None:
    body = failed(**detail)

    fields = parse_header(body)
    assert fields is not None
    assert (fields["kind"], fields["status"], fields.get("reason")) == ("plan", "failed", reason)
    assert words in body
    assert body.endswith("to retry unchanged, comment:\n\n```\n/plan staging\n```\n")


@pytest.mark.parametrize(
    ("status", "title", "told"),
    [
        (RunStatus.CANCELED, "planning was canceled", "canceled"),
        (RunStatus.TIMED_OUT, "planning took too long and was stopped", "failed"),
        (RunStatus.INTERRUPTED, "planning was interrupted", "failed"),
    ],
)
def test_the_title_tells_how_it_ended(status: RunStatus, title: str, told: str) -> None:
    body = failed(status, summary="Canceled by bob.")

    assert title in body.split("\n")[1]
    assert parse_header(body)["status"] == told  # type: ignore[index]


def test_a_merge_conflict() -> None:
    assert conflict_comment(paths=("main.tf", "a|b.tf"), pull=builders.pull()) == snapshot("""\
<!-- gatewright {"kind": "refusal", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "refused", "reason": "conflict"} -->
### ❌ Nothing was planned: merge conflict

`aaaaaaa` does not merge cleanly into `main`, and plans are made of the merge.

- `main.tf`
- <code>a&#124;b.tf</code>

Merge or rebase onto `main` and push: the plan then starts automatically.
""")


def test_an_invalid_policy() -> None:
    problems = ("gatewright.yaml:7: `lifecycle` is `often`; allowed are `persistent`, `pull_request`",)

    assert policy_error_comment(problems=problems, reference="delivery-1") == snapshot("""\
<!-- gatewright {"kind": "refusal", "status": "refused", "reason": "config", "ref": "delivery-1"} -->
### ❌ `gatewright.yaml` is not valid

Nothing is planned or applied until the file on the default branch is valid:

- gatewright.yaml:7: `lifecycle` is `often`; allowed are `persistent`, `pull_request`

Correct it in a pull request that changes nothing else: its checks let it be merged. Then comment `/plan`.
""")


def test_any_number_of_problems_fits() -> None:
    body = policy_error_comment(problems=["|@" * 1000] * 1000, reference="delivery-1")

    assert len(body.encode()) <= LIMIT
    assert "- and 970 more\n" in body
    assert body.endswith("Then comment `/plan`.\n")


def test_a_pull_request_that_changes_the_policy() -> None:
    assert policy_in_force_comment(branch="main", commit=HEAD) == snapshot("""\
<!-- gatewright {"kind": "policy", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} -->
### 📄 This pull request changes `gatewright.yaml`

Until it is merged, the file of `main` at `aaaaaaa` is in force: the changes here have no effect on this pull request's own plans, gates and applies.
""")


def test_files_that_the_run_lacked_are_named_with_their_line() -> None:
    body = failed(
        problem="terraform",
        message="terraform plan failed: Invalid function argument",
        log_tail='no file exists at "/work/shared/x.json"',
        omitted=["shared/x.json"],
        when_modified='projects:\n  - name: "default"\n    when_modified: ["terraform/**", "shared/x.json"]',
    )

    assert body[body.index("Terraform plan failed") :] == snapshot("""\
Terraform plan failed: Invalid function argument.

The error names `shared/x.json`, which the repository has and the run did not get: a run gets what is counted as an input of its stack, and nothing else. Add it to `when_modified` in `gatewright.yaml`:

```yaml
projects:
  - name: "default"
    when_modified: ["terraform/**", "shared/x.json"]
```

This has to be merged into the default branch first, in a pull request of its own: the policy in force is the one there. Then plan again here.

The end of the log:

```
no file exists at "/work/shared/x.json"
```

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan staging
```
""")


def test_var_file_that_the_run_lacked_is_missing_on_purpose() -> None:
    body = failed(problem="terraform", message="x", log_tail="x", withheld=["envs/prod.tfvars"])

    assert "`envs/prod.tfvars`, which no run gets as an input, on purpose" in body
    assert "when_modified" not in body
