"""What of the server's environment counts as secret."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from pydantic import SecretStr

from bot.domain.core.model import EnvName
from bot.domain.secrets.redaction import Redactor
from bot.settings import EnvironmentSecrets, Settings

PASSWORD = "correct/horse@battery"
KEY_LINE = "MIIEpAIBAAKCAQEAabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL"


@pytest.mark.parametrize(
    "name", ["PROD_DATABASE_URL", "PROD_PLAN_PG_URL", "HTTPS_PROXY", "PROD_TF_VAR_dsn", "PROD_API_HOST"]
)
def test_password_inside_url_is_secret_whatever_its_variable_is_called(name: str) -> None:
    url = f"postgres://shop:{quote(PASSWORD, safe='')}@db.example.com:5432/shop"
    secrets = EnvironmentSecrets({name: url})

    redact = Redactor(secrets.credential_values())

    assert "battery" not in redact(f"cannot connect to {url}")
    assert "battery" not in redact(f"password {PASSWORD} is wrong")
    assert redact("db.example.com:5432/shop") == "db.example.com:5432/shop"


def test_url_without_a_password_is_as_public_as_its_name() -> None:
    secrets = EnvironmentSecrets({"PROD_SITE_URL": "https://shop@example.com:8443/a:b@c"})

    assert secrets.credential_values() == ()
    assert secrets.given_values(EnvName("prod")) == ()


def test_lines_of_a_key_given_on_one_line_are_secret() -> None:
    stated = f"-----BEGIN RSA PRIVATE KEY-----\\n{KEY_LINE}\\n-----END RSA PRIVATE KEY-----"

    settings = Settings(
        _env_file=None,
        github_app_id="1",
        github_private_key=SecretStr(stated),
        webhook_secret=SecretStr("long enough"),
        s3_endpoint_url="http://127.0.0.1:1",
        repositories=("acme/infra",),
        state_bucket="states",
        artifact_bucket="artifacts",
        s3_access_key_id=SecretStr("id"),
        s3_secret_access_key=SecretStr("secret"),
        encryption_key=SecretStr("unused"),
    )

    redact = Redactor(settings.secrets())

    assert "MIIEpAIBAAK" not in redact(f"unusable key:\n{KEY_LINE}\n")
