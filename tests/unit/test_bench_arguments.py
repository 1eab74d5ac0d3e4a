"""`make bench` without arguments measures everything."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import KINDS, arguments


@pytest.mark.parametrize(("given", "asked"), [([], KINDS), (["plans", "memory"], ("plans", "memory"))])
def test_everything_is_measured_unless_something_is_named(given: list[str], asked: tuple[str, ...]) -> None:
    assert tuple(arguments(given).what) == tuple(asked)


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["speed"])

    assert "plans" in capsys.readouterr().err
