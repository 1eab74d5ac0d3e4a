"""The settings, with defaults, limits and descriptions."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.core.errors import GatewrightError
from bot.domain.core.repositories import Listed, read_entries
from bot.settings.urls import passwords, without_password

PREFIX = "GATEWRIGHT_"
_LEAST_SESSION_KEY = 32


class SettingsError(GatewrightError):
    """A setting is missing or invalid; the message names each with what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An S3 key pair; its repr shows no secret."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be a URL that starts with http:// or https://")
    return value.rstrip("/")


WebUrl = Annotated[str, AfterValidator(_web_url)]


def _repository_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", value):
        raise ValueError('must be a JSON list of `owner/name`, for example ["acme/terraform-modules"]')
    return value


RepositoryName = Annotated[str, AfterValidator(_repository_name)]


class Settings(BaseSettings):
    """The operator's settings, read once at start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    repositories: Annotated[tuple[str, ...], NoDecode] = Field(
        description="Repositories to serve, by exact `owner/name` (comma-separated or JSON list); `owner/name#ID` also fixes the repository id. All others are ignored."
    )
    github_api_url: WebUrl = Field("https://api.github.com", description="Base URL of GitHub's REST API.")
    github_url: str = Field(
        "", description="Origin of web pages, OAuth and git; default: github.com, or the API's origin."
    )
    github_app_id: str = Field(description="Id of the App, shown on its settings page.")
    github_private_key: SecretStr = Field(
        SecretStr(""), description="Private key of the App (PEM); or use GATEWRIGHT_GITHUB_PRIVATE_KEY_FILE."
    )
    github_private_key_file: Path | None = Field(
        None, description="File with the private key of the App (PEM)."
    )
    webhook_secret: SecretStr = Field(
        min_length=8, description="Secret that signs GitHub's webhooks; at least 8 characters."
    )
    github_client_id: str = Field("", description="OAuth client id of the App, for logging in to run pages.")
    github_client_secret: SecretStr = Field(SecretStr(""), description="OAuth client secret of the App.")
    session_key: SecretStr = Field(
        SecretStr(""), description="Key that encrypts login cookies; at least 32 characters. Empty: no login."
    )
    database_url: str = Field(
        "", description="`sqlite:///…` or `postgresql://…`; default: SQLite in the data directory."
    )
    data_dir: Path = Field(
        Path("data"), description="Directory for git mirrors, work directories and the SQLite database."
    )
    local_dir: Path = Field(
        Path("~/.cache/gatewright"),
        description="Work directories of `gatewright local`, one per stack; must be outside of checkouts.",
    )
    s3_endpoint_url: WebUrl = Field(
        description="S3 endpoint; for R2 `https://ACCOUNT.r2.cloudflarestorage.com`."
    )
    s3_region: str = Field("auto", description="S3 region; `auto` for R2.")
    state_bucket: str = Field(min_length=1, description="Bucket for Terraform states.")
    artifact_bucket: str = Field(
        min_length=1, description="Bucket for plans, snapshots and logs; must not be the state bucket."
    )
    s3_access_key_id: SecretStr = Field(description="Access key id of the bot's own S3 key pair.")
    s3_secret_access_key: SecretStr = Field(description="Secret of the bot's own S3 key pair.")
    encryption_key: SecretStr = Field(
        description="Key that encrypts plans and snapshots: 32 bytes in URL-safe base64."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field("", description="URL under which people reach this server; used in links.")
    sandbox: Literal["on", "off"] = Field(
        "on", description="Run Terraform in a bubblewrap sandbox (`on`) or without one (`off`)."
    )
    sandbox_binds: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Directories that applies in the sandbox may write to (JSON list)."
    )
    module_repositories: Annotated[tuple[RepositoryName, ...], NoDecode] = Field(
        (),
        description="Private repositories with Terraform modules (JSON list of `owner/name`): `init` gets a token that can read those of the planned repository's owner.",
    )
    verify_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Private networks that `verify` checks may connect to (JSON list of CIDR blocks).",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for `/metrics`; empty: no metrics."
    )
    terraform_binary: str = Field("", description="Path of Terraform or OpenTofu; empty: look on PATH.")
    provider_mirror: Path | None = Field(
        None, description="Provider mirror directory; if set, providers come from it alone."
    )
    max_plans: int = Field(4, ge=1, le=64, description="Concurrent plans in this process.")
    max_plans_total: int = Field(
        0,
        ge=0,
        le=1000,
        description="Concurrent plans in all processes; 0: no limit. Must be the same in all processes.",
    )
    max_plans_per_repository: int = Field(
        0, ge=0, le=1000, description="Concurrent plans per repository, in all processes; 0: no limit."
    )
    max_plans_per_environment: int = Field(
        0,
        ge=0,
        le=1000,
        description="Concurrent plans per environment of a repository, in all processes; 0: no limit.",
    )
    max_changes: int = Field(2, ge=1, le=64, description="Concurrent applies in this process.")
    max_changes_total: int = Field(
        0,
        ge=0,
        le=1000,
        description="Concurrent applies in all processes; 0: no limit. Must be the same in all processes.",
    )
    max_changes_per_environment: int = Field(
        0,
        ge=0,
        le=1000,
        description="Concurrent applies per environment of a repository, in all processes; 0: no limit.",
    )
    takeover_seconds: float = Field(
        20,
        ge=1,
        le=600,
        description="PostgreSQL: seconds without a heartbeat after which a process counts as dead.",
    )
    orphan_wait_seconds: float = Field(
        60,
        ge=0,
        le=3600,
        description="Seconds to wait for an orphaned apply that may still run on another machine.",
    )
    worker_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port on which `worker` serves `/healthz`, `/readyz` and `/metrics`; 0: none.",
    )
    plan_timeout_seconds: float = Field(900, gt=0, description="Time limit of a plan, in seconds.")
    apply_timeout_seconds: float = Field(3600, gt=0, description="Time limit of an apply, in seconds.")
    stop_grace_seconds: float = Field(
        30, gt=0, description="Seconds that Terraform gets to stop after SIGINT."
    )
    terraform_memory_mib: int = Field(
        4096,
        ge=64,
        description="Memory limit in MiB of a Terraform that plans or shows, child processes included; above it, Terraform is killed. Applies have no limit.",
    )
    drain_seconds: int = Field(
        60, ge=0, le=3600, description="Seconds that a stopping server waits for running applies."
    )
    poll_seconds: float = Field(
        0.25,
        ge=0.01,
        le=5,
        description="Seconds between polls of an active queue; idle ones are polled every ten seconds, since new work is announced at once.",
    )
    tick_seconds: float = Field(
        30,
        ge=0.2,
        le=3600,
        description="Seconds between checks for due work, such as retries and idle environments.",
    )
    destroy_retry_seconds: float = Field(
        60,
        gt=0,
        description="Seconds before a failed destroy of a pull request's environment is retried; longer each time.",
    )
    github_write_limits: Literal["on", "off"] = Field(
        "on",
        description="Respect GitHub's rate limits for writing; `off` for a GitHub Enterprise Server without limits.",
    )
    github_write_spacing: float | None = Field(
        None,
        ge=0,
        le=60,
        description="Deprecated, without effect; only `0` still means `GATEWRIGHT_GITHUB_WRITE_LIMITS=off`.",
    )
    keep_logs_days: int = Field(90, ge=0, description="Days to keep logs of completed runs; 0: forever.")
    keep_plans_days: int = Field(
        30,
        ge=0,
        description="Days to keep files of plans that can no longer be applied; 0: forever.",
    )
    keep_payloads_days: int = Field(
        30, ge=0, description="Days to keep bodies of handled webhook deliveries; 0: forever."
    )
    keep_workflows_days: int = Field(
        30, ge=0, description="Days to keep the history of completed workflows; 0: forever."
    )
    keep_idle_days: int = Field(
        14, ge=0, description="Days to keep unused git mirrors and work directories; 0: forever."
    )
    reconcile_seconds: float = Field(
        600, ge=1, le=86400, description="Seconds between checks for missed webhooks."
    )
    upkeep_hours: float = Field(1, gt=0, le=168, description="Hours between deletions of old data.")
    otel_exporter_otlp_endpoint: str = Field(
        "",
        description="Base URL of an OpenTelemetry collector for traces (OTLP over HTTP); empty: no traces.",
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Log format: for programs (`json`) or for people (`text`)."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level to log."
    )

    @field_validator("session_key")
    @classmethod
    def _long_or_empty(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _LEAST_SESSION_KEY:
            raise ValueError(f"must have at least {_LEAST_SESSION_KEY} characters, or be empty")
        return value

    @field_validator("repositories", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str) or value.lstrip().startswith("["):
            return cls._json_list(value)
        return [name for part in value.split(",") if (name := part.strip())]

    @field_validator("repositories")
    @classmethod
    def _exact_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        read_entries(value)
        return value

    @field_validator("sandbox_binds", "module_repositories", "verify_networks", mode="before")
    @classmethod
    def _json_list(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError('must be a JSON list, for example ["one", "two"]') from None

    @field_validator("github_url", "public_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _url_or_empty(cls, value: str) -> str:
        return _web_url(value) if value else ""

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if self.state_bucket == self.artifact_bucket:
            raise PydanticCustomError(
                "artifact_bucket", "must not be the state bucket: Terraform must not have access to plans"
            )
        if not self.github_private_key.get_secret_value() and self.github_private_key_file is None:
            raise PydanticCustomError(
                "github_private_key", f"is required, or {PREFIX}GITHUB_PRIVATE_KEY_FILE"
            )
        return self

    @property
    def keeps_write_limits(self) -> bool:
        """Whether writes to GitHub respect its rate limits."""
        return self.github_write_limits == "on" and self.github_write_spacing != 0

    @property
    def listed(self) -> Listed:
        """The repositories to serve."""
        return Listed(read_entries(self.repositories))

    @property
    def web_origin(self) -> str:
        """GitHub's web origin: the setting, else github.com, else the origin of the API."""
        if self.github_url:
            return self.github_url
        parts = urlsplit(self.github_api_url)
        return (
            "https://github.com" if parts.netloc == "api.github.com" else f"{parts.scheme}://{parts.netloc}"
        )

    @property
    def private_key_pem(self) -> str:
        """The App's private key; SettingsError when its file cannot be read."""
        stated = self.github_private_key.get_secret_value()
        if stated:
            return stated.replace("\\n", "\n")
        try:
            return (self.github_private_key_file or Path()).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise SettingsError(f"cannot read {PREFIX}GITHUB_PRIVATE_KEY_FILE: {error}") from error

    @property
    def database(self) -> str:
        """The database URL in use."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'gatewright.db').resolve()}"

    @property
    def database_label(self) -> str:
        """The database URL without password and options, for people."""
        return without_password(self.database.partition("?")[0])

    @property
    def public_origin(self) -> str:
        """The origin of links to run pages."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def bot_keys(self) -> KeyPair:
        """The bot's own S3 key pair."""
        return KeyPair(
            access_key_id=self.s3_access_key_id.get_secret_value(),
            secret_access_key=self.s3_secret_access_key.get_secret_value(),
        )

    def secrets(self) -> tuple[str, ...]:
        """Return every secret value of the bot itself, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        stated = [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value]
        has_key = bool(self.github_private_key) or self.github_private_key_file is not None
        # The setting may hold the key on one line; redact the normalised PEM as well.
        key = []
        if has_key:
            # An unreadable key file cannot leak.
            with suppress(SettingsError):
                key = [self.private_key_pem]
        return (*stated, *key, *passwords(self.database_url))
