from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.globs import matches
from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey
from bot.domain.trees.links import Followed
from bot.domain.trees.selection import PolicyPart, stack_inputs_digest, touched


def stack(project: str = "api", env: str = "staging", directory: str | None = None) -> Stack:
    return Stack(
        repo="acme/infra",
        project=ProjectName(project),
        env=EnvName(env),
        state_key=StateKey(f"{env}/{project}/terraform.tfstate"),
        directory=project if directory is None else directory,
        var_file=f"envs/{env}.tfvars",
    )


STAGING, PROD, WEB = stack(), stack(env="prod"), stack("web")
STACKS = (STAGING, PROD, WEB)
CALLS = {
    "api": ("modules/net",),
    "modules/net": ("modules/base",),
    "modules/base": ("modules/net",),
    "web": ("modules/base",),
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("api/main.tf", (STAGING, PROD), id="file of a project"),
        pytest.param("api/files/script.sh", (STAGING, PROD), id="file deep in a project"),
        pytest.param("api/.terraform.lock.hcl", (STAGING, PROD), id="provider lock file"),
        pytest.param("envs/prod.tfvars", (PROD,), id="var file"),
        pytest.param("modules/base/main.tf", STACKS, id="module called by a module"),
        pytest.param("modules/net/main.tf", STACKS, id="module in a circle of calls"),
        pytest.param("modules/other/main.tf", (), id="module nobody calls"),
        pytest.param("api2/main.tf", (), id="directory whose name begins alike"),
        pytest.param("api", (), id="file named as the directory"),
        pytest.param("README.md", (), id="file elsewhere"),
        pytest.param("gatewright.yaml", (), id="policy"),
    ],
)
def test_a_changed_file_touches_the_stacks_that_use_it(path: str, expected: tuple[Stack, ...]) -> None:
    assert touched(STACKS, ["docs/x", path], CALLS, {}) == expected


def test_nothing_changed_touches_nothing() -> None:
    assert touched(STACKS, [], CALLS, {}) == ()


def test_a_rename_counts_under_both_names() -> None:
    assert touched(STACKS, ["old/main.tf", "web/main.tf"], {}, {}) == (WEB,)


def test_a_project_at_the_root_takes_everything_but_the_policy() -> None:
    root = stack("default", directory=".")

    assert touched([root], ["any/where.txt"], {}, {}) == (root,)
    assert touched([root], ["gatewright.yaml"], {}, {}) == ()


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        pytest.param(("api/**/*.tf",), "api/main.tf", (STAGING,), id="fits"),
        pytest.param(("api/**/*.tf",), "api/README.md", (), id="does not fit"),
        pytest.param(("api/**", "!**/*.md"), "api/README.md", (), id="taken back"),
        pytest.param(("api/**", "!**/*.md", "api/a.md"), "api/a.md", (STAGING,), id="the last one wins"),
        pytest.param((), "api/main.tf", (), id="no pattern"),
        pytest.param(("nothing",), "modules/net/main.tf", (STAGING,), id="called modules always touch"),
        pytest.param(("nothing",), "envs/staging.tfvars", (STAGING,), id="var files always touch"),
        pytest.param(("nothing",), "api/.terraform.lock.hcl", (STAGING,), id="lock files always touch"),
        pytest.param(("**",), "gatewright.yaml", (), id="the policy never does"),
    ],
)
def test_patterns_replace_the_directory(
    patterns: tuple[str, ...], path: str, expected: tuple[Stack, ...]
) -> None:
    when_modified = {(STAGING.env, STAGING.project): patterns}

    assert touched([STAGING], [path], CALLS, when_modified) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a/b.tf", "a/b.tf", True),
        ("a/b.tf", "a/b.tf2", False),
        ("*.tf", "a.tf", True),
        ("*.tf", "x/a.tf", False),
        ("**/*.tf", "a.tf", True),
        ("**/*.tf", "x/y/a.tf", True),
        ("x/**", "x/y/z", True),
        ("x/", "x/y/z", True),
        ("x/", "y/x/z", False),
        ("x/**/z", "x/z", True),
        ("x/**/z", "x/1/2/z", True),
        ("x/**/z", "x/1/2/zz", False),
        ("x/**/y/**/z", "x/y/a/y/b/z", True),
        ("x/*/z", "x/1/2/z", False),
        ("?.tf", "a.tf", True),
        ("?.tf", ".tf", False),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("[ab].tf", "a.tf", False),
        ("[ab].tf", "[ab].tf", True),
        ("**", "any/thing", True),
        ("a**", "a/b", False),
        ("", "a", False),
    ],
)
def test_patterns_fit_paths(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.timeout(20)
def test_a_pattern_full_of_stars_is_answered() -> None:
    assert not matches("*a" * 100 + "b", "a" * 4000)
    assert not matches("**/a/" * 40 + "b", "a/" * 2000 + "c")


FILES = {
    "api/main.tf": "1",
    "api/.terraform.lock.hcl": "2",
    "api/prod.tfvars": "3",
    "modules/net/main.tf": "4",
    "modules/base/main.tf": "5",
    "envs/staging.tfvars": "6",
    "envs/prod.tfvars": "7",
    "gatewright.yaml": "8",
    "web/main.tf": "9",
}
PART = PolicyPart(
    canonical="terraform 1.11.4", var_files=frozenset({"envs/staging.tfvars", "envs/prod.tfvars"})
)


def digest(files: dict[str, str], on: Stack = STAGING, part: PolicyPart = PART) -> str:
    return stack_inputs_digest(Followed(files=files), on, CALLS, part)


@pytest.mark.parametrize(
    "path",
    ["api/main.tf", "api/.terraform.lock.hcl", "modules/net/main.tf", "modules/base/main.tf", "api/new.tf"],
)
def test_the_digest_changes_with_an_input(path: str) -> None:
    assert digest(FILES | {path: "changed"}) != digest(FILES)


@pytest.mark.parametrize(
    "path", ["web/main.tf", "envs/staging.tfvars", "envs/prod.tfvars", "gatewright.yaml", "new.txt"]
)
def test_the_digest_does_not_change_with_anything_else(path: str) -> None:
    assert digest(FILES | {path: "changed"}) == digest(FILES)


def test_the_same_release_has_the_same_digest_in_every_environment() -> None:
    assert digest(FILES, PROD) == digest(FILES, STAGING)


def test_var_files_inside_the_project_do_not_tell_environments_apart() -> None:
    staging = replace(STAGING, var_file="api/staging.tfvars")
    prod = replace(PROD, var_file="api/prod.tfvars")
    files = FILES | {"api/staging.tfvars": "10"}
    part = replace(PART, var_files=frozenset({"api/staging.tfvars", "api/prod.tfvars"}))

    assert digest(files, staging, part) == digest(files, prod, part)
    assert digest(files | {"api/prod.tfvars": "x"}, staging, part) == digest(files, staging, part)


def test_the_digest_changes_with_the_policy() -> None:
    other = replace(PART, canonical="terraform 1.12.0")

    assert digest(FILES, part=other) != digest(FILES)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        pytest.param("shared/words.tpl", True, id="named"),
        pytest.param("shared/words.md", False, id="taken back"),
        pytest.param("lib/a.json", True, id="named for another environment"),
        pytest.param("other/words.tpl", False, id="not named"),
        pytest.param("api/new.md", True, id="in the project's directory all the same"),
        pytest.param("envs/prod.tfvars", False, id="a var file"),
    ],
)
def test_what_is_to_start_plan_is_part_of_the_release(path: str, *, changes: bool) -> None:
    part = replace(PART, patterns=(("api/**", "shared/**", "!**/*.md"), ("lib/*.json", "envs/*")))

    assert (digest(FILES | {path: "changed"}, part=part) != digest(FILES, part=part)) is changes


def test_a_renamed_or_removed_file_changes_the_digest() -> None:
    without = {path: blob for path, blob in FILES.items() if path != "api/main.tf"}

    assert len({digest(FILES), digest(without), digest(without | {"api/other.tf": "1"})}) == 3


@given(
    st.dictionaries(st.text(min_size=1), st.text(), max_size=4),
    st.dictionaries(st.text(min_size=1), st.text()),
)
def test_only_equal_inputs_have_equal_digests(one: dict[str, str], other: dict[str, str]) -> None:
    left = {f"api/{path}": blob for path, blob in one.items()}
    right = {f"api/{path}": blob for path, blob in other.items()}

    assert (digest(left) == digest(right)) is (
        json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    )
