"""What lies behind a symbolic link is an input of the stack that has the link."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.trees.links import Followed, TooManyLinksError, follow, seen_through

FILES = {"terraform/main.tf": "1", "shared/a.tf": "2", "shared/deep/b.tf": "3", "README.md": "4"}


def linked(links: Mapping[str, str], files: Mapping[str, str] = FILES) -> Followed:
    return follow({**files, **dict.fromkeys(links, "link")}, links)


@pytest.mark.parametrize(
    ("links", "path", "blob"),
    [
        pytest.param({"terraform/a.tf": "../shared/a.tf"}, "terraform/a.tf", "2", id="a file"),
        pytest.param({"terraform/m": "../shared"}, "terraform/m/deep/b.tf", "3", id="a directory"),
        pytest.param({"infra": "terraform"}, "infra/main.tf", "1", id="the project's own directory"),
        pytest.param(
            {"terraform/m": "../way", "way": "./shared/"}, "terraform/m/a.tf", "2", id="a link to a link"
        ),
        pytest.param(
            {"terraform/m": "../shared", "shared/up": "../terraform"},
            "terraform/m/up/main.tf",
            "1",
            id="a link in a directory behind a link",
        ),
        pytest.param({"terraform/all": ".."}, "terraform/all/README.md", "4", id="the root"),
    ],
)
def test_what_a_link_stands_for_is_seen_where_it_stands(links: dict[str, str], path: str, blob: str) -> None:
    tree = linked(links)

    assert tree.files[path] == blob


@pytest.mark.parametrize("target", ["../../etc", "/etc/passwd", "a.tf", "nowhere", ""])
def test_a_link_that_leads_nowhere_stays_what_it_is(target: str) -> None:
    tree = linked({"terraform/a.tf": target})

    assert tree.files["terraform/a.tf"] == "link"


@pytest.mark.parametrize(
    ("links", "changed", "seen"),
    [
        pytest.param({"terraform/a.tf": "../shared/a.tf"}, "shared/a.tf", "terraform/a.tf", id="a file"),
        pytest.param({"terraform/m": "../shared"}, "shared/gone.tf", "terraform/m/gone.tf", id="removed"),
        pytest.param(
            {"terraform/m": "../way", "way": "shared"}, "shared/a.tf", "terraform/m/a.tf", id="two links"
        ),
        pytest.param({"infra": "terraform"}, "infra", "infra/main.tf", id="the link itself"),
        pytest.param(
            {"terraform/m": "../way", "way": "shared"}, "way", "terraform/m/a.tf", id="a link on the way"
        ),
        pytest.param(
            {"terraform/a": "../way/a.tf"}, "way", "terraform/a", id="a link above that was removed"
        ),
        pytest.param(
            {"terraform/a": "../way/a.tf", "way": "shared"}, "way", "terraform/a", id="a link above a file"
        ),
        pytest.param({"terraform/all": ".."}, "other/x", "terraform/all/other/x", id="the root"),
    ],
)
def test_a_change_is_seen_through_links(links: dict[str, str], changed: str, seen: str) -> None:
    tree = linked(links)

    assert {changed, seen} <= seen_through([changed], tree)


def test_without_links_nothing_is_worked_out() -> None:
    tree = follow(FILES, {})

    assert tree.files is FILES
    assert seen_through(["a", "b"], tree) == {"a", "b"}


@pytest.mark.timeout(20)
def test_links_that_multiply_without_end_are_given_up() -> None:
    links = {f"d{at}/{name}": f"../d{at + 1}" for at in range(9) for name in "abcdefghij"}
    files = {f"d{at}/f{number}": "1" for at in range(10) for number in range(100)}

    with pytest.raises(TooManyLinksError):
        linked(links, files)


def test_a_large_repository_may_have_a_link() -> None:
    files = {**dict.fromkeys(map(str, range(500_001)), "1"), "a/link": "2"}

    tree = follow(files, {"a/link": "../7"})

    assert tree.files["a/link"] == "1"


_NAMES = st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=4).map("/".join)


@pytest.mark.timeout(60)
@given(
    st.dictionaries(_NAMES, _NAMES, max_size=6), st.lists(_NAMES, max_size=6), st.lists(_NAMES, max_size=3)
)
def test_no_tree_is_too_odd(links: dict[str, str], files: list[str], changed: list[str]) -> None:
    tree = linked(links, dict.fromkeys(files, "1"))

    assert {*files, *links} <= tree.files.keys()
    assert set(changed) <= seen_through(changed, tree)
