"""Everything that runs in the playground, started and stopped together; the end-to-end tests use it too."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.terraform.paths import write_private
from bot.playground import secrets as secret_file
from bot.playground.engine import FoundEngine, find
from bot.playground.github.config import StandInConfig
from bot.playground.github.standin import StandIn
from bot.playground.process import BotProcess
from bot.playground.s3 import EmbeddedS3
from bot.playground.secrets import PlaygroundSecrets
from bot.playground.sites import SiteServer

SERVED = ("acme/infra",)
"""The repository that everybody who starts a playground is given."""
ENVIRONMENTS = ("dev", "ci", "test", "staging", "prod", "rehearsal")
LOCAL_ENV = "local.env"
"""The file in the playground's directory with which `gatewright local` works against it."""
ROOT = Path(__file__).parents[2]
_PORTS = range(20_000, 32_000)
"""Below those that Linux and others give to outgoing connections."""
_TRIES = 20
_SPEC = ROOT / "tests" / "data" / "github" / "openapi-subset.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where things listen on 127.0.0.1; 0 is a free port."""

    github: int = 0
    bot: int = 0
    sites: int = 0


@dataclass(slots=True, kw_only=True)
class Playground:
    """A stand-in GitHub, an S3 server, a site server and the real bot with real Terraform."""

    directory: Path
    ports: Ports = field(default_factory=Ports)
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the bot, by full name."""
    repositories: Sequence[str] = SERVED
    """Whom the bot serves, by exact name."""
    github: StandIn = field(init=False)
    s3: EmbeddedS3 = field(init=False)
    sites: SiteServer = field(init=False)
    bot: BotProcess = field(init=False)
    engine: FoundEngine = field(init=False)
    secrets: PlaygroundSecrets = field(init=False, repr=False)
    bot_port: int = field(init=False)
    sandbox: bool = field(init=False)

    async def start(self) -> None:
        """Start everything; GatewrightError when a part does not come up."""
        self.directory = self.directory.resolve()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.engine = await find(self.directory)
        self.secrets = secret_file.load(self.directory)
        self.sandbox = shutil.which("bwrap") is not None and not self.engine.embedded
        self.bot_port = free_port(self.ports.bot)
        self.sites = SiteServer(self.directory / "site")
        await self.sites.start(free_port(self.ports.sites))
        self.s3 = EmbeddedS3(self.directory / "s3", environments=ENVIRONMENTS)
        await self.s3.start()
        await self._start_github()
        write_private(self.directory / LOCAL_ENV, self._local_settings())
        await self.start_bot()

    async def stop(self, *, keep: bool = True) -> None:
        """Stop everything, the bot first; unless what is stored is to be kept, the store is not waited for."""
        for name in ("bot", "github", "sites"):
            part = getattr(self, name, None)
            if part is not None:
                await part.stop()
        s3: EmbeddedS3 | None = getattr(self, "s3", None)
        if s3 is not None:
            await s3.stop(kill=not keep)

    async def start_bot(self) -> None:
        """Start the bot (again) on the same data."""
        await self.start_module("bot", "serve")

    async def start_module(self, module: str, *command: str) -> None:
        """Start a module that serves in the bot's place."""
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
                spec=_SPEC if _SPEC.exists() else None,
                webhook_url=f"{bot_url}/webhooks/github",
                webhook_secret=self.secrets.webhook_secret,
                client_secret=self.secrets.client_secret,
                callback_url=f"{bot_url}/login/callback",
                extra_links=[
                    ("Sites", f"{self.sites.url}/"),
                    ("Staging", f"{self.sites.url}/staging/"),
                    ("Gatewright", f"{bot_url}/runs"),
                ],
            )
        )
        await self.github.start(free_port(self.ports.github))

    def environment(self) -> dict[str, str]:
        """Return the whole process environment that the bot is given."""
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
            # Nobody here counts what is written, and a whole suite of tests may write within a minute.
            "GITHUB_WRITE_LIMITS": "off",
            # One process rings its own bells: polling only costs a machine that runs many playgrounds.
            "POLL_SECONDS": "1",
            "LOG_FORMAT": "text",
        }
        named = {f"GATEWRIGHT_{name}": value for name, value in settings.items()}
        system = {"PATH": os.defpath, "HOME": str(self.directory / "bot"), "PYTHONPATH": str(ROOT)}
        return {**system, **named, **self._credentials(), **self.extra}

    def _local_settings(self) -> str:
        """Return what a developer is given for `gatewright local`: all of dev, and the plans of the others."""
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
    """Return `wanted` when it is free on the loopback address, else any free port.

    The system's own choice would be one of those that it also gives to outgoing connections, and one of them may have
    it by the time it is listened on.
    """
    for port in (wanted, *(secrets.choice(_PORTS) for _ in range(_TRIES)), 0)[0 if wanted else 1 :]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")
