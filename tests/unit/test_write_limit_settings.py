from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.settings import Settings


def settings(**stated: Any) -> Settings:
    return Settings(
        _env_file=None,
        github_app_id="1",
        github_private_key=SecretStr("key"),
        webhook_secret=SecretStr("long enough"),
        data_dir=Path("data"),
        s3_endpoint_url="http://127.0.0.1:1",
        repositories=("acme/infra",),
        state_bucket="states",
        artifact_bucket="artifacts",
        s3_access_key_id=SecretStr("id"),
        s3_secret_access_key=SecretStr("secret"),
        encryption_key=SecretStr("unused"),
        **stated,
    )


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ({}, True),
        ({"github_write_limits": "off"}, False),
        ({"github_write_spacing": 0}, False),
        ({"github_write_spacing": 1.5}, True),
        ({"github_write_spacing": 1.5, "github_write_limits": "off"}, False),
    ],
    ids=["default", "off", "deprecated zero", "deprecated spacing", "both"],
)
def test_write_limits_are_kept_unless_switched_off(stated: dict[str, Any], *, kept: bool) -> None:
    assert settings(**stated).keeps_write_limits is kept
