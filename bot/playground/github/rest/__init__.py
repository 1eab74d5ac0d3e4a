"""The REST operations, in one table read from top to bottom: longer paths stand before `{ref:.+}`."""

from bot.playground.github.rest import (
    apps,
    checks,
    deployments,
    issues,
    people,
    plain_issues,
    pulls,
    repos,
    rules,
)
from bot.playground.github.rest.call import Route

ROUTES: tuple[Route, ...] = (
    *apps.ROUTES,
    *issues.ROUTES,
    *plain_issues.ROUTES,
    *pulls.ROUTES,
    *checks.ROUTES,
    *deployments.ROUTES,
    *people.ROUTES,
    *repos.ROUTES,
    *rules.ROUTES,
)
