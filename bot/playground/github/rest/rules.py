"""The rules of a branch, from the rulesets of its repository and organisation."""

from typing import Any

from bot.playground.github.records.rules import Ruleset
from bot.playground.github.rest.call import Call, Reply, Route

Json = dict[str, Any]


async def branch_rules(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/rules/branches/{branch}; the branch need not exist."""
    repo, branch = call.repo(), call.params["branch"]
    rulesets = [
        each
        for each in call.hub.state.data.rulesets.values()
        if (each.repo, each.branch, each.enforcement) == (repo.full_name, branch, "active")
    ]
    return call.paged([rule for each in rulesets for rule in _rules(each)], lambda rule: rule)


def _rules(ruleset: Ruleset) -> list[Json]:
    """A rule that GitHub switches on in every new ruleset, and the one on checks."""
    owner = ruleset.repo.partition("/")[0]
    source = {
        "ruleset_source_type": "Organization" if ruleset.of_owner else "Repository",
        "ruleset_source": owner if ruleset.of_owner else ruleset.repo,
        "ruleset_id": ruleset.id,
    }
    parameters = {
        "strict_required_status_checks_policy": False,
        "do_not_enforce_on_create": False,
        "required_status_checks": [each.model_dump(exclude_none=True) for each in ruleset.checks],
    }
    checks = {"type": "required_status_checks", "parameters": parameters, **source}
    return [{"type": "deletion", **source}, checks]


ROUTES = (
    Route(
        method="GET",
        path="/repos/{owner}/{repo}/rules/branches/{branch:.+}",
        handler=branch_rules,
        needs=("metadata:read",),
    ),
)
