"""GraphQL, for the one mutation that REST has no twin of: minimizing a comment."""

import json
import re
from typing import Any

from aiohttp import web

from bot.playground.github.auth import Auth, Principal
from bot.playground.github.errors import ApiError
from bot.playground.github.grants import grants
from bot.playground.github.hub import Hub, number_of_node
from bot.playground.github.records.model import Comment, Role

CLASSIFIERS = ("ABUSE", "DUPLICATE", "LOW_QUALITY", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM")
MINIMIZE = "minimizeComment"
_CALL = re.compile(r"\b(minimizeComment|unminimizeComment)\s*\(\s*input\s*:\s*(\{[^}]*\}|\$\w+)\s*\)")
_FIELD = re.compile(r'(\w+)\s*:\s*("(?:[^"\\]|\\.)*"|\$\w+|\w+)')
Json = dict[str, Any]


class GraphQLError(Exception):
    """An error inside a 200 answer; `kind` is GitHub's `type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class GraphQL:
    """POST /api/graphql."""

    def __init__(self, hub: Hub, auth: Auth) -> None:
        self._hub = hub
        self._auth = auth

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 with data or errors; 401 without valid credentials, 400 for invalid JSON."""
        try:
            who = self._caller(request)
            query, variables = _document(await request.read())
        except ApiError as error:
            return web.json_response(error.body(), status=error.status)
        call = _CALL.search(query)
        if call is None:
            self._hub.journal.violations.append("GraphQL: only minimizeComment is known")
            return _failed(GraphQLError("UNPROCESSABLE", "only minimizeComment is known"), None)
        mutation = call.group(1)
        try:
            with self._hub.limits.working(who.name, writes=True, graphql=True):
                answer = self._minimize(who, mutation, _input(call.group(2), variables))
        except ApiError as error:
            return web.json_response(error.body(), status=error.status, headers=error.headers)
        except GraphQLError as error:
            return _failed(error, mutation)
        return web.json_response({"data": {mutation: answer}})

    def _caller(self, request: web.Request) -> Principal:
        who = self._auth.principal(request.headers.get("Authorization"))
        if who.installation is None and who.user is None:
            raise ApiError(401, "This endpoint requires you to be authenticated.")
        return who

    def _minimize(self, who: Principal, mutation: str, fields: Json) -> Json:
        reason = fields.get("classifier")
        if mutation == MINIMIZE and reason not in CLASSIFIERS:
            raise GraphQLError("INVALID", f"classifier {reason!r} is not a ReportedContentClassifiers")
        comment = self._comment(who, str(fields.get("subjectId")))
        comment.minimized = str(reason).lower() if mutation == MINIMIZE else None
        self._hub.state.changed()
        key = "minimizedComment" if mutation == MINIMIZE else "unminimizedComment"
        state = {"isMinimized": comment.minimized is not None, "minimizedReason": comment.minimized}
        return {"clientMutationId": fields.get("clientMutationId"), key: state}

    def _comment(self, who: Principal, node: str) -> Comment:
        """The comment of a global id that the caller may see and hide."""
        comment = self._hub.state.data.comments.get(number_of_node(node) or 0)
        if comment is None or not self._auth.sees(who, self._hub.state.repo(comment.repo)):
            raise GraphQLError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")
        repo = self._hub.state.repo(comment.repo)
        if who.installation is not None:
            needs = ("issues:write", "pull_requests:write")
            allowed = self._auth.reaches(who, repo) and any(grants(who.permissions, need) for need in needs)
        else:
            allowed = self._auth.role(who, repo).at_least(Role.WRITE)
        if not allowed:
            raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
        return comment


def _document(raw: bytes) -> tuple[str, Json]:
    """The query and its variables."""
    try:
        asked = json.loads(raw)
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error
    if not isinstance(asked, dict):
        raise ApiError(400, "A query attribute must be specified and must be a string.")
    variables = asked.get("variables")
    return str(asked.get("query", "")), variables if isinstance(variables, dict) else {}


def _input(text: str, variables: Json) -> Json:
    """The fields of the mutation's input, with the variables' values."""
    if text.startswith("$"):
        given = variables.get(text[1:])
        return given if isinstance(given, dict) else {}
    return {name: _value(value, variables) for name, value in _FIELD.findall(text)}


def _value(text: str, variables: Json) -> Any:
    if text.startswith("$"):
        return variables.get(text[1:])
    return json.loads(text) if text.startswith('"') else text


def _failed(error: GraphQLError, path: str | None) -> web.Response:
    body = {"type": error.kind, "path": [path] if path else [], "message": str(error)}
    return web.json_response({"data": {path: None} if path else None, "errors": [body]})
