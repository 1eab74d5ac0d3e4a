from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from bot.domain.core.errors import PolicyError
from bot.domain.core.model import EnvName, Permission, ProjectName
from bot.policy import RepoPolicy, json_schema, load_policy
from bot.ports import Engine

MINIMAL = """
version: 1
terraform: {version: "1.11.4"}
environments:
"""
FIVE = """
version: 1
terraform: {engine: terraform, version: "1.11.4"}   # exact
projects:
  - {name: default, dir: terraform}
environments:
  dev:     {state_key: "dev/{user}/terraform.tfstate", var_file: envs/dev.tfvars, trigger: local}
  ci:      {state_key: ci/terraform.tfstate, var_file: envs/ci.tfvars, autoplan: true, twin: dev}
  test:    {state_key: test/terraform.tfstate, var_file: envs/test.tfvars, lifecycle: pull_request, twin: ci,
            url_output: url}
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars, autoplan: true, twin: prod,
            apply: {allow: write}, verify: [{type: http, url_output: url, path: /healthz}]}
  prod:    {state_key: prod/terraform.tfstate, var_file: envs/prod.tfvars, autoplan: true,
            apply: {allow: write, gates: [codeowners, promoted], from: staging}}
"""
EVERYTHING = """
version: 1
terraform: {engine: tofu, version: "1.10.0-rc1"}
projects:
  - {name: net, dir: ./stacks/net/, when_modified: ["stacks/net/**", "!**/*.md"]}
  - {name: app, dir: stacks/app, depends_on: [net]}
environments:
  dev:
    state_key: "{user}/{project}.tfstate"
    trigger: local
    up: [docker, compose, up, -d]
    down: [docker, compose, down]
  test:
    state_key: "test/{pull}/{project}.tfstate"
    lifecycle: ephemeral
    idle_after: 2d
  staging:
    var_file: "envs/{project}/staging.tfvars"
    when_modified: ["**/*.tf"]
    after_merge: none
    artifacts: [kubeconfig]
    data_refresh: {from: prod, command: [./refresh], project: app, every: 1w, timeout: 3h}
    verify:
      - {type: http, url: "https://x.example", status: 204, contains: ok, latency: 2s, tls_days: 14}
      - {type: tcp, host: x.example, port: 443, attempts: 3, interval: 1s, timeout: 5s, name: port}
      - {type: tcp, address_output: address}
      - {type: command, command: [./smoke, --all]}
      - {type: outputs, expect: {replicas: 3, name: x, on: true}}
      - {type: kubernetes}
      - {type: terraform_checks}
  prod:
    twin: staging
    apply:
      allow: [maintain, "@acme/platform", "@acme/sre"]
      gates: [codeowners, risk, slo]
      from: staging
      soak: 30m
      risk: {max_level: low, allow_stateful_destroy: true}
      drill_max_age: 90d
    hold_windows: [{days: [fri], start: "16:00", end: "08:00", timezone: Europe/Berlin, reason: weekend}]
    freezes: [{start: 2026-12-20, end: "2027-01-03T08:00:00+01:00", reason: holidays}]
branches: [release]
merge_requires: [staging, prod]
plan_expires: 12h
timeouts: {plan: 10m, apply: 2h, verify: 5m}
thresholds:
  slo: {mode: enforce, metrics: {success_rate: {direction: at_least, limit: 0.9, change: 0.1}}}
parity: {allowed: [{environments: [staging, prod], difference: var.nodes, reason: cost}]}
oncall: "@acme/oncall"
trusted_pushers: ["renovate[bot]", "My-App[bot]"]
"""


def minimal(environments: str, more: str = "") -> RepoPolicy:
    return load_policy(f"{MINIMAL}  {environments}\n{more}")


def test_five_environments_make_five_stacks_in_their_order() -> None:
    stacks = load_policy(FIVE).stacks("acme/infra", pull=7)

    assert [(stack.label, stack.state_key, stack.directory, stack.var_file) for stack in stacks] == [
        (env, f"{env}/terraform.tfstate", "terraform", f"envs/{env}.tfvars")
        for env in ("dev", "ci", "test", "staging", "prod")
    ]
    assert {stack.repo for stack in stacks} == {"acme/infra"}


def test_what_is_left_out_is_filled_in_by_role() -> None:
    policy = load_policy(FIVE)
    environments = {str(name): policy.environment(name) for name in policy.environments}

    assert policy.engine == Engine(name="terraform", version="1.11.4")
    assert {name: one.autoplan for name, one in environments.items()} == {
        "dev": False,
        "ci": True,
        "test": True,
        "staging": True,
        "prod": True,
    }
    assert {name: one.after_merge for name, one in environments.items()} == {
        "dev": "none",
        "ci": "plan",
        "test": "none",
        "staging": "apply",
        "prod": "plan",
    }
    assert {name: one.apply.allow_permission for name, one in environments.items()} == {
        "dev": None,
        "ci": None,
        "test": Permission.WRITE,
        "staging": Permission.WRITE,
        "prod": Permission.WRITE,
    }
    assert environments["prod"].apply.gates == ("codeowners", "promoted")
    assert environments["staging"].apply.gates == ()
    assert policy.plan_expires_seconds == 7 * 24 * 3600


def test_an_environment_may_be_a_bare_name() -> None:
    policy = minimal("staging:")

    (stack,) = policy.stacks("acme/infra")
    staging = policy.environment("staging")

    assert (stack.project, stack.state_key, stack.directory) == (
        "default",
        "staging/terraform.tfstate",
        "terraform",
    )
    assert stack.var_file is None
    assert staging.apply.allow_words == "nobody's permission (applying is switched off)"
    assert staging.settings_prefix == "STAGING_"


def test_promoting_from_an_environment_implies_the_gate() -> None:
    policy = minimal("{staging: {}, prod: {apply: {allow: admin, from: staging}}}")

    assert policy.environment("prod").apply.gates == ("promoted",)
    assert policy.environment("prod").apply.allow_words == "admin access"


def test_every_field_of_the_file_is_understood() -> None:
    policy = load_policy(EVERYTHING)
    prod = policy.environment("prod")

    assert policy.engine == Engine(name="tofu", version="1.10.0-rc1")
    assert [(project.name, project.dir) for project in policy.projects] == [
        ("net", "stacks/net"),
        ("app", "stacks/app"),
    ]
    assert prod.apply.allow_permission is Permission.MAINTAIN
    assert prod.apply.allow_teams == (("acme", "platform"), ("acme", "sre"))
    assert prod.apply.allow_words == (
        "maintain access or membership in @acme/platform or membership in @acme/sre"
    )
    assert prod.apply.gates == ("codeowners", "risk", "slo", "promoted")
    assert prod.apply.soak == timedelta(minutes=30)
    assert policy.environment("dev").up == ("docker", "compose", "up", "-d")
    assert [check.type for check in policy.environment("staging").verify] == [
        "http",
        "tcp",
        "tcp",
        "command",
        "outputs",
        "kubernetes",
        "terraform_checks",
    ]
    assert policy.environment("staging").after_merge == "none"
    assert policy.oncall == ("acme", "oncall")
    assert policy.trusted_pushers == ("renovate[bot]", "My-App[bot]")
    assert policy.branches == ("release",)
    assert policy.merge_requires == ("staging", "prod")
    assert policy.timeouts.plan == timedelta(minutes=10)
    assert policy.thresholds.slo.metrics["success_rate"].limit == 0.9
    assert policy.allowed_differences[0].reason == "cost"
    assert policy.twins == (("prod", "staging"),)


@pytest.mark.parametrize(
    ("pull", "user", "expected"),
    [
        pytest.param(None, None, [], id="neither"),
        pytest.param(7, None, ["test/7/net.tfstate", "test/7/app.tfstate"], id="pull request"),
        pytest.param(None, "Ann", ["ann/net.tfstate", "ann/app.tfstate"], id="user"),
    ],
)
def test_placeholders_are_filled_in(pull: int | None, user: str | None, expected: list[str]) -> None:
    policy = load_policy(EVERYTHING)

    stacks = policy.stacks("acme/infra", pull=pull, user=user)

    conditional = [
        stack.state_key for stack in stacks if stack.env in {"test"} | ({"dev"} if user else set())
    ]
    assert conditional == expected


def test_user_part_of_a_key_is_dropped_without_a_user() -> None:
    policy = load_policy(FIVE)

    assert policy.stack("acme/infra", "dev", "default").state_key == "dev/terraform.tfstate"
    assert policy.stack("acme/infra", "dev", "default", user="Ann").state_key == "dev/ann/terraform.tfstate"


@pytest.mark.parametrize("user", ["..", "a/b", "", "-x", "a b", "{pull}", "ä", "x" * 65])
def test_a_user_that_would_bend_the_key_is_refused(user: str) -> None:
    with pytest.raises(PolicyError, match="cannot be part of a state key"):
        load_policy(FIVE).stacks("acme/infra", user=user)


def test_stacks_follow_the_dependencies_of_projects() -> None:
    text = """
version: 1
terraform: {version: "1.11.4"}
projects:
  - {name: app, dir: app, depends_on: [db, net]}
  - {name: db, dir: db, depends_on: [net]}
  - {name: docs, dir: docs}
  - {name: net, dir: net}
environments: {staging: {}, prod: {}}
"""

    stacks = load_policy(text).stacks("acme/infra")

    assert [(stack.env, stack.project) for stack in stacks] == [
        (env, project) for env in ("staging", "prod") for project in ("docs", "net", "db", "app")
    ]
    assert stacks[0].state_key == "staging/docs/terraform.tfstate"


def test_names_that_are_gone_are_an_error_of_the_policy() -> None:
    policy = load_policy(FIVE)

    with pytest.raises(PolicyError, match="no environment qa any more; the choices are dev, ci"):
        policy.environment("qa")
    with pytest.raises(PolicyError, match="no stack of prod and project web"):
        policy.stack("acme/infra", "prod", "web")


def test_patterns_of_the_environment_go_before_those_of_the_project() -> None:
    patterns = load_policy(EVERYTHING).when_modified()

    net, app = ProjectName("net"), ProjectName("app")
    assert patterns[EnvName("prod"), net] == ("stacks/net/**", "!**/*.md")
    assert patterns[EnvName("staging"), net] == patterns[EnvName("staging"), app] == ("**/*.tf",)
    assert (EnvName("prod"), app) not in patterns


def test_part_of_stack_is_the_same_in_all_its_environments() -> None:
    policy = load_policy(FIVE)
    staging, prod = (policy.stack("acme/infra", env, "default") for env in ("staging", "prod"))

    part = policy.part_for(staging)

    assert part == policy.part_for(prod)
    assert {"envs/staging.tfvars", "envs/prod.tfvars"} <= part.var_files
    assert part != load_policy(FIVE.replace("1.11.4", "1.11.5")).part_for(staging)


def test_var_files_of_other_projects_are_no_inputs_either() -> None:
    policy = load_policy("""
version: 1
terraform: {version: "1.11.4"}
projects: [{name: net, dir: net}, {name: app, dir: app}]
environments:
  staging: {state_key: "staging/{project}.tfstate", var_file: "{project}/staging.tfvars"}
  prod: {state_key: "prod/{project}.tfstate", var_file: envs/prod.tfvars}
""")

    part = policy.part_for(policy.stack("acme/infra", "staging", "net"))

    assert part.var_files == {"net/staging.tfvars", "app/staging.tfvars", "envs/prod.tfvars"}


def test_the_digest_is_of_the_content_not_of_its_spelling() -> None:
    spelled = FIVE.replace("# exact", "# other words").replace(
        "autoplan: true, twin: dev", "twin: 'dev', autoplan: true"
    )

    assert load_policy(spelled).digest == load_policy(FIVE).digest
    assert load_policy(FIVE.replace("1.11.4", "1.11.5")).digest != load_policy(FIVE).digest
    assert len(load_policy(FIVE).digest) == 64


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    committed = Path("docs/gatewright.schema.json").read_text(encoding="utf-8")

    assert committed == json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"


def test_the_schema_accepts_what_the_loader_accepts() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    valid = {
        "version": 1,
        "terraform": {"version": "1.11.4"},
        "environments": {"staging": {"apply": {"allow": ["write", "@acme/sre"]}, "idle_after": "3d"}},
    }

    assert not list(validator.iter_errors(valid))
    assert list(validator.iter_errors({**valid, "colour": "red"}))
    assert list(validator.iter_errors({**valid, "plan_expires": 7}))
    assert list(validator.iter_errors({**valid, "environments": {"Prod!": {}}}))
    assert not list(validator.iter_errors({**valid, "environments": {"prod": None}}))
