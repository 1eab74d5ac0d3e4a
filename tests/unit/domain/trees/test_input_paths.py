"""What a run gets of the tree is exactly what its inputs digest counts, and its own var file."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.trees.links import Followed, follow, seen_through
from bot.domain.trees.selection import PolicyPart, input_paths, stack_inputs_digest, touched, tree_paths
from tests.fakes.records import builders

STAGING, PROD = builders.stack("staging"), builders.stack("prod")
CALLS = {"terraform": ("modules/net", "shared/words.txt")}
PART = PolicyPart(
    canonical="terraform 1.11.4",
    var_files=frozenset({"envs/staging.tfvars", "envs/prod.tfvars", "terraform/web-prod.tfvars"}),
)
FILES = {
    "terraform/main.tf": "1",
    "terraform/.terraform.lock.hcl": "2",
    "terraform/web-prod.tfvars": "3",
    "modules/net/main.tf": "4",
    "modules/other/main.tf": "5",
    "shared/words.txt": "6",
    "shared/secret.txt": "7",
    "envs/staging.tfvars": "8",
    "envs/prod.tfvars": "9",
    "gatewright.yaml": "10",
    "README.md": "11",
}
ALWAYS = {
    "terraform/main.tf",
    "terraform/.terraform.lock.hcl",
    "modules/net/main.tf",
    "shared/words.txt",
}


def linked(links: Mapping[str, str], files: Mapping[str, str] = FILES) -> Followed:
    return follow({**files, **{path: f"-> {text}" for path, text in links.items()}}, links)


def counted(tree: Followed, **changes: Any) -> frozenset[str]:
    return input_paths(tree, STAGING, CALLS, replace(PART, **changes))


def laid_out(tree: Followed, stack: Any = STAGING) -> frozenset[str]:
    return tree_paths(tree, stack, CALLS, PART)


def test_project_what_it_calls_and_what_it_names_are_inputs() -> None:
    assert counted(Followed(files=FILES)) == ALWAYS


def test_what_any_environment_names_as_modified_is_an_input() -> None:
    assert counted(Followed(files=FILES), patterns=(("shared/secret.txt", "envs/*", "*"),)) == {
        *ALWAYS,
        "shared/secret.txt",
        "README.md",
    }


@pytest.mark.parametrize("env", ["staging", "prod"])
def test_a_run_gets_its_own_var_file_and_no_other(env: str) -> None:
    assert laid_out(Followed(files=FILES), builders.stack(env)) == {*ALWAYS, f"envs/{env}.tfvars"}


@pytest.mark.parametrize(
    ("links", "more"),
    [
        pytest.param(
            {"terraform/a": "../shared/secret.txt"}, {"terraform/a", "shared/secret.txt"}, id="a file"
        ),
        pytest.param(
            {"terraform/a": "../way", "way": "modules/other"},
            {"terraform/a", "way", "modules/other/main.tf"},
            id="a directory behind two links",
        ),
        pytest.param(
            {"terraform/a": "../way/secret.txt", "way": "shared"},
            {"terraform/a", "way", "shared/secret.txt"},
            id="a file behind a link to its directory",
        ),
        pytest.param({"terraform/a": "../nowhere"}, {"terraform/a"}, id="nothing"),
        pytest.param({"terraform/a": "../envs/prod.tfvars"}, set(), id="a var file of another environment"),
        pytest.param({"terraform/a": "../envs/staging.tfvars"}, set(), id="its own var file"),
        pytest.param(
            {"terraform/a": "../way", "way": "envs"}, {"terraform/a", "way"}, id="a directory of var files"
        ),
        pytest.param({"terraform/a": "../gatewright.yaml"}, set(), id="the policy"),
        pytest.param({"README": "README.md"}, set(), id="nothing of the project's"),
    ],
)
def test_links_bring_what_they_stand_for(links: dict[str, str], more: set[str]) -> None:
    assert laid_out(linked(links)) == {*ALWAYS, *more, STAGING.var_file}


def test_a_var_file_behind_a_link_comes_with_the_links() -> None:
    files = {path: blob for path, blob in FILES.items() if path != "envs/prod.tfvars"}
    links = {"envs/prod.tfvars": "../data/prod.tfvars", "data": "values"}
    tree = linked(links, files | {"values/prod.tfvars": "12"})

    assert laid_out(tree, PROD) - laid_out(tree, STAGING) == {
        "envs/prod.tfvars",
        "data",
        "values/prod.tfvars",
    }


def test_the_target_of_a_var_file_stays_away_from_others() -> None:
    files = {path: blob for path, blob in FILES.items() if path != "envs/prod.tfvars"}
    links = {"envs/prod.tfvars": "../terraform/values.tfvars", "terraform/b": "values.tfvars"}
    tree = linked(links, files | {"terraform/values.tfvars": "12"})

    assert laid_out(tree) == {*ALWAYS, STAGING.var_file}


@pytest.mark.parametrize("name", ["main.tf", "words.json", "all.auto.tfvars", "terraform.tfvars"])
def test_var_file_that_is_a_link_takes_no_code_away(name: str) -> None:
    files = {path: blob for path, blob in FILES.items() if path != "envs/prod.tfvars"}
    tree = linked({"envs/prod.tfvars": f"../terraform/{name}"}, files | {f"terraform/{name}": "12"})

    assert f"terraform/{name}" in laid_out(tree)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"terraform/a": "../shared/b"}, id="another file of the same content"),
        pytest.param({"terraform/a": "../shared/./a"}, id="other words in the link"),
    ],
)
def test_links_that_differ_have_different_digests(other: dict[str, str]) -> None:
    files = {**FILES, "shared/a": "same", "shared/b": "same"}

    assert digest(linked({"terraform/a": "../shared/a"}, files)) != digest(linked(other, files))


def digest(tree: Followed) -> str:
    return stack_inputs_digest(tree, STAGING, CALLS, PART)


NAMES = st.sampled_from(["a", "b", "c.tf"])
PATHS = st.builds(
    lambda top, rest: "/".join([top, *rest]),
    st.sampled_from(["terraform", "modules/net", "shared", "envs", "lib"]),
    st.lists(NAMES, min_size=1, max_size=2),
)
TARGETS = st.one_of(
    st.sampled_from(
        ["terraform", "modules", "shared", "envs", "lib", "shared/words.txt", "envs/prod.tfvars"]
    ),
    PATHS,
)


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str]]:
    """Files and links of a tree; no path is a file and a directory at once."""
    wanted: dict[str, str | None] = dict.fromkeys(FILES)
    wanted |= draw(st.dictionaries(PATHS, st.one_of(st.none(), TARGETS), max_size=8))
    files, links = dict[str, str](), dict[str, str]()
    for path in wanted:
        if any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in files):
            continue
        files[path] = f"blob of {path}"
        target = wanted[path]
        if target is not None and target != path:
            links[path] = posixpath.relpath(target, posixpath.dirname(path))
    return files, links


def tree_of(files: Mapping[str, str], links: Mapping[str, str]) -> Followed:
    return follow({path: links.get(path, blob) for path, blob in files.items()}, links)


@given(trees())
def test_the_digest_changes_with_every_entry_and_nothing_else(
    made: tuple[dict[str, str], dict[str, str]],
) -> None:
    files, links = made
    before = tree_of(files, links)
    own = {*tree_paths(before, STAGING, CALLS, PART)} - input_paths(before, STAGING, CALLS, PART)

    for path in files:
        if path in links:
            continue
        after = tree_of({**files, path: "changed"}, links)
        counts = path in tree_paths(before, STAGING, CALLS, PART) - own
        assert (digest(after) != digest(before)) is counts, path


@given(trees(), st.data())
def test_a_link_that_is_no_entry_can_lead_elsewhere(
    made: tuple[dict[str, str], dict[str, str]], data: st.DataObject
) -> None:
    files, links = made
    before = tree_of(files, links)
    others = sorted(links.keys() - tree_paths(before, STAGING, CALLS, PART))
    assume(others)

    path = data.draw(st.sampled_from(others))
    after = tree_of(files, {**links, path: data.draw(TARGETS)})

    if tree_paths(after, STAGING, CALLS, PART) == tree_paths(before, STAGING, CALLS, PART):
        assert digest(after) == digest(before)
    else:
        assert path in tree_paths(after, STAGING, CALLS, PART)


@settings(max_examples=40)
@given(trees())
def test_every_counted_path_can_be_read_in_the_tree(
    made: tuple[dict[str, str], dict[str, str]],
) -> None:
    files, links = made
    whole = tree_of(files, links)
    entries = tree_paths(whole, STAGING, CALLS, PART)

    with tempfile.TemporaryDirectory() as place:
        for path in entries:
            entry = Path(place, path)
            entry.parent.mkdir(parents=True, exist_ok=True)
            if path in links:
                entry.symlink_to(links[path])
            else:
                entry.write_text(files[path], encoding="utf-8")
        for path in (*input_paths(whole, STAGING, CALLS, PART), STAGING.var_file or ""):
            seen = Path(place, path)
            if seen.is_file():
                assert seen.read_text(encoding="utf-8") == whole.files[path]
            else:
                assert path in links, path
    assert entries <= files.keys()
    assert not {"envs/prod.tfvars", "gatewright.yaml", "terraform/web-prod.tfvars"} & entries


@settings(max_examples=100)
@given(trees(), st.data())
def test_what_changes_the_digest_touches_the_stack(
    made: tuple[dict[str, str], dict[str, str]], data: st.DataObject
) -> None:
    files, links = made
    path = data.draw(st.sampled_from(sorted(files)))
    target = data.draw(st.one_of(st.none(), TARGETS))
    others = {each: text for each, text in links.items() if each != path}
    if target is not None and target != path:
        others[path] = posixpath.relpath(target, posixpath.dirname(path))

    before, after = tree_of(files, links), tree_of({**files, path: "changed"}, others)

    if digest(after) != digest(before):
        assert touched([STAGING], seen_through([path], after), CALLS, {}) == (STAGING,)
