from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.terraform.environment import cli_config, for_init, for_other_steps, terraform_environment
from bot.adapters.terraform.paths import INSIDE, shown_inside
from bot.domain.core.errors import GatewrightError


def test_the_environment_is_the_fixed_part_and_what_was_given() -> None:
    given = {"AWS_ACCESS_KEY_ID": "x", "TF_VAR_size": "3", "TF_TOKEN_app_terraform_io": "t"}

    environment = terraform_environment(given, seen=INSIDE, engine_directory=Path("/opt/tools"))

    assert environment.items() >= given.items()
    assert environment["PATH"].endswith(":/opt/tools")
    assert environment["HOME"] == "/gatewright/home"
    assert environment["TF_DATA_DIR"] == "/data"
    assert environment["TF_CLI_CONFIG_FILE"] == "/gatewright/terraform.rc"


GIVEN = {
    "AWS_ACCESS_KEY_ID": "x",
    "TF_VAR_size": "3",
    "TF_TOKEN_app_terraform_io": "t",
    "https_proxy": "http://proxy",
    "GIT_CONFIG_GLOBAL": "/home/evil",
}


def test_init_is_given_registries_modules_and_the_network_alone() -> None:
    assert for_init(GIVEN, {"GIT_CONFIG_COUNT": "0"}) == {
        "TF_TOKEN_app_terraform_io": "t",
        "https_proxy": "http://proxy",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "0",
    }


def test_other_steps_are_given_all_but_the_tokens_of_registries() -> None:
    assert for_other_steps(GIVEN) == {
        name: value for name, value in GIVEN.items() if name != "TF_TOKEN_app_terraform_io"
    }


@pytest.mark.parametrize("name", ["PATH", "HOME", "TF_DATA_DIR", "TF_CLI_ARGS", "TF_REATTACH_PROVIDERS"])
def test_names_that_steer_terraform_are_refused_without_their_value(name: str) -> None:
    with pytest.raises(GatewrightError, match=name) as refusal:
        terraform_environment({name: "secret"}, seen=INSIDE, engine_directory=Path("/opt"))

    assert "secret" not in str(refusal.value)


def test_a_mirror_is_the_only_source_of_providers() -> None:
    text = cli_config(Path("/srv/${mirror}"))

    assert 'path = "/srv/$${mirror}"' in text
    assert "direct" not in text


@pytest.mark.parametrize(
    ("here", "inside"),
    [
        ("/opt/tofu", "/opt/tofu"),
        ("/work/tools/tofu", "/outside/work/tools/tofu"),
        ("/workshop/tofu", "/workshop/tofu"),
        ("/data", "/outside/data"),
    ],
)
def test_programs_give_way_to_the_sandboxs_own_places(here: str, inside: str) -> None:
    assert shown_inside(Path(here)) == Path(inside)
