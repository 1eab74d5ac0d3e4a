from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.core.errors import PolicyError
from bot.policy import DataRefresh, load_policy
from bot.policy.repo import RepoPolicy

_CHAIN = "  test: {}\n  staging: {apply: {from: test}REFRESH}\n  prod: {apply: {from: staging}END}\n"


def load(environments: str, more: str = "") -> RepoPolicy:
    return load_policy(f'version: 1\nterraform: {{version: "1.11.4"}}\n{more}environments:\n{environments}')


def problems(environments: str, more: str = "") -> tuple[str, ...]:
    with pytest.raises(PolicyError) as caught:
        load(environments, more)
    return caught.value.problems


def refresh(source: str | None) -> str:
    given = "" if source is None else f"from: {source}, "
    return f"data_refresh: {{{given}command: [./copy]}}"


@pytest.mark.parametrize("source", [None, "prod"])
def test_data_goes_from_prod_to_staging_by_default(source: str | None) -> None:
    policy = load(_CHAIN.replace("REFRESH", f", {refresh(source)}").replace("END", ""))

    assert policy.environment("staging").data_refresh == DataRefresh(
        source="prod",  # type: ignore[arg-type]
        project="default",  # type: ignore[arg-type]
        command=("./copy",),
        every=timedelta(days=7),
        timeout=timedelta(hours=2),
    )
    assert policy.environment("prod").data_refresh is None


@pytest.mark.parametrize(
    ("environments", "where", "why"),
    [
        pytest.param(
            _CHAIN.replace("REFRESH", "").replace("END", f", {refresh('staging')}"),
            "6: environments.prod.data_refresh.from",
            "never the other way: prod promotes from staging",
            id="from staging to prod",
        ),
        pytest.param(
            _CHAIN.replace("REFRESH", "").replace("END", f", {refresh('test')}"),
            "6: environments.prod.data_refresh.from",
            "never the other way: prod promotes from test",
            id="two steps along the promotions",
        ),
        pytest.param(
            _CHAIN.replace("REFRESH", f", {refresh('test')}").replace("END", ""),
            "5: environments.staging.data_refresh.from",
            "never the other way: staging promotes from test",
            id="along a promotion in the middle",
        ),
        pytest.param(
            f"  staging: {{}}\n  eu: {{apply: {{from: staging}}, {refresh('us')}}}\n  us: {{apply: {{from: staging}}}}\n",
            "5: environments.eu.data_refresh.from",
            "never the other way: promotions end in eu",
            id="into one of two ends",
        ),
        pytest.param(
            f"  staging: {{}}\n  prod: {{{refresh('staging')}}}\n",
            "5: environments.prod.data_refresh.from",
            "never the other way: staging stands before prod in this file",
            id="by the order of the file where nothing is promoted",
        ),
        pytest.param(
            f"  staging: {{{refresh('staging')}}}\n  prod: {{}}\n",
            "4: environments.staging.data_refresh.from",
            "not refreshed from itself",
            id="from itself",
        ),
        pytest.param(
            f"  staging: {{{refresh('dev')}}}\n  dev: {{trigger: local}}\n",
            "4: environments.staging.data_refresh.from",
            "dev is local",
            id="from a developer's machine",
        ),
        pytest.param(
            f"  staging: {{{refresh('test')}}}\n  test: {{lifecycle: pull_request}}\n",
            "4: environments.staging.data_refresh.from",
            "test comes and goes",
            id="from what comes and goes",
        ),
        pytest.param(
            f"  test: {{lifecycle: pull_request, {refresh('prod')}}}\n  prod: {{}}\n",
            "4: environments.test.data_refresh",
            "is for permanent environments",
            id="into what comes and goes",
        ),
        pytest.param(
            f"  staging: {{{refresh(None)}}}\n  prod: {{}}\n",
            "4: environments.staging.data_refresh",
            "needs `from`",
            id="from nobody knows where",
        ),
    ],
)
def test_refresh_that_cannot_be_is_a_problem_with_its_line(environments: str, where: str, why: str) -> None:
    (problem,) = problems(environments)

    assert problem.startswith(f"gatewright.yaml:{where}: ")
    assert why in problem


def test_with_several_projects_the_one_must_be_named() -> None:
    projects = "projects: [{name: net, dir: net}, {name: app, dir: app}]\n"
    environments = f"  staging: {{{refresh('prod')}}}\n  prod: {{}}\n"

    (problem,) = problems(environments, projects)
    named = load(environments.replace("command", "project: app, command"), projects)

    assert "needs `project`" in problem
    chosen = named.environment("staging").data_refresh
    assert chosen is not None
    assert chosen.project == "app"
