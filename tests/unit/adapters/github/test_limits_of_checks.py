from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.github.checks import content, cut, in_portions
from bot.adapters.github.deployments import is_production
from bot.adapters.github.transport import graphql_url, known_status
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Sha
from bot.ports import Annotation, Check, CheckButton


@given(text=st.text(max_size=400), limit=st.integers(min_value=60, max_value=300))
def test_cut_text_fits_and_a_fitting_text_is_not_cut(text: str, limit: int) -> None:
    result = cut(text, limit)

    assert len(result) <= limit
    assert (result == text) == (len(text) <= limit)


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])]
)
def test_annotations_go_in_portions_of_fifty(count: int, sizes: list[int]) -> None:
    remarks = tuple(Annotation(path="a", line=n, level="notice", message="m") for n in range(count))

    assert [len(portion) for portion in in_portions(remarks)] == sizes


def test_button_with_a_misfit_identifier_is_an_error() -> None:
    button = CheckButton(label="Apply", description="d", identifier="x" * 21)
    check = Check(
        name="n", head_sha=Sha("a" * 40), conclusion=None, title="t", summary="s", buttons=(button,)
    )

    with pytest.raises(GitHubError, match="identifier of the button Apply"):
        content(check, ())


@pytest.mark.parametrize(
    ("environment", "production"),
    [("prod", True), ("production", True), ("prod (billing)", True), ("staging", False), ("preprod", False)],
)
def test_production_is_known_by_its_name(environment: str, *, production: bool) -> None:
    assert is_production(environment) is production


@pytest.mark.parametrize(
    ("base", "endpoint"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
        ("http://127.0.0.1:8080/api/v3/", "http://127.0.0.1:8080/api/graphql"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
    ],
)
def test_the_graphql_address_follows_from_the_rest_base(base: str, endpoint: str) -> None:
    assert graphql_url(base) == endpoint


@pytest.mark.parametrize(("status", "known"), [(200, 200), (404, 404), (520, 500), (499, 400), (599, 500)])
def test_status_that_python_does_not_know_counts_as_its_class(status: int, known: int) -> None:
    assert known_status(status) == known
