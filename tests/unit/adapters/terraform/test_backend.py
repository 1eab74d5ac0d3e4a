from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.terraform.backend import PROFILE, credentials_text, override_text, settings
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import StateKey
from bot.ports import Backend

SECRET = "the-secret"


def backend(*, key: str = "prod/terraform.tfstate", secret: str = SECRET) -> Backend:
    return Backend(
        endpoint_url="https://account.example",
        region="auto",
        bucket="state",
        key=StateKey(key),
        access_key_id="the-id",
        secret_access_key=secret,
    )


def test_the_override_holds_every_setting_and_no_key() -> None:
    text = override_text(settings(backend(), credentials=Path("/gatewright/credentials")))

    assert text.splitlines() == [
        "terraform {",
        '  backend "s3" {',
        '    bucket = "state"',
        '    key = "prod/terraform.tfstate"',
        '    region = "auto"',
        '    endpoints = { s3 = "https://account.example" }',
        f'    profile = "{PROFILE}"',
        '    shared_credentials_files = ["/gatewright/credentials"]',
        "    use_path_style = true",
        "    use_lockfile = true",
        "    skip_s3_checksum = true",
        "    skip_credentials_validation = true",
        "    skip_metadata_api_check = true",
        "    skip_region_validation = true",
        "    skip_requesting_account_id = true",
        "  }",
        "}",
    ]


def test_a_key_is_text_and_never_an_expression() -> None:
    text = override_text(settings(backend(key='a"}${file("x")}%{if'), credentials=Path("/c")))

    assert r'key = "a\"}$${file(\"x\")}%%{if"' in text


def test_the_key_pair_stands_under_a_profile_of_its_own() -> None:
    assert credentials_text(backend()).splitlines() == [
        "[gatewright-state]",
        "aws_access_key_id = the-id",
        "aws_secret_access_key = the-secret",
    ]


@pytest.mark.parametrize("secret", ["", "two\nlines", "nul\x00"])
def test_key_pair_that_would_break_the_file_is_refused_unseen(secret: str) -> None:
    with pytest.raises(GatewrightError) as refusal:
        credentials_text(backend(secret=secret))

    assert not secret or secret not in str(refusal.value)
