"""Wire the services that execute runs and follow up on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.probes import NetworkProbes
from bot.composition.adapters import Adapters
from bot.composition.restores import Restores
from bot.composition.services import Services
from bot.composition.side_runs import SideRuns
from bot.services.applying.applying import Applying
from bot.services.applying.changes import Changes
from bot.services.destroying.destroying import Destroying
from bot.services.environments.lock_waiters import Waiting
from bot.services.merging.syncing import Syncing
from bot.services.planning.plan_storage import PlanStorage
from bot.services.planning.planning import Planning
from bot.services.planning.release_sources import ReleaseSources
from bot.services.planning.sealed_plans import SealedPlans
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.recovery.interrupted_runs import InterruptedRuns
from bot.services.reporting.code_reports import CodeReports
from bot.services.reverting.checks import RevertChecks
from bot.services.reverting.plan_runs import PlanRuns
from bot.services.reverting.planning import RevertPlanning
from bot.services.reverting.pull_requests import RevertPulls
from bot.services.reverting.reports import RevertReports
from bot.services.reverting.requests import Reverting
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.terraform_jobs import Limits, TerraformJobs
from bot.services.stacks.releases import Sources
from bot.services.stacks.states import Snapshots
from bot.services.verification.verifying import Verifying


@dataclass(frozen=True)
class Runs:
    """Each service is built once, on first use."""

    adapters: Adapters
    services: Services

    @cached_property
    def jobs(self) -> TerraformJobs:
        adapters, settings = self.adapters, self.adapters.settings
        limits = Limits(
            plan_timeout=settings.plan_timeout_seconds, apply_timeout=settings.apply_timeout_seconds
        )
        return TerraformJobs(
            records=adapters.records, credentials=adapters.credentials, logs=adapters.logs, limits=limits
        )

    @cached_property
    def sources(self) -> Sources:
        return Sources(objects=self.adapters.sealed)

    @cached_property
    def sealed_plans(self) -> SealedPlans:
        return SealedPlans(objects=self.adapters.sealed)

    @cached_property
    def snapshots(self) -> Snapshots:
        adapters = self.adapters
        return Snapshots(states=adapters.stored_states, records=adapters.records, clock=adapters.clock)

    @cached_property
    def completion(self) -> RunCompletion:
        adapters = self.adapters
        return RunCompletion(records=adapters.records, logs=adapters.logs, clock=adapters.clock)

    @cached_property
    def interrupted_runs(self) -> InterruptedRuns:
        adapters = self.adapters
        return InterruptedRuns(
            records=adapters.records,
            workspace=adapters.workspace,
            snapshots=self.snapshots,
            completion=self.completion,
            errored_states=self.services.errored_states,
            patience=adapters.settings.orphan_wait_seconds,
        )

    @cached_property
    def planning(self) -> Planning:
        adapters = self.adapters
        return Planning(
            records=adapters.records,
            github=adapters.github,
            workspace=adapters.workspace,
            terraform=adapters.terraform,
            clock=adapters.clock,
            policies=self.services.policies,
            trees=self.services.trees,
            states=adapters.stored_states,
            credentials=adapters.credentials,
            jobs=self.jobs,
            keeping=self.plan_storage,
            owners=self.services.owners,
            existing=self.services.existing,
            completion=self.completion,
        )

    @cached_property
    def plan_storage(self) -> PlanStorage:
        adapters = self.adapters
        return PlanStorage(
            records=adapters.records,
            workspace=adapters.workspace,
            plans=self.sealed_plans,
            clock=adapters.clock,
            sources=self.sources,
            logs=adapters.logs,
        )

    @cached_property
    def plan_runs(self) -> PlanRuns:
        adapters = self.adapters
        return PlanRuns(
            records=adapters.records,
            planning=self.planning,
            revert_planning=RevertPlanning(
                records=adapters.records,
                planning=self.planning,
                sources=self.sources,
                releases=ReleaseSources(
                    sources=self.sources, trees=self.services.trees, workspace=adapters.workspace
                ),
                history=adapters.workspace,
            ),
        )

    @cached_property
    def reverting(self) -> Reverting:
        adapters = self.adapters
        return Reverting(
            records=adapters.records,
            states=adapters.stored_states,
            sources=self.sources,
            clock=adapters.clock,
        )

    @cached_property
    def restores(self) -> Restores:
        return Restores(
            adapters=self.adapters,
            services=self.services,
            completion=self.completion,
            snapshots=self.snapshots,
        )

    @cached_property
    def revert_checks(self) -> RevertChecks:
        return RevertChecks(
            records=self.adapters.records,
            planning=self.planning,
            sources=self.sources,
            verifying=self.verifying,
        )

    @cached_property
    def revert_reports(self) -> RevertReports:
        adapters = self.adapters
        return RevertReports(
            records=adapters.records,
            github=adapters.github,
            reporting=self.services.reporting,
            plan_comments=self.services.plan_comments,
            clock=adapters.clock,
            pulls=RevertPulls(
                records=adapters.records,
                github=adapters.github,
                opener=adapters.github,
                workspace=adapters.workspace,
                branches=adapters.workspace,
            ),
        )

    @cached_property
    def changes(self) -> Changes:
        adapters = self.adapters
        return Changes(
            records=adapters.records,
            workspace=adapters.workspace,
            history=adapters.workspace,
            terraform=adapters.terraform,
            plans=self.sealed_plans,
            jobs=self.jobs,
            snapshots=self.snapshots,
            interrupted_runs=self.interrupted_runs,
            completion=self.completion,
        )

    @cached_property
    def applying(self) -> Applying:
        adapters = self.adapters
        return Applying(
            records=adapters.records,
            workspace=adapters.workspace,
            changes=self.changes,
            plans=self.sealed_plans,
            artifacts=adapters.sealed,
            judging=self.services.judging,
            sources=self.sources,
            owners=self.services.owners,
            completion=self.completion,
            logs=adapters.logs,
        )

    @cached_property
    def destroying(self) -> Destroying:
        adapters = self.adapters
        return Destroying(
            records=adapters.records,
            github=adapters.github,
            workspace=adapters.workspace,
            changes=self.changes,
            plans=self.sealed_plans,
            policies=self.services.policies,
            owners=self.services.owners,
            existing=self.services.existing,
            completion=self.completion,
            logs=adapters.logs,
        )

    @cached_property
    def verifying(self) -> Verifying:
        adapters = self.adapters
        return Verifying(
            records=adapters.records,
            github=adapters.github,
            policies=self.services.policies,
            states=adapters.stored_states,
            sources=self.sources,
            workspace=adapters.workspace,
            terraform=adapters.terraform,
            probes=NetworkProbes(allowed=adapters.settings.verify_networks, clock=adapters.clock),
            credentials=adapters.credentials,
            jobs=self.jobs,
            logs=adapters.logs,
            completion=self.completion,
            clock=adapters.clock,
        )

    @cached_property
    def syncing(self) -> Syncing:
        adapters = self.adapters
        return Syncing(
            records=adapters.records,
            policies=self.services.policies,
            planning=self.planning,
            applying=self.applying,
            completion=self.completion,
            clock=adapters.clock,
        )

    @cached_property
    def waiting(self) -> Waiting:
        adapters, services = self.adapters, self.services
        return Waiting(
            records=adapters.records,
            github=adapters.github,
            run_requests=services.run_requests,
            policies=services.policies,
            poster=services.poster,
            plan_comments=services.plan_comments,
            clock=adapters.clock,
            start_sync=self.syncing.start_next,
        )

    @cached_property
    def side_runs(self) -> SideRuns:
        return SideRuns(
            self.adapters,
            self.services,
            jobs=self.jobs,
            completion=self.completion,
            sources=self.sources,
        )

    @cached_property
    def code_reports(self) -> CodeReports:
        adapters = self.adapters
        services = self.services
        return CodeReports(
            github=adapters.github, records=adapters.records, checks=services.check_runs, links=services.links
        )

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(records=self.adapters.records, clock=self.adapters.clock)
