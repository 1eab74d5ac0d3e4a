"""All servers of the playground, started and stopped together."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.terraform.paths import write_private
from bot.playground import secrets as secret_file
from bot.playground.engine import FoundEngine, find
from bot.playground.github.config import StandInConfig
from bot.playground.github.standin import StandIn
from bot.playground.place import S3
from bot.playground.process import BotProcess
from bot.playground.s3 import EmbeddedS3
from bot.playground.secrets import PlaygroundSecrets
from bot.playground.sites import SiteServer

SERVED = ("acme/infra",)
"""The repositories of a new playground."""
ENVIRONMENTS = ("dev", "ci", "test", "staging", "prod", "rehearsal")
LOCAL_ENV = "local.env"
"""File in the playground's directory with settings for `gatewright local`."""
REFERENCE = Path(__file__).parent / "reference"
"""The reference module with its files: links in a checkout, files of an installed wheel."""
SPEC = REFERENCE / "openapi" / "openapi-subset.json"
_IMPORT_ROOT = Path(__file__).parents[2]
_PORTS = range(20_000, 32_000)
"""Below the ports that operating systems use for outgoing connections."""
_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports on 127.0.0.1; 0 picks a free one."""

    github: int = 0
    bot: int = 0
    sites: int = 0


@dataclass(slots=True, kw_only=True)
class Playground:
    """A stand-in GitHub, an S3 server, a site server, and the bot with Terraform."""

    directory: Path
    ports: Ports = field(default_factory=Ports)
    extra: Mapping[str, str] = field(default_factory=dict)
    """More settings of the bot, by full name."""
    repositories: Sequence[str] = SERVED
    """The repositories that the bot serves."""
    lag: float = 0.3
    """Maximum lag of the stand-in's API behind its webhooks, in seconds."""
    limits: bool = True
    """Whether the stand-in limits requests; tests make a day's requests in a minute."""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """Additional fields of the stand-in's configuration."""
    github: StandIn = field(init=False)
    s3: EmbeddedS3 = field(init=False)
    sites: SiteServer = field(init=False)
    bot: BotProcess = field(init=False)
    engine: FoundEngine = field(init=False)
    secrets: PlaygroundSecrets = field(init=False, repr=False)
    bot_port: int = field(init=False)
    sandbox: bool = field(init=False)

    async def start(self) -> None:
        """Start everything; GatewrightError where a part fails to start."""
        self.directory = self.directory.resolve()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.engine = await find(self.directory)
        self.secrets = secret_file.load(self.directory)
        self.sandbox = shutil.which("bwrap") is not None and not self.engine.embedded
        self.bot_port = free_port(self.ports.bot)
        self.sites = SiteServer(self.directory / "site")
        await self.sites.start(free_port(self.ports.sites))
        self.s3 = EmbeddedS3(self.directory / S3, environments=ENVIRONMENTS)
        await self.s3.start()
        await self._start_github()
        write_private(self.directory / LOCAL_ENV, self._local_settings())
        await self.start_bot()

    async def stop(self, *, keep: bool = True) -> None:
        """Stop everything, the bot first; without `keep`, stored objects may be lost."""
        for name in ("bot", "github", "sites"):
            part = getattr(self, name, None)
            if part is not None:
                await part.stop()
        s3: EmbeddedS3 | None = getattr(self, "s3", None)
        if s3 is not None:
            await s3.stop(kill=not keep)

    async def start_bot(self) -> None:
        """Start or restart the bot on the same data."""
        await self.start_module("bot", "serve")

    async def start_module(self, module: str, *command: str) -> None:
        """Start a module instead of the bot."""
        self.bot = BotProcess(
            directory=self.directory / "bot",
            environment=self.environment(),
            port=self.bot_port,
            command=command,
            module=module,
        )
        await self.bot.start()

    async def _start_github(self) -> None:
        bot_url = f"http://127.0.0.1:{self.bot_port}"
        self.github = StandIn(
            StandInConfig(
                state_dir=self.directory / "github",
                spec=SPEC,
                webhook_url=f"{bot_url}/webhooks/github",
                webhook_secret=self.secrets.webhook_secret,
                client_secret=self.secrets.client_secret,
                callback_url=f"{bot_url}/login/callback",
                lag_longest=self.lag,
                extra_links=[
                    ("Sites", f"{self.sites.url}/"),
                    ("Staging", f"{self.sites.url}/staging/"),
                    ("Gatewright", f"{bot_url}/runs"),
                ],
                **self.knobs,
            )
        )
        if not self.limits:
            self.github.limits.lift()
        await self.github.start(free_port(self.ports.github))
        # Installations of an older playground accepted only the permissions of that version.
        self.github.accept_everywhere()

    def environment(self) -> dict[str, str]:
        """Return the process environment of the bot."""
        settings = {
            "REPOSITORIES": ",".join(self.repositories),
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_APP_ID": str(self.github.config.app_id),
            "GITHUB_PRIVATE_KEY": self.github.private_key_pem,
            "GITHUB_CLIENT_ID": self.github.config.client_id,
            "GITHUB_CLIENT_SECRET": self.secrets.client_secret,
            "WEBHOOK_SECRET": self.secrets.webhook_secret,
            "SESSION_KEY": self.secrets.session_key,
            "ENCRYPTION_KEY": self.secrets.encryption_key,
            "METRICS_TOKEN": self.secrets.metrics_token,
            "DATA_DIR": str(self.directory / "bot" / "data"),
            "S3_ENDPOINT_URL": self.s3.endpoint_url,
            "S3_ACCESS_KEY_ID": self.s3.bot.access_key_id,
            "S3_SECRET_ACCESS_KEY": self.s3.bot.secret_access_key,
            "STATE_BUCKET": self.s3.state_bucket,
            "ARTIFACT_BUCKET": self.s3.artifact_bucket,
            "PORT": str(self.bot_port),
            "SANDBOX": "on" if self.sandbox else "off",
            "SANDBOX_BINDS": f'["{self.directory / "site"}"]',
            "VERIFY_NETWORKS": '["127.0.0.0/8"]',
            "TERRAFORM_BINARY": str(self.engine.binary),
            "GITHUB_WRITE_LIMITS": "on" if self.limits else "off",
            # A single process is notified of new work, so frequent polling would only cost CPU.
            "POLL_SECONDS": "1",
            "LOG_FORMAT": "text",
        }
        named = {f"GATEWRIGHT_{name}": value for name, value in settings.items()}
        system = {"PATH": os.defpath, "HOME": str(self.directory / "bot"), "PYTHONPATH": str(_IMPORT_ROOT)}
        return {**system, **named, **self._credentials(), **self.extra}

    def _local_settings(self) -> str:
        """Return the settings of a developer: dev, and plans of all other environments."""
        everything = self.environment()
        names = ("S3_ENDPOINT_URL", "STATE_BUCKET", "TERRAFORM_BINARY")
        given = {f"GATEWRIGHT_{name}": everything[f"GATEWRIGHT_{name}"] for name in names}
        for name, value in self._credentials().items():
            own = name.removeprefix("GATEWRIGHT_")
            if own.startswith("DEV_") or own.partition("_")[2].startswith("PLAN_"):
                given[name] = value
        return "".join(f"{name}='{value}'\n" for name, value in given.items())

    def _credentials(self) -> dict[str, str]:
        given: dict[str, str] = {}
        for env in ENVIRONMENTS:
            prefix = env.upper()
            for purpose, middle in (("apply", ""), ("plan", "PLAN_")):
                keys = self.s3.credentials(env, purpose)
                given[f"GATEWRIGHT_{prefix}_{middle}STATE_ACCESS_KEY_ID"] = keys.access_key_id
                given[f"GATEWRIGHT_{prefix}_{middle}STATE_SECRET_ACCESS_KEY"] = keys.secret_access_key
                given[f"{prefix}_{middle}TF_VAR_site_root"] = str(self.directory / "site")
                given[f"{prefix}_{middle}TF_VAR_site_url"] = self.sites.url
        return given


def free_port(wanted: int) -> int:
    """Return `wanted` if it is free on 127.0.0.1, else any free port."""
    # A port that the system picks may be taken by an outgoing connection before it is listened on.
    for port in (wanted, *(secrets.choice(_PORTS) for _ in range(_TRIES)), 0)[0 if wanted else 1 :]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")
