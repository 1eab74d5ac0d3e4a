"""The REST operations in one table; longer paths stand before `{ref:.+}`."""

from bot.playground.github.rest import (
    activity,
    apps,
    checks,
    delivery,
    deployments,
    issues,
    organisations,
    people,
    plain_issues,
    pulls,
    repos,
    rules,
    teams,
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
    *teams.ROUTES,
    *activity.ROUTES,
    *repos.ROUTES,
    *rules.ROUTES,
    *organisations.ROUTES,
    *delivery.ROUTES,
)
