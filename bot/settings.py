"""Settings: the only reader of the process environment and of `.env`.

Every name carries the prefix `GATEWRIGHT_`, except the credentials that an environment's Terraform gets
(`STAGING_*` for its applies, `STAGING_PLAN_*` for its plans), which have no prefix beyond the environment's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.errors import GatewrightError
from bot.domain.model import EnvName
from bot.domain.repositories import EXAMPLE, Listed, read_entries

PREFIX = "GATEWRIGHT_"
_LEAST_SESSION_KEY = 32


class SettingsError(GatewrightError):
    """A setting is missing or wrong; the message names each with what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An S3 key pair; the secret never shows in a repr."""

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
    """What the operator decides, read once at start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    repositories: Annotated[tuple[str, ...], NoDecode] = Field(
        description="Repositories that are served, by exact `owner/name` (comma-separated or JSON list); `owner/name#ID` binds one to GitHub's id. All others are ignored."
    )
    github_api_url: WebUrl = Field("https://api.github.com", description="Base URL of GitHub's REST API.")
    github_url: str = Field(
        "", description="Web, OAuth and git origin; defaults to github.com, or to the API's origin."
    )
    github_app_id: str = Field(description="The App's id, as shown on its settings page.")
    github_private_key: SecretStr = Field(
        SecretStr(""), description="The App's private key (PEM); or use the next one."
    )
    github_private_key_file: Path | None = Field(None, description="File with the App's private key (PEM).")
    webhook_secret: SecretStr = Field(min_length=8, description="Secret that signs GitHub's webhooks.")
    github_client_id: str = Field("", description="OAuth client id of the App, for the run pages' login.")
    github_client_secret: SecretStr = Field(SecretStr(""), description="OAuth client secret of the App.")
    session_key: SecretStr = Field(
        SecretStr(""), description="Encrypts login cookies; at least 32 characters. Empty: no login."
    )
    database_url: str = Field(
        "", description="`sqlite:///…` or `postgresql://…`; defaults to SQLite in the data directory."
    )
    data_dir: Path = Field(Path("data"), description="Mirrors, work directories and the SQLite database.")
    local_dir: Path = Field(
        Path("~/.cache/gatewright"),
        description="Where `gatewright local` works, with a directory for each stack; outside of every checkout.",
    )
    s3_endpoint_url: WebUrl = Field(
        description="S3 endpoint, for R2 `https://ACCOUNT.r2.cloudflarestorage.com`."
    )
    s3_region: str = Field("auto", description="S3 region; `auto` for R2.")
    state_bucket: str = Field(min_length=1, description="Bucket of the Terraform states.")
    artifact_bucket: str = Field(
        min_length=1, description="Bucket of plans, snapshots, logs; another one than the states'."
    )
    s3_access_key_id: SecretStr = Field(description="The bot's own S3 key.")
    s3_secret_access_key: SecretStr = Field(description="The bot's own S3 secret.")
    encryption_key: SecretStr = Field(description="32 bytes, URL-safe base64; encrypts plans and snapshots.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field("", description="Where people reach this server; used in links.")
    sandbox: Literal["on", "off"] = Field(
        "on", description="Run Terraform in bubblewrap (`on`) or not (`off`)."
    )
    sandbox_binds: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Directories that applies may write to inside the sandbox (JSON list)."
    )
    module_repositories: Annotated[tuple[RepositoryName, ...], NoDecode] = Field(
        (),
        description="Private repositories that modules may come from (JSON list of `owner/name`): `init` gets a token that reads those of the planned repository's owner.",
    )
    verify_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Networks that are not public and that `verify` checks may reach (JSON list of CIDR blocks).",
    )
    metrics_token: SecretStr = Field(SecretStr(""), description="Bearer token of /metrics; empty closes it.")
    terraform_binary: str = Field("", description="Path of the engine; empty looks on PATH.")
    provider_mirror: Path | None = Field(
        None, description="Provider mirror directory; with it nothing else is downloaded."
    )
    max_plans: int = Field(4, ge=1, le=64, description="Plans at once in this process.")
    max_plans_total: int = Field(
        0, ge=0, le=1000, description="Plans at once over all processes; 0 for no limit. The same in all."
    )
    max_plans_per_repository: int = Field(
        0, ge=0, le=1000, description="Plans at once of one repository, over all processes; 0 for no limit."
    )
    max_plans_per_environment: int = Field(
        0,
        ge=0,
        le=1000,
        description="Plans at once of one environment of a repository, over all processes; 0 for no limit.",
    )
    max_changes: int = Field(2, ge=1, le=64, description="Applies at once in this process.")
    max_changes_total: int = Field(
        0, ge=0, le=1000, description="Applies at once over all processes; 0 for no limit. The same in all."
    )
    max_changes_per_environment: int = Field(
        0,
        ge=0,
        le=1000,
        description="Applies at once in one environment of a repository, over all processes; 0 for no limit.",
    )
    takeover_seconds: float = Field(
        20, ge=1, le=600, description="PostgreSQL: silence after which a process counts as dead."
    )
    orphan_wait_seconds: float = Field(
        60, ge=0, le=3600, description="How long a lost apply that still runs on another machine is awaited."
    )
    worker_port: int = Field(
        0, ge=0, le=65535, description="Where `worker` answers /healthz, /readyz and /metrics; 0: nowhere."
    )
    plan_timeout_seconds: float = Field(900, gt=0, description="Time limit of one plan.")
    apply_timeout_seconds: float = Field(3600, gt=0, description="Time limit of one apply.")
    stop_grace_seconds: float = Field(30, gt=0, description="Time Terraform gets after SIGINT.")
    terraform_memory_mib: int = Field(
        4096,
        ge=64,
        description="Memory of one Terraform that plans or shows, with all it has started; more and it is killed. No limit for an apply.",
    )
    drain_seconds: int = Field(
        60, ge=0, le=3600, description="How long a stopping server waits for running applies."
    )
    poll_seconds: float = Field(
        0.25,
        ge=0.01,
        le=5,
        description="Seconds between two looks at the queues; what is queued is heard of at once, so few depend on it.",
    )
    tick_seconds: float = Field(
        30, ge=0.2, le=3600, description="Rest between two looks at what is due: retries, idle environments."
    )
    destroy_retry_seconds: float = Field(
        60,
        gt=0,
        description="Wait before a failed destroy of a pull request's environment is tried again; longer each time.",
    )
    github_write_limits: Literal["on", "off"] = Field(
        "on",
        description="Keep to GitHub's limits for writing; `off` for a GitHub Enterprise Server that has none.",
    )
    github_write_spacing: float | None = Field(
        None,
        ge=0,
        le=60,
        description="Deprecated and without effect; only `0` still stands for `GATEWRIGHT_GITHUB_WRITE_LIMITS=off`.",
    )
    keep_logs_days: int = Field(90, ge=0, description="Days that logs of ended runs are kept; 0: for ever.")
    keep_plans_days: int = Field(
        30,
        ge=0,
        description="Days that files of plans are kept that nobody can apply any more; 0: for ever.",
    )
    keep_payloads_days: int = Field(
        30, ge=0, description="Days that bodies of handled webhook deliveries are kept; 0: for ever."
    )
    keep_workflows_days: int = Field(
        30, ge=0, description="Days that the history of finished durable workflows is kept; 0: for ever."
    )
    keep_idle_days: int = Field(
        14, ge=0, description="Days that unused mirrors and work directories are kept; 0: for ever."
    )
    reconcile_seconds: float = Field(
        600, ge=1, le=86400, description="Seconds from one look for missed webhooks to the next."
    )
    upkeep_hours: float = Field(1, gt=0, le=168, description="Hours from one pruning to the next.")
    otel_exporter_otlp_endpoint: str = Field(
        "",
        description="Base URL of an OpenTelemetry collector (OTLP over HTTP) for traces; empty: no traces.",
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Log lines for programs (`json`) or for people (`text`)."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")

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
            raise ValueError('must be a JSON list, for example ["/srv/site"]') from None

    @field_validator("github_url", "public_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _url_or_empty(cls, value: str) -> str:
        return _web_url(value) if value else ""

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if self.state_bucket == self.artifact_bucket:
            raise PydanticCustomError(
                "artifact_bucket", "must not be the bucket of the states: Terraform must not reach plans"
            )
        if not self.github_private_key.get_secret_value() and self.github_private_key_file is None:
            raise PydanticCustomError(
                "github_private_key", f"is required, or {PREFIX}GITHUB_PRIVATE_KEY_FILE"
            )
        return self

    @property
    def keeps_write_limits(self) -> bool:
        """Whether writes to GitHub are paced."""
        return self.github_write_limits == "on" and self.github_write_spacing != 0

    @property
    def listed(self) -> Listed:
        """The repositories that are served."""
        return Listed(read_entries(self.repositories))

    @property
    def web_origin(self) -> str:
        """GitHub's web origin: stated, else github.com, else the origin of the API."""
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
            raise SettingsError(f"{PREFIX}GITHUB_PRIVATE_KEY_FILE cannot be read: {error}") from error

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'gatewright.db').resolve()}"

    @property
    def public_origin(self) -> str:
        """Origin used in links to run pages."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def bot_keys(self) -> KeyPair:
        """The bot's own S3 key pair."""
        return KeyPair(
            access_key_id=self.s3_access_key_id.get_secret_value(),
            secret_access_key=self.s3_secret_access_key.get_secret_value(),
        )

    def secrets(self) -> tuple[str, ...]:
        """Every secret value of the bot itself, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        stated = [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value]
        has_key = bool(self.github_private_key) or self.github_private_key_file is not None
        # The key may be stated on one line; what others would print is the key itself.
        key = [self.private_key_pem] if has_key else []
        return (*stated, *key, *_passwords(self.database_url))


class EnvironmentSecrets:
    """What each environment's Terraform may know, taken by prefix from the process environment and `.env`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    @staticmethod
    def prefix(env: EnvName) -> str:
        """Upper case, everything but letters and digits as `_`: `eu-prod` is `EU_PROD_`."""
        return re.sub(r"[^A-Z0-9]", "_", env.upper()) + "_"

    def credentials(self, env: EnvName, *, purpose: Literal["plan", "apply"]) -> dict[str, str]:
        """Variables for Terraform, prefix removed; plans and applies never share one."""
        own = self.prefix(env)
        plan = own + "PLAN_"
        wanted = plan if purpose == "plan" else own
        return {
            name.removeprefix(wanted): value
            for name, value in self._variables.items()
            if name.startswith(wanted)
            and len(name) > len(wanted)
            and (purpose == "plan" or not name.startswith(plan))
        }

    def state_keys(self, env: EnvName, *, purpose: Literal["plan", "apply"]) -> KeyPair | None:
        """The key pair that reaches only this environment's state; None when the operator gave none."""
        middle = "PLAN_STATE_" if purpose == "plan" else "STATE_"
        start = PREFIX + self.prefix(env) + middle
        key, secret = (
            self._variables.get(start + "ACCESS_KEY_ID"),
            self._variables.get(start + "SECRET_ACCESS_KEY"),
        )
        return KeyPair(access_key_id=key, secret_access_key=secret) if key and secret else None

    def environments(self) -> tuple[EnvName, ...]:
        """Return the environments that have state key pairs of their own, by the names of the variables."""
        ending = re.compile(rf"^{PREFIX}([A-Z0-9_]+?)_(PLAN_)?STATE_ACCESS_KEY_ID$")
        found = {match[1] for name in self._variables if (match := ending.match(name))}
        return tuple(EnvName(name.lower().replace("_", "-")) for name in sorted(found))

    def environments_with_variables(self) -> tuple[EnvName, ...]:
        """Return the environments whose Terraform is given variables, by the names of the settings."""
        name = re.compile(r"^([A-Z0-9_]+?)_(PLAN_)?TF_VAR_.")
        found = {match[1] for variable in self._variables if (match := name.match(variable))}
        return tuple(EnvName(each.lower().replace("_", "-")) for each in sorted(found))

    def unknown_settings(self) -> tuple[str, ...]:
        """Return the names of the variables that begin as settings do but are none: a misspelt one is not read."""
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        ours = (name for name in self._variables if name.upper().startswith(PREFIX))
        return tuple(
            sorted(name for name in ours if name.upper() not in known and not _STATE_KEY.search(name))
        )

    def credential_values(self) -> tuple[str, ...]:
        """Every value whose variable's name looks like a credential's, and every password inside a URL, for redaction."""
        named = [value for name, value in self._variables.items() if _CREDENTIAL.search(name)]
        inside = [part for value in self._variables.values() for part in _passwords(value)]
        return (*named, *inside)

    def given_values(self, env: EnvName) -> tuple[str, ...]:
        """Every value that this environment's Terraform may be given, but for plainly public ones.

        Terraform variables are public unless the module declares them sensitive, which its plan tells.
        """
        prefix = self.prefix(env)
        names = (name for name in self._variables if name.startswith(prefix) and not _PUBLIC.search(name))
        return tuple(self._variables[name] for name in names)


def _passwords(value: str) -> tuple[str, ...]:
    """Return the password inside a URL, as it stands there and as it is."""
    found = _URL_PASSWORD.match(value.strip())
    return () if found is None else tuple({found[1], unquote(found[1])})


_STATE_KEY = re.compile(r"_STATE_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)$")
"""How the settings end that each environment may have of its own."""
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#:@]*:([^/?#]+)@")
_CREDENTIAL = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|ACCESS_KEY|API_?KEY|_KEY$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(TF_VAR_|TF_LOG|REGION$|ENDPOINT|_URL$|_HOST$|_PORT$|PROFILE$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The settings as far as they can be read."""

    settings: Settings
    """With stand-ins for those that are wrong."""
    secrets: EnvironmentSecrets
    wrong: Mapping[str, str]
    """Field -> what is wrong with it, or that it is missing."""

    def require(self, *names: str) -> None:
        """Raise SettingsError listing by their full names which of these (none named: of all) are missing or wrong."""
        lines = [
            f"{PREFIX}{name.upper()}: {what}"
            for name, what in self.wrong.items()
            if not names or name in names
        ]
        if lines:
            raise SettingsError("\n".join(["the settings are not complete:", *lines]))


def load(env_file: Path | None = None) -> tuple[Settings, EnvironmentSecrets]:
    """Read the settings; SettingsError lists every missing or wrong one by its full name."""
    reading = read(env_file)
    reading.require()
    return reading.settings, reading.secrets


def read(env_file: Path | None = None) -> Reading:
    """Read what can be read, for who wants to go on with the rest."""
    file = env_file or Path(".env")
    wrong: dict[str, str] = {}
    # Some rules are about several settings, and are looked at only once each of them is right by itself.
    settings = None
    while settings is None:
        try:
            settings = Settings(_env_file=file, **{name: _stand_in(name) for name in wrong})
        except ValidationError as error:
            found = _explain(error)
            if not found.keys() - wrong.keys():
                raise SettingsError(f"the settings cannot be read: {found}") from None
            wrong |= found
    from_file = {name: value for name, value in dotenv_values(file).items() if value is not None}
    return Reading(settings=settings, secrets=EnvironmentSecrets({**from_file, **os.environ}), wrong=wrong)


_WORDS = {"missing": "is required", "too_short": "is too short; it must have at least 8 characters"}
_EXAMPLES = {
    "repositories": f"lists the repositories that are served, for example {PREFIX}REPOSITORIES={EXAMPLE}"
}
_STAND_INS: Mapping[str, object] = {
    "s3_endpoint_url": "http://127.0.0.1",
    "github_private_key": "-",
    "repositories": ("stand-in/repositories",),
}


def _stand_in(name: str) -> Any:
    field = Settings.model_fields[name]
    return _STAND_INS.get(name, f"stand-in-{name}" if field.is_required() else field.default)


def _explain(error: ValidationError) -> dict[str, str]:
    """Return field -> what is wrong; rules about several settings name the one to blame as their type."""
    found = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else problem["type"]
        found[name] = _WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        if problem["type"] == "missing" and name in _EXAMPLES:
            found[name] += f": it {_EXAMPLES[name]}"
    return found
