from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.adapters.workspace.locks import try_lock
from bot.domain.core.errors import GatewrightError
from bot.playground.place import DEMO, S3, Place, TakenError
from bot.playground.s3 import LOCK


def test_second_playground_names_the_first_and_how_to_start_another(tmp_path: Path) -> None:
    first = Place(tmp_path / "here")
    first.take(reset=False)
    first.tell("http://127.0.0.1:8470/acme/infra")

    with pytest.raises(TakenError) as told:
        Place(tmp_path / "here", patience=0).take(reset=True)

    assert "already running" in str(told.value)
    assert "http://127.0.0.1:8470/acme/infra" in str(told.value)
    assert "--dir" in str(told.value)
    assert "--port" in str(told.value)
    # And what the first one has written is still there, though the second wanted to begin anew.
    assert (tmp_path / "here" / "address").exists()
    first.release()


def test_a_reset_forgets_everything_and_a_plain_start_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "bot" / "data").mkdir(parents=True)
    (tmp_path / "secrets.json").write_text("{}")
    place = Place(tmp_path)

    place.take(reset=False)
    assert (tmp_path / "bot" / "data").is_dir()
    place.release()
    place.take(reset=True)

    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    place.release()


@pytest.mark.parametrize("reset", [False, True], ids=["without --reset", "with --reset"])
def test_a_directory_of_something_else_is_neither_emptied_nor_used(tmp_path: Path, *, reset: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(GatewrightError, match="has files that are not a playground"):
        Place(tmp_path).take(reset=reset)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_playground_may_start_where_only_the_demo_was_played(tmp_path: Path) -> None:
    demo = Place(tmp_path / ".playground" / DEMO)
    demo.take(reset=True)
    demo.release()

    place = Place(tmp_path / ".playground")
    place.take(reset=False)

    assert demo.directory.is_dir()
    place.release()


def test_a_reset_waits_for_the_store_of_a_killed_playground(tmp_path: Path) -> None:
    # Given a playground's directory in which the store still writes,
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / S3).mkdir()
    held = try_lock(tmp_path / S3 / LOCK)
    assert held is not None
    # when the store ends while another playground is to begin from nothing,
    with ThreadPoolExecutor() as threads:
        taking = threads.submit(Place(tmp_path).take, reset=True)
        assert (tmp_path / S3).exists()
        os.close(held)
        taking.result()
    # then nothing of the store is left.
    assert not (tmp_path / S3).exists()
