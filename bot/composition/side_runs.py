"""Wire drift checks, data refreshes and the comparison of twins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.state_reader import BackendStates
from bot.composition.adapters import Adapters
from bot.composition.services import Services
from bot.services.data_refresh.reports import RefreshReports
from bot.services.data_refresh.runs import Refreshing
from bot.services.data_refresh.turns import RefreshTurns
from bot.services.drift.checks import Drifting
from bot.services.drift.reports import DriftReports
from bot.services.parity.comparing import Parity
from bot.services.parity.sides import Sides
from bot.services.reporting.standing_issues import StandingIssues
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.terraform_jobs import TerraformJobs
from bot.services.stacks.releases import Sources


@dataclass(frozen=True)
class SideRuns:
    """Each service is built once, on first use."""

    adapters: Adapters
    services: Services
    jobs: TerraformJobs
    completion: RunCompletion
    sources: Sources

    @cached_property
    def drift_reports(self) -> DriftReports:
        adapters, services = self.adapters, self.services
        return DriftReports(
            records=adapters.records,
            github=adapters.github,
            issues=self.issues,
            poster=services.poster,
            plan_comments=services.plan_comments,
            links=services.links,
        )

    @cached_property
    def refresh_reports(self) -> RefreshReports:
        adapters = self.adapters
        return RefreshReports(
            records=adapters.records,
            github=adapters.github,
            issues=self.issues,
            poster=self.services.poster,
            links=self.services.links,
        )

    @cached_property
    def drifting(self) -> Drifting:
        adapters = self.adapters
        return Drifting(
            records=adapters.records,
            github=adapters.github,
            policies=self.services.policies,
            trees=self.services.trees,
            workspace=adapters.workspace,
            terraform=adapters.terraform,
            states=adapters.stored_states,
            owners=self.services.owners,
            credentials=adapters.credentials,
            jobs=self.jobs,
            logs=adapters.logs,
            completion=self.completion,
            clock=adapters.clock,
        )

    @cached_property
    def issues(self) -> StandingIssues:
        adapters = self.adapters
        return StandingIssues(github=adapters.github, records=adapters.records)

    @cached_property
    def refresh_turns(self) -> RefreshTurns:
        adapters = self.adapters
        return RefreshTurns(records=adapters.records, states=adapters.stored_states, clock=adapters.clock)

    @cached_property
    def refreshing(self) -> Refreshing:
        adapters = self.adapters
        return Refreshing(
            records=adapters.records,
            github=adapters.github,
            policies=self.services.policies,
            turns=self.refresh_turns,
            trees=self.services.trees,
            workspace=adapters.workspace,
            terraform=adapters.terraform,
            states=BackendStates(),
            owners=self.services.owners,
            credentials=adapters.credentials,
            completion=self.completion,
            jobs=self.jobs,
            clock=adapters.clock,
        )

    @cached_property
    def parity(self) -> Parity:
        adapters = self.adapters
        sides = Sides(
            records=adapters.records,
            workspace=adapters.workspace,
            history=adapters.workspace,
            sources=self.sources,
            states=adapters.stored_states,
            owners=self.services.owners,
            credentials=adapters.credentials,
        )
        return Parity(
            sides=sides, checks=self.services.checks, records=adapters.records, clock=adapters.clock
        )
