"""A busy organisation: its repositories, its people, and what is known of its pull requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.playground.github.records.model import Pull
from bot.playground.github.standin import StandIn
from bot.playground.stack import Playground

ENV = "staging"
_POLICY = """\
version: 1
terraform: {{engine: terraform, version: "{version}"}}
merge_requires: [staging]
trusted_pushers: ["renovate[bot]"]
environments:
  staging:
    state_key: staging/{name}/terraform.tfstate
    autoplan: true
    apply: {{allow: write{gates}}}
"""
_MAIN = """\
terraform {
  backend "s3" {}
}
"""
_RESOURCE = """\
resource "terraform_data" "{name}" {{
  input = "{value}"
}}
"""
DEVELOPERS = ("dev", "owner", "owner2", "admin")
PUSHING_BOT, MERGING_BOT = "renovate[bot]", "mergify[bot]"
_EMPLOYEES = 100
"""Members of the organisation, by whom GitHub measures how many requests it has."""
_SILENT_SHARE, _GATED_SHARE = 8, 5
"""Each so many-th repository has no policy, or waits for the checks of other programs."""
_OWNERS = ("acme",) * 8 + ("globex", "initech")


class SoakGround(Playground):
    """A playground whose bot goes by the shared clock."""

    __slots__ = ()

    async def start_bot(self) -> None:
        """Start the bot (again) on the same data."""
        await self.start_module("tests.soak.bot", "serve")


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository of an organisation."""

    name: str
    has_policy: bool
    owner: str = "acme"
    waits_for_checks: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(slots=True, kw_only=True)
class PullOf:
    """What the storm did to a pull request."""

    repo: Repository
    number: int
    branch: str
    touches_code: bool
    heads: list[str] = field(default_factory=list)
    """As they were pushed; one may come again."""
    asked_again: int = 0
    """How often its checks were re-requested."""

    @property
    def label(self) -> str:
        return f"{self.repo.full_name}#{self.number}"

    def files(self, value: str) -> dict[str, str | None]:
        """Return a change of its own, which meets no other pull request's."""
        if self.touches_code:
            return {f"terraform/{self.branch}.tf": resource(self.branch, value)}
        return {f"docs/{self.branch}.md": f"# {value}\n"}


def resource(name: str, value: str) -> str:
    """Return a resource whose value changes with each push."""
    return _RESOURCE.format(name=name.replace("-", "_"), value=value)


def repositories(count: int) -> tuple[Repository, ...]:
    """Return the repositories; some have no policy, some belong to other organisations."""
    return tuple(
        Repository(
            name=f"storm-{number:02}",
            has_policy=number % _SILENT_SHARE != _SILENT_SHARE - 1,
            # Of few repositories the last one is another organisation's, too.
            owner=_OWNERS[-1] if number == count - 1 else _OWNERS[number % len(_OWNERS)],
            waits_for_checks=number % _GATED_SHARE == 1,
        )
        for number in range(count)
    )


async def create(playground: Playground, repo: Repository) -> None:
    """Create a repository and its people."""
    files = {"terraform/main.tf": _MAIN, "README.md": f"# {repo.name}\n"}
    if repo.has_policy:
        gates = ", gates: [checks]" if repo.waits_for_checks else ""
        files["gatewright.yaml"] = _POLICY.format(
            version=playground.engine.version, name=repo.name, gates=gates
        )
    await playground.github.create_repo(repo.full_name, files=files)
    await playground.github.add_personas(repo.full_name)


async def populate(github: StandIn) -> None:
    """Add the bots of other Apps, and the members of the large organisation."""
    for login in (PUSHING_BOT, MERGING_BOT):
        await github.add_app(login.removesuffix("[bot]"))
    everybody = [f"employee-{number}" for number in range(_EMPLOYEES)]
    for login in everybody:
        await github.add_user(login)
    await github.add_team("acme", "everybody", everybody)


def now(github: StandIn, pull: PullOf) -> Pull:
    return github.pull(pull.repo.full_name, pull.number)


def is_open(github: StandIn, pull: PullOf) -> bool:
    return now(github, pull).state == "open"
