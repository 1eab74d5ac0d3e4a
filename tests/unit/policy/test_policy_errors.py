from __future__ import annotations

import json

import pytest

from bot.domain.core.errors import PolicyError
from bot.policy import load_policy


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return caught.value.problems


def of_environments(flow: str) -> tuple[str, ...]:
    return problems(f'version: 1\nterraform: {{version: "1.11.4"}}\nenvironments: {flow}')


def of_staging(flow: str) -> tuple[str, ...]:
    return of_environments(f"{{prod: {{}}, staging: {flow}}}")


def test_all_problems_are_told_at_once_with_their_lines() -> None:
    text = """version: 2
terraform:
  engine: terrafrom
environments:
  staging:
    autoplan: maybe
    autplan: true
    apply:
      form: prod
  Prod: {twin: qa}
plan_expires: 7
"""

    assert problems(text) == (
        "gatewright.yaml:1: version: must be 1 (is 2)",
        "gatewright.yaml:2: terraform.version: is missing",
        "gatewright.yaml:3: terraform.engine: must be 'terraform' or 'tofu' (is \"terrafrom\")",
        'gatewright.yaml:6: environments.staging.autoplan: must be true or false (is "maybe")',
        (
            "gatewright.yaml:7: environments.staging.autplan: is not known; allowed here: after_merge, apply,"
            " artifacts, autoplan, code_checks, data_refresh, down, drift, freezes, hold_windows, idle_after, lifecycle, state_key,"
            " trigger, twin, up, url_output, var_file, verify, when_modified; did you mean autoplan?"
        ),
        (
            "gatewright.yaml:9: environments.staging.apply.form: is not known; allowed here: allow, drill_max_age,"
            " from, gates, risk, soak; did you mean from?"
        ),
        (
            "gatewright.yaml:10: environments.Prod.twin: there is no such environment; the choices are staging, Prod"
            ' (is "qa")'
        ),
        (
            "gatewright.yaml:10: environments.Prod: the name must begin with a letter and have lower-case letters,"
            " digits, - and _, 40 at most"
        ),
        (
            "gatewright.yaml:11: plan_expires: must be a whole number with its unit, such as 45s, 30m, 2h, 7d or 1w"
            " (is 7)"
        ),
    )


def test_problems_name_the_file_that_was_read() -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy("version: 1", path="ops/gatewright.yaml")

    assert caught.value.problems[0].startswith("ops/gatewright.yaml:1: environments: is missing")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        pytest.param('"~> 1.11"', "a range is not enough", id="pessimistic range"),
        pytest.param('">= 1.11, < 2"', "a range is not enough", id="two bounds"),
        pytest.param('"1.11"', 'one exact version such as "1.11.4"', id="no patch level"),
        pytest.param("latest", "one exact version", id="word"),
        pytest.param("1.11", "must be text; put it in quotes", id="number"),
        pytest.param('"1.9.8"', "1.10.0 or newer", id="too old"),
        pytest.param(f'"{"9" * 5000}.1.1"', "one exact version", id="endless"),
    ],
)
def test_the_engine_has_one_exact_version(version: str, words: str) -> None:
    (problem,) = problems(f"version: 1\nterraform: {{version: {version}}}\nenvironments: {{staging: }}")

    assert problem.startswith("gatewright.yaml:2: terraform.version: ")
    assert words in problem


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dir", "/etc", "relative to the repository"),
        ("dir", "../x", "must not leave the repository"),
        ("dir", "a/../../b", "must not leave the repository"),
        ("dir", "-chdir", "must not begin with -"),
        ("dir", "~root", "must not begin with - or ~"),
        ("dir", "a\\b", "forward slashes"),
        ("dir", "C:/x", "relative to the repository"),
        ("dir", ".git/hooks", ".git or .terraform"),
        ("dir", "a/.Terraform", ".git or .terraform"),
        ("dir", "a\u200bb", "printable"),
        ("dir", "", "must be a path"),
        ("when_modified", ["/x"], "relative to the repository"),
        ("when_modified", ["!../x"], "must not leave the repository"),
        ("when_modified", ["x" * 201], "at most 200"),
        ("name", "Web", "lower-case"),
        ("name", "-p", "lower-case"),
    ],
)
def test_a_project_stays_inside_its_repository(field: str, value: object, words: str) -> None:
    (problem,) = problems(
        'version: 1\nterraform: {version: "1.11.4"}\nenvironments: {staging: }\n'
        f"projects:\n  - {{{field}: {json.dumps(value)}}}"
    )

    assert problem.startswith("gatewright.yaml:5: projects.0.")
    assert words in problem


@pytest.mark.parametrize("login", ["renovate", "acme/renovate[bot]", "[bot]", "renovate[bot]x", "7"])
def test_only_a_bot_can_be_a_trusted_pusher(login: str) -> None:
    (problem,) = of_environments(f'{{staging: {{}}}}\ntrusted_pushers: ["{login}"]')

    assert "trusted_pushers.0: must be the login of a bot such as renovate[bot]" in problem


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("/abs", "not begin with /"),
        ("../up", "not begin with /"),
        ("a/../b", "empty parts"),
        ("a//b", "empty parts"),
        ("a/", "empty parts"),
        ("a/./b", "empty parts"),
        ("-a", "not begin with /"),
        ("a b", "must have letters"),
        ("a\\\\b", "must have letters"),
        ("{env}/x", "{env} is no placeholder"),
        ("a/{x", "{ is no placeholder"),
        ("a/b.tflock", "name of a lock"),
        ("{user}/x", "{user} is for local environments"),
        ("{pull}/x", "{pull} is for environments with lifecycle"),
    ],
)
def test_a_state_key_stays_inside_its_place(key: str, words: str) -> None:
    (problem,) = of_staging(f'{{state_key: "{key}"}}')

    assert "environments.staging.state_key: " in problem
    assert words in problem


@pytest.mark.parametrize(
    ("staging", "where", "words"),
    [
        ("{var_file: a.json}", "var_file", "must end in .tfvars"),
        ("{var_file: x/terraform.tfvars}", "var_file", "loads automatically for every environment"),
        ("{var_file: x.auto.tfvars}", "var_file", "loads automatically for every environment"),
        ('{var_file: "{user}.tfvars"}', "var_file", "{user} is no placeholder"),
        ("{var_file: main.tf}", "var_file", "must end in .tfvars"),
        ("{trigger: remote}", "trigger", "'pull_request' or 'local'"),
        ("{lifecycle: forever}", "lifecycle", "'permanent', 'pull_request' or 'ephemeral'"),
        ("{twin: qa}", "twin", "the choices are prod, staging"),
        ("{twin: staging}", "twin", "not its own twin"),
        ("{up: [x]}", "up", "for local environments"),
        ("{url_output: a b}", "url_output", "must match"),
        ("{idle_after: 5}", "idle_after", "whole number with its unit"),
        ("{idle_after: 500d}", "idle_after", "at most 366d"),
        ("{idle_after: 0m}", "idle_after", "whole number with its unit"),
        ("{apply: write}", "apply", "must be a mapping"),
        ("{apply: {allow: everybody}}", "apply.allow", "must be one of none, triage"),
        ("{apply: {allow: read}}", "apply.allow", "must be one of none, triage"),
        ("{apply: {allow: [none, write]}}", "apply.allow", "none stands alone"),
        ("{apply: {allow: []}}", "apply.allow", "must be one of none"),
        ("{apply: {allow: ['@acme']}}", "apply.allow", "teams such as @org/team"),
        ("{apply: {gates: [codeowner]}}", "apply.gates.0", "'codeowners'"),
        ("{apply: {gates: [promoted]}}", "apply.gates", "needs `from`"),
        ("{apply: {soak: 1h}}", "apply.soak", "needs `from`"),
        ("{apply: {from: qa}}", "apply.from", "no such environment"),
        ("{apply: {promote_from: prod}}", "apply.promote_from", "is not known"),
        ("{verify: [{type: htp}]}", "verify.0", "'http'"),
        ("{verify: [{url: x}]}", "verify.0", "must say its type"),
        ("{verify: [{type: http}]}", "verify.0", "either url or url_output"),
        ("{verify: [{type: http, url: 'ftp://x'}]}", "verify.0.url", "must match"),
        ("{verify: [{type: tcp, host: x}]}", "verify.0", "either host and port, or address_output"),
        ("{verify: [{type: tcp, host: x, port: 0}]}", "verify.0.port", "at least 1"),
        ("{verify: [{type: tcp, host: x, port: '1'}]}", "verify.0.port", "whole number"),
        ("{verify: [{type: command, command: ls -l}]}", "verify.0.command", "must be a list"),
        ("{verify: [{type: command, command: []}]}", "verify.0.command", "must name a program"),
        ("{verify: [{type: kubernetes, pth: /x}]}", "verify.0.pth", "did you mean path?"),
        ("{hold_windows: [{days: [fri], start: '24:00', end: '08:00', reason: x}]}", "start", "time of day"),
        (
            "{hold_windows: [{days: [fri], start: '20:00', end: '08:00', reason: x, timezone: Mars/X}]}",
            "hold_windows.0.timezone",
            "must be a time zone",
        ),
        ("{hold_windows: [{days: [], start: '20:00', end: '08:00', reason: x}]}", "days", "1 or more"),
        ("{freezes: [{start: 2026-02-02, end: 2026-01-01, reason: x}]}", "freezes.0", "later than start"),
        ("{freezes: [{start: soon, end: 2026-01-01, reason: x}]}", "freezes.0.start", "must be a date"),
        (
            "{freezes: [{start: '2026-01-01T00:00:00', end: 2026-01-02, reason: x}]}",
            "freezes.0.start",
            "its offset",
        ),
    ],
)
def test_a_field_says_what_is_allowed(staging: str, where: str, words: str) -> None:
    (problem,) = of_staging(staging)

    assert problem.startswith("gatewright.yaml:3: environments.staging.")
    assert f"{where}: " in problem
    assert words in problem


@pytest.mark.parametrize("name", ["gatewright", "aws", "tf", "github", "to"])
def test_names_that_would_catch_others_variables_or_words_are_reserved(name: str) -> None:
    (problem,) = of_environments(f"{{{name}: {{}}}}")

    assert problem == f"gatewright.yaml:3: environments.{name}: this name is reserved; choose another one"


@pytest.mark.parametrize(
    ("one", "other"),
    [("eu-prod", "eu_prod"), ("staging", "staging-eu"), ("prod-plan", "prod"), ("a", "a-b")],
)
def test_one_environment_is_never_given_anothers_variables(one: str, other: str) -> None:
    (problem,) = of_environments(f"{{{one}: {{}}, {other}: {{}}}}")

    assert "would also get the variables of" in problem


@pytest.mark.parametrize(
    "environments",
    [
        pytest.param("{a: {state_key: x/y}, b: {state_key: x/y}}", id="literally"),
        pytest.param("{a: {}, b: {state_key: a/terraform.tfstate}}", id="by convention"),
        pytest.param(
            "{a: {state_key: 'x/{pull}', lifecycle: pull_request}, b: {state_key: x/12}}", id="pull request"
        ),
        pytest.param("{a: {state_key: x/ann}, b: {state_key: 'x/{user}', trigger: local}}", id="user"),
        pytest.param("{a: {state_key: x/t}, b: {state_key: 'x/{user}/t', trigger: local}}", id="no user"),
        pytest.param("{a: {state_key: x/default}, b: {state_key: 'x/{project}'}}", id="project"),
    ],
)
def test_two_stacks_never_share_a_state_key(environments: str) -> None:
    (problem,) = of_environments(environments)

    assert "environments.b.state_key: a and b would share the state key " in problem


def test_projects_never_share_a_state_key() -> None:
    (problem,) = problems(
        'version: 1\nterraform: {version: "1.11.4"}\nprojects: [{name: a, dir: a}, {name: b, dir: b}]\n'
        "environments: {staging: {state_key: x/y}}"
    )

    assert problem == (
        "gatewright.yaml:4: environments.staging.state_key: the projects a, b would share the state key x/y;"
        " put {project} into it"
    )


@pytest.mark.parametrize(
    "key", ["t/{project}{pull}", "t/{pull}{project}", "t/{project}1{pull}/x", "t/{project}/{pull}0"]
)
def test_a_pull_requests_number_ends_where_everybody_can_see_it(key: str) -> None:
    # Pull request 11 of the project a, and 1 of the project a1, would have the same first key.
    (problem,) = problems(
        'version: 1\nterraform: {version: "1.11.4"}\nprojects: [{name: a, dir: a}, {name: a1, dir: b}]\n'
        f"environments: {{test: {{state_key: '{key}', lifecycle: pull_request}}}}"
    )

    assert "environments.test.state_key: " in problem
    assert "put a `/` or a `-` beside {pull}" in problem


def test_keys_that_only_look_alike_are_allowed() -> None:
    text = (
        'version: 1\nterraform: {version: "1.11.4"}\nenvironments: {a: {state_key: x/y}, b: {state_key: x/y2},'
        " c: {state_key: 'x/{pull}', lifecycle: pull_request}}"
    )

    assert len(load_policy(text).stacks("acme/infra", pull=1)) == 3


@pytest.mark.parametrize(
    ("projects", "words"),
    [
        (
            "[{name: a, depends_on: [b]}, {name: b, depends_on: [a]}, {name: c, depends_on: [a]}]",
            "projects: a, b",
        ),
        ("[{name: a, depends_on: [a]}]", "projects: a depend"),
        ("[{name: a, depends_on: [x]}]", "there is no such project; the choices are a"),
        ("[{name: a}, {name: a, dir: b}]", "two projects are called a"),
        ("[]", "1 or more"),
    ],
)
def test_projects_depend_on_one_another_in_order(projects: str, words: str) -> None:
    (problem,) = problems(
        f'version: 1\nterraform: {{version: "1.11.4"}}\nprojects: {projects}\nenvironments: {{staging: }}'
    )

    assert problem.startswith("gatewright.yaml:3: projects")
    assert words in problem


def test_promotion_goes_in_no_cycle() -> None:
    (problem,) = of_environments("{a: {apply: {from: b}}, b: {apply: {from: a}}, c: {apply: {from: a}}}")

    assert (
        problem == "gatewright.yaml:3: environments: a, b depend on one another in a cycle, or on themselves"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("apply", "{allow: write}"),
        ("lifecycle", "pull_request"),
        ("after_merge", "apply"),
        ("autoplan", "true"),
        ("verify", "[]"),
        ("data_refresh", "{command: [x]}"),
    ],
)
def test_a_local_environment_has_nothing_that_the_bot_would_run(field: str, value: str) -> None:
    (problem,) = of_environments(f"{{dev: {{trigger: local, {field}: {value}}}}}")

    assert problem.startswith(
        f"gatewright.yaml:3: environments.dev.{field}: has no effect in a local environment"
    )


def test_nothing_is_promoted_from_a_local_environment() -> None:
    (problem,) = of_environments("{dev: {trigger: local}, prod: {apply: {from: dev}}}")

    assert "dev is local, so nothing is verified there" in problem


def test_a_key_cannot_break_the_lines_of_the_answer() -> None:
    (problem,) = of_staging('{"a\\nb@everyone": 1}')

    assert "\n" not in problem
    assert "environments.staging.a?b@everyone: is not known" in problem


def test_a_flood_of_problems_is_cut() -> None:
    found = of_staging("{" + ", ".join(f"key{number}: 1" for number in range(80)) + "}")

    assert len(found) == 51
    assert found[-1] == "gatewright.yaml: and 30 more"
