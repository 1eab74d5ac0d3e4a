from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.policy import load_policy
from tests.integration.reference_module.conftest import ROOT, Module

ENVIRONMENTS = ("dev", "ci", "test", "staging", "prod")
FILES = {"index.html", "style.css", "health.json"}


def actions(plan: dict[str, Any]) -> dict[str, list[str]]:
    """What the plan does, by address, without what stays."""
    changes = {change["address"]: change["change"]["actions"] for change in plan.get("resource_changes", [])}
    return {address: does for address, does in changes.items() if does != ["no-op"]}


def written(module: Module, env: str) -> dict[str, str]:
    directory = module.sites / env
    return {path.name: path.read_text() for path in directory.iterdir()} if directory.exists() else {}


async def test_module_is_formatted_and_valid_and_passes_its_own_tests(module: Module) -> None:
    await module.run("fmt", "-check", "-recursive", "-diff", "..")
    await module.run("validate", "-no-color")

    told = await module.run("test", "-no-color")

    assert "0 failed" in told


async def test_nothing_is_downloaded(module: Module) -> None:
    providers = await module.run("providers", "-no-color")

    assert "registry" not in providers
    assert not (module.directory / "terraform" / ".terraform.lock.hcl").exists()


async def test_an_environment_is_written_changed_and_removed(module: Module) -> None:
    module.variables = {"site_root": str(module.sites), "site_url": "http://127.0.0.1:8080"}
    await module.plan("staging")
    await module.apply()
    first = written(module, "staging")

    module.edit("staging", "Hello from staging", "Hello again")
    plan = await module.plan("staging")
    await module.apply()
    second = written(module, "staging")

    assert actions(plan) == {
        'terraform_data.file["index.html"]': ["delete", "create"],
        "terraform_data.release": ["update"],
    }
    assert (set(first), set(second)) == (FILES, FILES)
    assert '<p class="message">Hello from staging</p>' in first["index.html"]
    assert '<p class="message">Hello again</p>' in second["index.html"]
    assert json.loads(second["health.json"]) == {
        "environment": "staging",
        "release": "2026.1",
        "status": "ok",
    }

    await module.plan("staging", "-destroy")
    await module.apply()

    assert not (module.sites / "staging").exists()


async def test_a_second_plan_finds_nothing_to_do(module: Module) -> None:
    module.variables = {"site_root": str(module.sites)}
    await module.plan("prod")
    await module.apply()

    again = await module.plan("prod")

    assert actions(again) == {}
    assert written(module, "prod").keys() == FILES


async def test_without_a_site_root_nothing_is_written(module: Module) -> None:
    await module.plan("ci")
    await module.apply()

    assert list(module.sites.iterdir()) == []


@pytest.mark.parametrize(
    "message", ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "%s%n\\\\n", "<b>&amp;"]
)
async def test_a_message_is_shown_and_never_run(module: Module, message: str) -> None:
    module.variables = {"site_root": str(module.sites)}
    module.edit("staging", "Hello from staging", message)

    await module.plan("staging")
    await module.apply()

    page = written(module, "staging")["index.html"]
    plain = message.replace("\\\\", "\\").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f'<p class="message">{plain.replace(chr(39), "&#39;")}</p>' in page
    assert not any(path.name == "pwned" for path in everything_below(module.directory))


def everything_below(directory: Path) -> list[Path]:
    return list(directory.rglob("*"))


async def test_token_is_in_kubeconfig_and_nowhere_else_in_plan_text(module: Module) -> None:
    module.variables = {"cluster_token": "a-very-secret-token"}

    text = await module.run("plan", "-no-color", "-var-file=../envs/prod.tfvars", "-out=plan")
    await module.apply()

    assert "a-very-secret-token" not in text
    assert "a-very-secret-token" in await module.run("output", "-raw", "kubeconfig")


async def test_files_that_others_put_there_survive_a_destroy(module: Module) -> None:
    module.variables = {"site_root": str(module.sites)}
    await module.plan("test")
    await module.apply()
    (module.sites / "test" / "notes.txt").write_text("mine")

    await module.plan("test", "-destroy")
    await module.apply()

    assert written(module, "test") == {"notes.txt": "mine"}


@pytest.mark.parametrize("env", ENVIRONMENTS)
async def test_every_environment_plans_without_a_warning(module: Module, env: str) -> None:
    text = await module.run("plan", "-no-color", f"-var-file=../envs/{env}.tfvars")

    assert "Warning" not in text
    assert f'environment = "{env}"' in text


def test_the_policy_is_valid_and_names_files_that_exist() -> None:
    policy = load_policy((ROOT / "gatewright.yaml").read_text())

    assert tuple(policy.file.environments) == ENVIRONMENTS
    assert all((ROOT / str(entry.var_file)).is_file() for entry in policy.file.environments.values())
    assert all((ROOT / project.dir / "versions.tf").is_file() for project in policy.file.projects)


@pytest.mark.parametrize(("one", "other"), [("dev", "ci"), ("ci", "test"), ("staging", "prod")])
def test_twins_set_the_same_variables(one: str, other: str) -> None:
    def names(env: str) -> list[str]:
        lines = (ROOT / "envs" / f"{env}.tfvars").read_text().splitlines()
        return [line.split("=")[0].strip() for line in lines if "=" in line]

    assert names(one) == names(other)
