"""Checks requests and answers against GitHub's published OpenAPI description.

The description is OpenAPI 3.0; it is turned into JSON Schema once: `nullable` becomes a type, and objects
are closed, so that a field that GitHub does not know is found, in what is asked and in what is answered.
"""

import copy
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

Json = dict[str, Any]
ADDED = "openapi-added.json"
"""Further operations beside the description, cut later from the same source or written after GitHub's documentation."""
METHODS = ("get", "post", "put", "patch", "delete")
REFERENCE = "#/components/schemas/"
_REFERENCES = re.compile(r'"\$ref": "#/components/schemas/([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The compiled checks of an operation; `answers` maps a status to its check."""

    name: str
    body: jsonschema_rs.Validator | None
    body_required: bool
    query: dict[str, jsonschema_rs.Validator]
    answers: dict[str, jsonschema_rs.Validator | None]


@cache
def load_spec(path: Path) -> "Spec":
    """The compiled description; compiled once in a process, since many stand-ins share it."""
    return Spec(path)


class Spec:
    """The compiled description."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        added = path.with_name(ADDED)
        if added.exists():
            more = json.loads(added.read_text(encoding="utf-8"))
            for template, methods in more["paths"].items():
                document["paths"].setdefault(template, {}).update(methods)
            for kind, parts in more.get("components", {}).items():
                document["components"].setdefault(kind, {}).update(parts)
        self._document = document
        components: Json = {}
        for name, schema in document["components"]["schemas"].items():
            components[name] = _convert(schema, closed=True)
            components[f"{name}--open"] = _convert(schema, closed=False)
        self._components = components
        self._patch()
        self.operations = {
            (method.upper(), template): self._operation(method, template, found)
            for template, methods in document["paths"].items()
            for method, found in methods.items()
            if method in METHODS
        }

    def _patch(self) -> None:
        """Correct known gaps between GitHub's description and its answers."""
        # GitHub alone gives this conclusion, after 14 days (docs, "REST API endpoints for check runs"); it is not listed.
        for variant in ("", "--open"):
            run = self._components[f"check-run{variant}"]["properties"]
            run["conclusion"] = {"anyOf": [run["conclusion"], {"const": "stale"}]}
        owner = {"anyOf": [{"$ref": f"{REFERENCE}simple-user"}, {"$ref": f"{REFERENCE}enterprise"}]}
        for name in ("integration", "nullable-integration"):
            for variant in ("", "--open"):
                whole = self._components[name + variant]
                schema = whole if "properties" in whole else whole["anyOf"][0]
                # Written oneOf, yet a simple user may satisfy both branches where objects are open.
                schema["properties"]["owner"] = owner
                # Only five of the permissions are listed, and objects are closed here.
                schema["properties"]["permissions"].pop("additionalProperties", None)
        for variant in ("", "--open"):
            # Only GitHub can give this conclusion; its description of webhooks has it, that of REST has not.
            conclusion = self._components[f"check-run{variant}"]["properties"]["conclusion"]
            for each in conclusion.get("anyOf", [conclusion]):
                if "enum" in each:
                    each["enum"] = [*each["enum"], "stale"]
        # github/rest-api-description#1811 and #5562: of a head whose fork, or whose owner, is gone, all three are null.
        for name in ("pull-request", "pull-request-simple"):
            for variant in ("", "--open"):
                head = self._components[name + variant]["properties"]["head"]["properties"]
                for part in ("label", "repo", "user"):
                    head[part] = {"anyOf": [head[part], {"type": "null"}]}
        listed = self._document["paths"]["/app/installations"]["get"]["responses"]["200"]
        item = listed["content"]["application/json"]["schema"]["items"]
        # Written allOf a user and an enterprise, which nothing satisfies; and permissions added since
        # are missing.
        item["properties"]["account"] = owner
        item["properties"]["suspended_by"] = {"$ref": f"{REFERENCE}nullable-simple-user"}
        item["properties"]["permissions"] = {"$ref": f"{REFERENCE}app-permissions"}

    def _operation(self, method: str, template: str, found: Json) -> Operation:
        body = found.get("requestBody")
        schema = body["content"]["application/json"]["schema"] if body else None
        parameters = [self._resolve(each) for each in found.get("parameters", [])]
        return Operation(
            name=f"{method.upper()} {template}",
            body=self._compile(_convert(schema, closed=True)) if schema else None,
            body_required=bool(body and body.get("required")),
            query={
                each["name"]: self._compile(_convert(each["schema"], closed=False))
                for each in parameters
                if each["in"] == "query"
            },
            answers={
                status: self._answer(self._resolve(answer), closed=status.startswith("2"))
                for status, answer in found["responses"].items()
            },
        )

    def _resolve(self, thing: Json) -> Json:
        """Follow a reference to a parameter or a response."""
        while "$ref" in thing:
            target: Any = self._document
            for part in thing["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            thing = target
        return thing

    def _answer(self, answer: Json, *, closed: bool) -> jsonschema_rs.Validator | None:
        """Errors stay open: GitHub sends a `status` with them that the description leaves out."""
        content = answer.get("content", {}).get("application/json")
        if content is None or "schema" not in content:
            return None
        return self._compile(_convert(content["schema"], closed=closed))

    def _compile(self, schema: Json) -> jsonschema_rs.Validator:
        whole = {**schema, "components": {"schemas": self._reachable(schema)}}
        return jsonschema_rs.Draft202012Validator(
            whole,
            validate_formats=True,
            formats={"uri": _is_uri, "repo.nwo": _is_full_name},  # codespell:ignore nwo
        )

    def _reachable(self, schema: Json) -> Json:
        """The components that a schema refers to, at whatever remove; compiling all of them is slow."""
        found: Json = {}
        open_ends = [schema]
        while open_ends:
            for name in _REFERENCES.findall(json.dumps(open_ends.pop())):
                if name not in found:
                    found[name] = self._components[name]
                    open_ends.append(found[name])
        return found

    def check_query(self, operation: Operation, query: dict[str, str]) -> list[str]:
        """Return the problems of the query; numbers arrive as text."""
        faults = []
        for name, text in query.items():
            check = operation.query.get(name)
            value: Any = int(text) if re.fullmatch(r"-?\d{1,18}", text) else text
            if check is None:
                faults.append(f"{operation.name}: unknown query parameter {name}")
            elif not check.is_valid(value) and not check.is_valid(text):
                faults.append(f"{operation.name}: query parameter {name}={text!r}")
        return faults

    def check_body(self, operation: Operation, body: Any) -> list[str]:
        """Return the problems of the request's body; None is no body."""
        if body is None:
            return [f"{operation.name}: body is missing"] if operation.body_required else []
        if operation.body is None:
            return [] if body == {} else [f"{operation.name}: a body where none is known"]
        return [f"{operation.name}: request {fault}" for fault in _faults(operation.body, body)]

    def check_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        """Return the problems of an answer; errors missing in the description pass."""
        known = str(status) in operation.answers
        if not known:
            return [] if status >= 400 else [f"{operation.name}: answered {status}"]  # noqa: PLR2004
        check = operation.answers[str(status)]
        if check is None or body is None:
            return []
        return [f"{operation.name}: answer {status} {fault}" for fault in _faults(check, body)]


def _faults(check: jsonschema_rs.Validator, value: Any) -> list[str]:
    return [
        f"at /{'/'.join(str(part) for part in error.instance_path)}: {error.message[:500]}"
        for error in check.iter_errors(value)
    ]


def _is_uri(text: str) -> bool:
    """GitHub writes an unset address as an empty string."""
    return text == "" or bool(urlsplit(text).scheme and " " not in text)


def _is_full_name(text: str) -> bool:
    return text.count("/") == 1


def _convert(schema: Any, *, closed: bool) -> Json:
    """OpenAPI 3.0 to JSON Schema 2020-12."""
    result: Json = copy.deepcopy(schema)
    return _walk(result, closed=closed)


def _walk(schema: Json, *, closed: bool) -> Json:
    for key in ("example", "examples", "description", "title", "default", "deprecated"):
        schema.pop(key, None)
    if "$ref" in schema:
        return {"$ref": schema["$ref"] + ("" if closed else "--open")}
    for name, part in schema.get("properties", {}).items():
        schema["properties"][name] = _walk(part, closed=closed)
    if isinstance(schema.get("items"), dict):
        schema["items"] = _walk(schema["items"], closed=closed)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _walk(schema["additionalProperties"], closed=closed)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            # Parts of an allOf see each other's fields, so they must stay open.
            inner = closed and key != "allOf" and "properties" not in schema
            schema[key] = [_walk(part, closed=inner) for part in schema[key]]
    if closed and schema.get("properties"):
        schema.setdefault("additionalProperties", False)
    return _nullable(schema)


def _nullable(schema: Json) -> Json:
    if not schema.pop("nullable", False):
        return schema
    return {"anyOf": [schema, {"type": "null"}]}
