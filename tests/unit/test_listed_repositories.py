from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import SettingsError, read


def write(directory: Path, line: str) -> Path:
    file = directory / "settings.env"
    file.write_text(f"{line}\n")
    return file


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("acme/infra, beta/net#5", id="separated by commas"),
        pytest.param("acme/infra,beta/net#5,", id="with a comma at the end"),
        pytest.param('\'["acme/infra", "beta/net#5"]\'', id="a JSON list"),
    ],
)
def test_the_list_is_read_with_commas_and_as_json(tmp_path: Path, value: str) -> None:
    reading = read(write(tmp_path, f"GATEWRIGHT_REPOSITORIES={value}"))

    assert "repositories" not in reading.wrong
    assert reading.settings.listed.names == ("acme/infra", "beta/net")
    found = reading.settings.listed.find("beta/net")
    assert found is not None
    assert found.id == 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "GATEWRIGHT_REPOSITORIES is required: it lists the repositories to serve, for example"),
        ("GATEWRIGHT_REPOSITORIES=", "GATEWRIGHT_REPOSITORIES must name at least one repository"),
        ("GATEWRIGHT_REPOSITORIES=acme/*", "GATEWRIGHT_REPOSITORIES: 'acme/*' is a pattern"),
        ("GATEWRIGHT_REPOSITORIES=[acme]", "GATEWRIGHT_REPOSITORIES must be a JSON list"),
    ],
)
def test_a_wrong_list_names_the_setting_and_what_is_allowed(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(write(tmp_path, line)).require("repositories")

    assert words in str(raised.value)
