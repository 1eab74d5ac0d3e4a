from __future__ import annotations

from inline_snapshot import snapshot

from bot.comments.markdown.header import parse_header
from bot.comments.runs.unplannable import (
    no_configuration_in_release_sentence,
    no_configuration_sentence,
    unfetched_in_release_sentence,
    unfetched_sentence,
)
from bot.domain.core.errors import UnplannableTreeError
from bot.services.runs.failures import describe
from tests.fakes.records import builders
from tests.unit.comments.samples import failed

STACK = builders.run().stack


def body_of(error: UnplannableTreeError) -> str:
    return failed(**describe(error))


def test_module_without_configuration_is_told_how_it_is_taken_down() -> None:
    error = UnplannableTreeError(no_configuration_sentence(STACK), directory=STACK.directory)

    assert body_of(error) == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "failed", "reason": "no_configuration"} -->
### ❌ staging: planning failed

Commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

`terraform` has no Terraform configuration, so nothing was planned. Put its files back; or, to take a stack down on purpose, leave a file with only its `terraform` and `provider` blocks there, apply that plan, then remove the directory once `gatewright.yaml` no longer names it.

Without configuration, Terraform would plan to destroy everything that the state holds.

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan staging
```
""")


def test_missing_content_is_told_by_its_paths() -> None:
    submodules, pointers = ("terraform/modules/app",), ("terraform/a.bin", "terraform/b.bin")
    said = unfetched_sentence(submodules, pointers)
    error = UnplannableTreeError(said, submodules=submodules, pointers=pointers)

    assert body_of(error) == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "failed", "reason": "unfetched_content"} -->
### ❌ staging: planning failed

Commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Terraform would not see what these paths stand for, and would plan to destroy what it misses; so it was not started.

Submodules, which are not fetched:

- `terraform/modules/app`

Call what they hold by the address of its repository, and pin it as a module source instead: `source = "git::https://…?ref=COMMIT"`.

Git LFS pointers, whose files are not fetched:

- `terraform/a.bin`
- `terraform/b.bin`

Commit the files themselves (`git lfs untrack`), or have Terraform read them from where they are kept.

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan staging
```
""")
    assert said == snapshot(
        "Content is missing that git does not hold, so nothing was planned. Submodule `terraform/modules/app`: pin it as a module source instead. Git LFS pointer `terraform/a.bin`, `terraform/b.bin`: commit the file itself instead."
    )


def test_release_without_its_content_is_told_with_way_to_another() -> None:
    said = unfetched_in_release_sentence(("modules/app",), ("terraform/a.bin",), STACK, "p1234567")
    error = UnplannableTreeError(
        said, submodules=("modules/app",), pointers=("terraform/a.bin",), is_of_release=True
    )

    assert body_of(error) == snapshot("""\
<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r123456789abcdef", "head": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "failed", "reason": "unfetched_content"} -->
### ❌ staging: planning failed

Commit `aaaaaaa` · requested by `dev` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Release p1234567 was made without content that git does not hold, `modules/app`, `terraform/a.bin`, so nothing was planned. Name another release: `/revert staging to RELEASE`.

- `modules/app`
- `terraform/a.bin`

**Next**

Push a fix and it is planned automatically; to retry unchanged, comment:

```
/plan staging
```
""")
    assert no_configuration_in_release_sentence(STACK, "p1234567") == snapshot(
        "Release p1234567 has no Terraform configuration in `terraform`, so nothing was planned. Name another release: `/revert staging to RELEASE`."
    )


def test_a_hostile_path_does_no_harm_and_hides_nothing() -> None:
    paths = ("a`b\nc", "x" * 500, "<!-- gatewright {} -->", "@owner", "e")
    said = unfetched_sentence(paths, ())
    body = body_of(UnplannableTreeError(said, submodules=paths))

    assert "\n" not in said
    assert "and 2 more" in said
    assert len(said) < 400
    header = parse_header(body)
    assert header is not None
    assert header["reason"] == "unfetched_content"
    assert "`<!-- gatewright {} -->`" in body


def test_a_long_list_is_cut_and_counted() -> None:
    paths = tuple(f"terraform/{number}" for number in range(40))

    body = body_of(UnplannableTreeError(unfetched_sentence((), paths), pointers=paths))

    assert "`terraform/29`" in body
    assert "- and 10 more\n" in body
