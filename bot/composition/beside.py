"""What is done beside the changes of pull requests: looking for drift, copying data, comparing twins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.state_reader import BackendStates
from bot.composition.outside import Outside
from bot.composition.services import Services
from bot.services.drift_reports import DriftReports
from bot.services.drifting import Drifting
from bot.services.endings import Endings
from bot.services.jobs import Limits
from bot.services.parity import Parity
from bot.services.parity_sides import Sides
from bot.services.refresh_reports import RefreshReports
from bot.services.refresh_turns import RefreshTurns
from bot.services.refreshing import Refreshing
from bot.services.releasing import Sources
from bot.services.standing_issues import StandingIssues


@dataclass(frozen=True)
class Beside:
    """Each is built when it is first asked for, and once."""

    outside: Outside
    services: Services
    limits: Limits
    endings: Endings
    sources: Sources

    @cached_property
    def drift_reports(self) -> DriftReports:
        o, s = self.outside, self.services
        return DriftReports(
            records=o.records,
            github=o.github,
            issues=self.issues,
            poster=s.poster,
            plan_comments=s.plan_comments,
            links=s.links,
        )

    @cached_property
    def refresh_reports(self) -> RefreshReports:
        o = self.outside
        return RefreshReports(
            records=o.records,
            github=o.github,
            issues=self.issues,
            poster=self.services.poster,
            links=self.services.links,
        )

    @cached_property
    def drifting(self) -> Drifting:
        o = self.outside
        return Drifting(
            records=o.records,
            github=o.github,
            policies=self.services.policies,
            trees=self.services.trees,
            workspace=o.workspace,
            terraform=o.terraform,
            states=o.stored_states,
            owners=self.services.owners,
            credentials=o.credentials,
            logs=o.logs,
            limits=self.limits,
            clock=o.clock,
        )

    @cached_property
    def issues(self) -> StandingIssues:
        o = self.outside
        return StandingIssues(github=o.github, records=o.records)

    @cached_property
    def refresh_turns(self) -> RefreshTurns:
        o = self.outside
        return RefreshTurns(records=o.records, states=o.stored_states, clock=o.clock)

    @cached_property
    def refreshing(self) -> Refreshing:
        o = self.outside
        return Refreshing(
            records=o.records,
            github=o.github,
            policies=self.services.policies,
            turns=self.refresh_turns,
            trees=self.services.trees,
            workspace=o.workspace,
            terraform=o.terraform,
            states=BackendStates(),
            owners=self.services.owners,
            credentials=o.credentials,
            endings=self.endings,
            logs=o.logs,
            limits=self.limits,
            clock=o.clock,
        )

    @cached_property
    def parity(self) -> Parity:
        o = self.outside
        sides = Sides(
            records=o.records,
            workspace=o.workspace,
            history=o.workspace,
            sources=self.sources,
            states=o.stored_states,
            owners=self.services.owners,
            credentials=o.credentials,
        )
        return Parity(sides=sides, checks=self.services.checks, records=o.records, clock=o.clock)
