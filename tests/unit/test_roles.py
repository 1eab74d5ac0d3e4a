from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.server import Role, run_forever
from bot.settings import EnvironmentSecrets, Settings, SettingsError


@pytest.mark.parametrize("role", [Role.WORKER, Role.WEB_ONLY])
async def test_process_that_needs_others_refuses_sqlite_and_names_the_setting(
    role: Role, tmp_path: Path
) -> None:
    settings = Settings(
        _env_file=None,
        github_app_id="1",
        github_private_key=SecretStr("key"),
        webhook_secret=SecretStr("long enough"),
        data_dir=tmp_path / "data",
        s3_endpoint_url="http://127.0.0.1:1",
        repositories=("acme/infra",),
        state_bucket="states",
        artifact_bucket="artifacts",
        s3_access_key_id=SecretStr("id"),
        s3_secret_access_key=SecretStr("secret"),
        encryption_key=SecretStr("unused"),
    )

    with pytest.raises(SettingsError, match=r"needs PostgreSQL.*GATEWRIGHT_DATABASE_URL"):
        await run_forever(settings, EnvironmentSecrets({}), role)

    assert not (tmp_path / "data").exists()
