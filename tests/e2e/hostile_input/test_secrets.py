"""Every secret of a site is planted where it belongs, and then looked for, byte for byte, where it does not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
from aiohttp import web

from bot.adapters.clock import SystemClock
from bot.adapters.encryption import AesGcmCipher, parse_key
from bot.web.sessions import Sessions
from tests.e2e.hostile_input.probing import planned
from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import MOTTO, SECRETS, World, state_client
from tests.fakes.accounts import account

_SENSITIVE_OUTPUT = f"made-{hashlib.sha256(b'by terraform').hexdigest()}"
_CODE = """
variable "motto" {
  type      = string
  sensitive = true
  default   = "no motto was given"
}

resource "terraform_data" "keeper" {
  input = var.motto
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "echo $LICENSE_KEY; echo ${nonsensitive(var.motto)}; echo LEAK$(printf '%s' $LICENSE_KEY | base64) >&2; exit EXIT"
  }
}

output "made" {
  sensitive = true
  value     = "made-${sha256("by terraform")}"
}

output "copied" {
  value = terraform_data.keeper.output == null ? "" : nonsensitive("motto: ${terraform_data.keeper.output}")
}
"""
# The text of an error that a provider might write: it holds the value of a variable that is declared sensitive.
_ERROR = (
    _CODE
    + 'locals {\n  broken = file("/nowhere/${nonsensitive(var.motto)}")\n}\noutput "broken" {\n  value = local.broken\n}\n'
)
_TOKEN = re.compile(rb"\bgh[a-z]_[A-Za-z0-9]{16,}")


async def test_no_secret_is_in_any_log_comment_page_or_object(scene: Scene) -> None:
    world = scene.world
    # Given code that prints and returns what it is given, and a plan that fails with a secret in its error,
    number, _ = await planned(world, {"terraform/leak.tf": _ERROR}, status="failed")
    failed_plan = next(iter(world.runs()))["id"]
    # when it fails in the apply, is repaired and applied,
    head = await world.push({"terraform/leak.tf": _CODE.replace("EXIT", "1")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    await world.comment(number, "/apply staging")
    failed = await world.hear(number, kind="apply", env="staging", status="failed")
    await world.told(number)
    assert "(sensitive)" in failed.body
    head = await world.push({"terraform/leak.tf": _CODE.replace("EXIT", "0")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    # and a delivery comes whose body is signed wrongly with the real secret in it,
    await forge(world)
    # Then nothing of it is where it does not belong, in whatever form programs print it.
    sinks = await Everything(world=world, number=number).collected()
    assert len(sinks["page"]) > 2 * len(world.runs())
    assert [name for name in sinks if name != "state" and not sinks[name]] == []
    found = [
        f"{secret} in {sink}"
        for sink, contents in sinks.items()
        if sink != "state"
        for secret, value in planted(world).items()
        for content in contents
        if any(form in content for form in forms(value))
    ]
    found += [
        f"a token in {sink}: {_TOKEN.search(each)}"
        for sink, contents in sinks.items()
        for each in contents
        if _TOKEN.search(each)
    ]
    assert sorted(set(found)) == []
    # And the secret was really there: Terraform was given it, and it is in the state.
    assert any(MOTTO.encode() in content for content in sinks["state"])
    assert failed_plan


def planted(world: World) -> dict[str, str]:
    """Return every secret of this site by what it is."""
    playground = world.playground
    site, s3 = playground.secrets, playground.s3
    key = max(world.github.private_key_pem.splitlines(), key=len)
    pairs = {
        f"state key of {env} for {purpose}": s3.credentials(env, purpose).secret_access_key
        for env in ("staging", "prod")
        for purpose in ("plan", "apply")
    }
    return {
        **{name: SECRETS[name] for name in ("STAGING_LICENSE_KEY", "STAGING_PLAN_LICENSE_KEY")},
        "sensitive variable": MOTTO,
        "sensitive output": _SENSITIVE_OUTPUT,
        "webhook secret": site.webhook_secret,
        "client secret": site.client_secret,
        "session key": site.session_key,
        "encryption key": site.encryption_key,
        "metrics token": site.metrics_token,
        "private key": key,
        "the bot's S3 secret": s3.bot.secret_access_key,
        **pairs,
    }


def forms(value: str) -> set[bytes]:
    """Return a value as it is, in JSON, in an address and in base64."""
    plain = value.encode()
    escaped = json.dumps(value)[1:-1].encode()
    return {plain, escaped, quote(value, safe="").encode(), base64.b64encode(plain).rstrip(b"=")}


async def forge(world: World) -> None:
    secret = world.playground.secrets.webhook_secret
    headers = {
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": secret,
        "X-Hub-Signature-256": f"sha256={secret}",
    }
    url = f"{world.playground.bot.url}/webhooks/github?secret={secret}"
    async with aiohttp.ClientSession() as session, session.post(url, headers=headers, data=secret) as answer:
        assert answer.status in {400, 401}
        assert secret not in await answer.text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that the bot has written anywhere."""

    world: World
    number: int

    async def collected(self) -> Mapping[str, list[bytes]]:
        return {
            "comment": [
                each.body.encode() for each in self.world.github.comments(self.world.repo, self.number)
            ],
            "github": list(self._on_github()),
            "page": [text async for text in self._pages()],
            "file": await asyncio.to_thread(lambda: list(self._files())),
            "stored log": await asyncio.to_thread(lambda: list(self._stored_logs())),
            "object": await asyncio.to_thread(self._objects, self.world.playground.s3.artifact_bucket),
            "state": await asyncio.to_thread(self._objects, self.world.playground.s3.state_bucket),
        }

    def _on_github(self) -> Iterator[bytes]:
        github = self.world.github
        for run in github._hub.state.data.check_runs.values():
            yield run.model_dump_json().encode()
        for each in github.deployments(self.world.repo):
            yield each.model_dump_json().encode()

    def _files(self) -> Iterator[bytes]:
        """Yield the database with its write-ahead log, logs of runs, the bot's log, mirrors and everything else."""
        data = self.world.playground.directory / "bot" / "data"
        assert (data / "gatewright.db").exists()
        for path in (*data.rglob("*"), self.world.playground.bot.log):
            if path.is_file() and not path.is_symlink():
                yield path.read_bytes()

    def _stored_logs(self) -> Iterator[bytes]:
        """Yield what pages may show of the encrypted objects."""
        cipher = AesGcmCipher(parse_key(self.world.playground.secrets.encryption_key))
        bucket = self.world.playground.s3.artifact_bucket
        with state_client(self.world.playground) as client:
            for run in self.world.runs():
                key = f"logs/{run['id']}.log"
                sealed = client.get_object(Bucket=bucket, Key=key)["Body"].read()
                yield cipher.open(sealed, context=key)

    def _objects(self, bucket: str) -> list[bytes]:
        with state_client(self.world.playground) as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
            return [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]

    async def _pages(self) -> AsyncIterator[bytes]:
        playground = self.world.playground
        answer = web.Response()
        Sessions(playground.secrets.session_key, clock=SystemClock(), secure=False).complete(
            answer, account("owner", playground.github.account("owner").id)
        )
        cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
        token = {"Authorization": f"Bearer {playground.secrets.metrics_token}"}
        runs = [f"/runs/{run['id']}{end}" for run in self.world.runs() for end in ("", "/log")]
        async with aiohttp.ClientSession(
            cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as session:
            for path in ("/", "/runs", "/environments", "/healthz", "/readyz", "/nothing", *runs):
                async with session.get(playground.bot.url + path) as page:
                    assert page.status == 200 or path == "/nothing", path
                    yield await page.read()
            async with session.get(f"{playground.bot.url}/metrics", headers=token) as page:
                assert page.status == 200
                yield await page.read()
