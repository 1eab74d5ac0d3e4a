"""What of the compose file can be tried without a container engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML

from bot.settings import PREFIX, Settings
from tests.docs.pages import read

_COMPOSE: dict[str, Any] = YAML(typ="safe").load(read("docs/compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "gatewright" in service["image"])
ONCE = sorted(name for name, service in SERVICES.items() if service["restart"].startswith("on-failure"))
LASTING = sorted(set(SERVICES) - set(ONCE))
_VARIABLE = re.compile(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}")


def settings_of(name: str) -> Settings:
    """Return the settings of a service; those that the operator's file must give are made up."""
    given = SERVICES[name]["environment"]
    assert all(key.startswith(PREFIX) for key in given)
    known = {key.removeprefix(PREFIX).lower(): _VARIABLE.sub(r"\1", value) for key, value in given.items()}
    assert set(known) <= set(Settings.model_fields)
    made_up: dict[str, Any] = {
        "github_app_id": "1",
        "webhook_secret": SecretStr("long enough"),
        "repositories": ("acme/infra",),
        "state_bucket": "states",
        "artifact_bucket": "artifacts",
        "s3_access_key_id": SecretStr("id"),
        "s3_secret_access_key": SecretStr("secret"),
        "encryption_key": SecretStr("key"),
    }
    return Settings(_env_file=None, **{**made_up, **known})


def test_it_has_a_web_front_and_several_workers() -> None:
    assert SERVICES["front"]["command"] == ["serve", "--web-only"]
    assert [service.get("command") for service in SERVICES.values()].count(["worker"]) > 1


@pytest.mark.parametrize("name", OURS)
def test_every_setting_in_it_is_known_and_right(name: str) -> None:
    settings = settings_of(name)

    assert settings.database.startswith("postgresql://")


@pytest.mark.parametrize("name", OURS)
def test_a_stopping_process_has_the_time_that_it_drains_for(name: str) -> None:
    minutes = re.fullmatch(r"(\d+)m", SERVICES[name]["stop_grace_period"])

    assert minutes is not None
    assert int(minutes[1]) * 60 > settings_of(name).drain_seconds


def test_processes_share_the_caps_that_must_be_the_same() -> None:
    shared = {
        (
            found.max_plans_total,
            found.max_plans_per_repository,
            found.max_changes_total,
            found.takeover_seconds,
        )
        for found in map(settings_of, OURS)
    }

    assert len(shared) == 1


def test_no_two_processes_share_a_data_directory() -> None:
    volumes = [SERVICES[name]["volumes"] for name in LASTING]

    assert len({str(volume) for volume in volumes}) == len(volumes)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_runs_as_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in {"", "0", "root"}


@pytest.mark.parametrize("name", LASTING)
def test_everything_that_lasts_is_watched_over_and_started_again(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(other in SERVICES for other in service.get("depends_on", {}))
