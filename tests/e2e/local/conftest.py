"""One S3 server with the playground's key pairs, and checkouts of the project's own module beside it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio

from bot.domain.core.model import Stack
from bot.domain.plans.plan import PlanSummary
from bot.local import command, words
from bot.local.checkout import Wanted
from bot.playground.engine import find
from bot.playground.s3 import EmbeddedS3
from bot.playground.seed import files

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test on the loop on which the session's server lives."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(slots=True, kw_only=True)
class Desk:
    """A developer's checkout, and what was said at it."""

    root: Path
    settings: dict[str, str]
    s3: EmbeddedS3
    said: list[str] = field(default_factory=list)
    plans: list[dict[str, Any]] = field(default_factory=list)
    """The newest plans, as programs get them."""

    @property
    def text(self) -> str:
        """Return everything that was said."""
        return "\n".join(self.said)

    @property
    def place(self) -> command.Place:
        """Return where the commands look, with the settings as they are now."""
        file = self.root / "developer.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        return command.Place(directory=self.root / "envs", env_file=file)

    async def plan(self, env: str, *, project: str | None = None, user: str | None = None) -> int:
        """Plan, and return the exit code."""
        self.said.clear()
        wanted = Wanted(env=env, project=project, user=user, pull=None)
        self.plans.clear()
        return await command.plan(self.place, wanted, self.said.append, self._keep)

    def _keep(self, stack: Stack, summary: PlanSummary) -> None:
        self.plans.append(words.plan_json(stack, summary))

    async def apply(self, env: str, *, answer: bool = True, user: str | None = None) -> int:
        """Apply, answering the question, and return the exit code."""
        self.said.clear()
        wanted = Wanted(env=env, project=None, user=user, pull=None)
        return await command.apply(self.place, wanted, self.said.append, lambda _: answer)

    async def down(self, env: str) -> int:
        """Stop what the environment needs, and return the exit code."""
        self.said.clear()
        return await command.down(self.place, env, self.said.append)

    def change_policy(self, old: str, new: str) -> None:
        """Write another policy into the checkout."""
        file = self.root / "gatewright.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def put_state_object(self, key: str, data: bytes) -> None:
        """Put an object beside the states, as another Terraform would."""
        client = boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint_url,
            region_name="auto",
            aws_access_key_id=self.s3.bot.access_key_id,
            aws_secret_access_key=self.s3.bot.secret_access_key,
        )
        client.put_object(Bucket=self.s3.state_bucket, Key=key, Body=data)

    def left_behind(self) -> Sequence[str]:
        """Return what a command has left in the checkout or in secret places."""
        kept = self.root.parent / "cache"
        return [
            *(str(path) for path in self.root.rglob("*gatewright_backend*")),
            *(str(path) for path in self.root.rglob(".terraform")),
            *(str(path) for path in kept.rglob("*.tfplan")),
            *(str(path) for path in kept.rglob("credentials")),
        ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedS3]:
    async with EmbeddedS3(tmp_path_factory.mktemp("s3"), environments=("dev", "staging")) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def desk(server: EmbeddedS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Give a checkout whose settings are a developer's: dev as a whole, the plans of staging, nothing of GitHub."""
    engine = await find(tmp_path)
    root = tmp_path / "checkout"
    for name, text in files(engine.version).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    pairs = {
        "DEV_STATE": server.credentials("dev", "apply"),
        "DEV_PLAN_STATE": server.credentials("dev", "plan"),
        "STAGING_PLAN_STATE": server.credentials("staging", "plan"),
    }
    settings = {
        "GATEWRIGHT_S3_ENDPOINT_URL": server.endpoint_url,
        "GATEWRIGHT_STATE_BUCKET": server.state_bucket,
        "GATEWRIGHT_TERRAFORM_BINARY": str(engine.binary),
        "GATEWRIGHT_LOCAL_DIR": str(tmp_path / "cache"),
        "DEV_TF_VAR_site_root": str(tmp_path / "site"),
        "DEV_PLAN_TF_VAR_site_root": str(tmp_path / "site"),
    }
    for name, pair in pairs.items():
        settings[f"GATEWRIGHT_{name}_ACCESS_KEY_ID"] = pair.access_key_id
        settings[f"GATEWRIGHT_{name}_SECRET_ACCESS_KEY"] = pair.secret_access_key
    monkeypatch.chdir(tmp_path)
    assert shutil.which(str(engine.binary))
    return Desk(root=root, settings=settings, s3=server)
