"""What the recorder is given by environment variables; every name begins with `RECORDER_`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "RECORDER_"


class RecorderSettings(BaseSettings):
    """Tokens and keys; none of them is ever written to a file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    token: SecretStr = Field(
        description="A classic token of an owner of the organisation, with the scopes `repo` and `admin:org`"
        " (and `delete_repo` for `--delete`)."
    )
    reviewer_token: SecretStr | None = Field(
        default=None, description="A classic token of a second account, with the scope `repo`: it approves."
    )
    app_id: str | None = Field(default=None, description="The App's id.")
    app_key_file: Path | None = Field(default=None, description="The file with the App's private key.")
    second_repository: str | None = Field(
        default=None,
        description="`OWNER/NAME` of a repository of another account that has the App installed and an issue #1;"
        " for `content-limits` alone.",
    )
    api_url: str = Field(default="https://api.github.com", description="The address of the REST API.")
