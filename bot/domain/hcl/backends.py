"""The backend that a root module declares, compared with the configured state location.

It never raises and evaluates nothing. A literal string that differs is a contradiction. Anything else (an
expression, a value given to `terraform init`) is not: empty and partial blocks pass, and so do files that
Terraform could not parse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from bot.domain.hcl.module_calls import TERRAFORM_FILES
from bot.domain.hcl.scanner import HclToken, hcl_tokens

_OURS: Final = "s3"
_CLOUD: Final = "cloud"
_ENDPOINTS: Final = ("endpoint", "endpoints.s3")
_ADDRESS: Final = ("bucket", "key", *_ENDPOINTS)
_OPEN, _CLOSE, _LINE_END, _EQUALS = (HclToken(kind="sign", text=text) for text in ("{", "}", "\n", "="))
_COMMA, _COLON = (HclToken(kind="other", text=text) for text in (",", ":"))
_ATTRIBUTE: Final = 3
"""Tokens of a setting: name, `=` or `:`, and text."""
_ESCAPE: Final = re.compile(r"\\(?:([nrt\"\\])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_TEMPLATE: Final = re.compile(r"(?<![$%])[$%]\{")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePlace:
    """Where Gatewright keeps a state: an object of a bucket, through the `s3` backend."""

    bucket: str
    key: str
    endpoint_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredBackend:
    """A `backend` or `cloud` block."""

    file: str
    type: str
    """The label of the block; `cloud` for a `cloud` block."""
    settings: Mapping[str, str]
    """Name -> value of address settings that are literal strings; nested ones as `endpoints.s3`."""


def contradictions(files: Mapping[str, str], place: StatePlace) -> tuple[str, ...]:
    """Return one sentence for each way in which a root module contradicts the state location.

    The files are given as name -> text; the result is empty if nothing contradicts.
    """
    return tuple(sentence for found in declared_backends(files) for sentence in _contradictions(found, place))


def declared_backends(files: Mapping[str, str]) -> tuple[DeclaredBackend, ...]:
    """Return every `backend` and `cloud` block of a root module, by file."""
    found: list[DeclaredBackend] = []
    for name in sorted(files):
        if not name.endswith(TERRAFORM_FILES):
            continue
        blocks = _json_blocks(files[name]) if name.endswith(".json") else _hcl_blocks(files[name])
        found += [DeclaredBackend(file=name, type=kind, settings=settings) for kind, settings in blocks]
    return tuple(found)


def _contradictions(found: DeclaredBackend, place: StatePlace) -> Iterator[str]:
    if found.type == _CLOUD:
        yield f"{found.file} has a cloud block, and the state is kept by the backend {_OURS}"
    elif found.type != _OURS:
        yield f"{found.file} declares the backend {found.type}, and the state is kept by the backend {_OURS}"
    else:
        for name, value in found.settings.items():
            ours = {"bucket": place.bucket, "key": place.key}.get(name, place.endpoint_url)
            differs = _host(value) != _host(ours) if name in _ENDPOINTS else value != ours
            if differs:
                yield f"{found.file} names {value} as the {name}, and the state is kept at {ours}"


def _host(url: str) -> tuple[str, int | None, str]:
    """Return the host of an endpoint; Terraform accepts it with and without a scheme."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return url, None, ""
    return (parts.hostname or "").lower(), port, parts.path.rstrip("/")


# --- HCL ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    frames: list[tuple[str, ...]] = field(default_factory=list)
    """Type and labels of the open blocks, and the names of objects inside them, innermost last."""
    line: list[HclToken] = field(default_factory=list)
    """The tokens since the last line end, comma or brace."""
    blocks: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def open(self) -> None:
        is_value = _EQUALS in self.line or _COLON in self.line
        head = self.line[:1] if is_value else self.line
        self.frames.append(tuple(token.text for token in head))
        self.line = []
        kind = self._declares(self.frames)
        if kind is not None and not is_value:
            self.blocks.append((kind, {}))

    def close(self) -> None:
        self.end_line()
        if self.frames:
            self.frames.pop()

    def end_line(self) -> None:
        line, self.line = self.line, []
        if len(line) != _ATTRIBUTE or line[1] not in {_EQUALS, _COLON}:
            return
        value = _literal(line[2])
        block = self._declares(self.frames[:2])
        if value is None or block is None:
            return
        name = ".".join([*(frame[0] for frame in self.frames[2:] if frame), line[0].text])
        if name in _ADDRESS:
            self.blocks[-1][1][name] = value

    @staticmethod
    def _declares(frames: Sequence[tuple[str, ...]]) -> str | None:
        """Return the backend that a block declares, None for other blocks."""
        match list(frames):
            case [("terraform",), ("backend", kind)]:
                return kind
            case [("terraform",), ("cloud",)]:
                return _CLOUD
            case _:
                return None


def _hcl_blocks(text: str) -> list[tuple[str, dict[str, str]]]:
    reading = _Reading()
    for token in hcl_tokens(text):
        if token == _OPEN:
            reading.open()
        elif token == _CLOSE:
            reading.close()
        elif token in {_LINE_END, _COMMA}:
            reading.end_line()
        else:
            reading.line.append(token)
    return reading.blocks


def _literal(token: HclToken) -> str | None:
    """Return the value of a string without templates, None for everything else."""
    if token.kind == "text":
        return token.text
    if token.kind != "template" or "\n" in token.written or _TEMPLATE.search(token.written):
        return None
    plain = _ESCAPE.sub(_unescaped, token.written)
    return plain.replace("$${", "${").replace("%%{", "%{")


def _unescaped(found: re.Match[str]) -> str:
    letter, short, long = found.groups()
    if letter is not None:
        return _LETTERS[letter]
    number = int(short or long, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"  # noqa: PLR2004 - the last character there is


# --- JSON -----------------------------------------------------------------------------------------------


def _json_blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        root = json.loads(text, object_pairs_hook=_all_values)
    except (ValueError, RecursionError):
        return
    for terraform in _objects(root, "terraform"):
        for backend in _objects(terraform, "backend"):
            for kind, bodies in backend.items():
                yield kind, _json_settings(bodies)
        if _CLOUD in terraform:
            yield _CLOUD, {}


def _all_values(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Keep every value of a repeated key."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    return found


def _objects(parent: object, name: str) -> Iterator[dict[str, Any]]:
    values = parent.get(name, []) if isinstance(parent, dict) else []
    return (value for value in values if isinstance(value, dict))


def _json_settings(bodies: Sequence[Any]) -> dict[str, str]:
    found: list[tuple[str, Any]] = []
    for body in (body for body in bodies if isinstance(body, dict)):
        found += [(name, value) for name in _ADDRESS[:3] for value in body.get(name, [])]
        found += [
            (_ENDPOINTS[1], value) for one in _objects(body, "endpoints") for value in one.get("s3", [])
        ]
    return {name: value for name, value in found if isinstance(value, str) and not _TEMPLATE.search(value)}
