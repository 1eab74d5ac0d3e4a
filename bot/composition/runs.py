"""The services that carry out runs and what follows from their ends, each said once: what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.probes import NetworkProbes
from bot.composition.beside import Beside
from bot.composition.outside import Outside
from bot.composition.restores import Restores
from bot.composition.services import LOGIN, Services
from bot.services.applying import Applying
from bot.services.changing import Changing
from bot.services.code_reports import CodeReports
from bot.services.destroy_reports import DestroyReports
from bot.services.destroying import Destroying
from bot.services.endings import Endings
from bot.services.interruptions import Interruptions
from bot.services.jobs import Limits
from bot.services.losses import Losses
from bot.services.plan_keeping import PlanKeeping
from bot.services.plan_runs import PlanRuns
from bot.services.planning import Planning
from bot.services.release_sources import ReleaseSources
from bot.services.releasing import Sources
from bot.services.revert_checks import RevertChecks
from bot.services.revert_planning import RevertPlanning
from bot.services.revert_pulls import RevertPulls
from bot.services.revert_reports import RevertReports
from bot.services.reverting import Reverting
from bot.services.sequence_reports import SequenceReports
from bot.services.states import Snapshots
from bot.services.syncing import Syncing
from bot.services.verify_reports import VerifyReports
from bot.services.verifying import Verifying
from bot.services.waiting import Waiting


@dataclass(frozen=True)
class Runs:
    """Each is built when it is first asked for, and once."""

    outside: Outside
    services: Services

    @cached_property
    def limits(self) -> Limits:
        settings = self.outside.settings
        return Limits(
            plan_timeout=settings.plan_timeout_seconds, apply_timeout=settings.apply_timeout_seconds
        )

    @cached_property
    def sources(self) -> Sources:
        o = self.outside
        return Sources(artifacts=o.artifacts, cipher=o.cipher)

    @cached_property
    def snapshots(self) -> Snapshots:
        o = self.outside
        return Snapshots(states=o.stored_states, records=o.records, clock=o.clock)

    @cached_property
    def endings(self) -> Endings:
        o = self.outside
        return Endings(records=o.records, logs=o.logs, clock=o.clock)

    @cached_property
    def interruptions(self) -> Interruptions:
        o = self.outside
        return Interruptions(
            records=o.records,
            workspace=o.workspace,
            snapshots=self.snapshots,
            endings=self.endings,
            rescues=self.services.rescues,
            patience=o.settings.orphan_wait_seconds,
        )

    @cached_property
    def planning(self) -> Planning:
        o = self.outside
        return Planning(
            records=o.records,
            github=o.github,
            workspace=o.workspace,
            terraform=o.terraform,
            clock=o.clock,
            policies=self.services.policies,
            trees=self.services.trees,
            states=o.stored_states,
            credentials=o.credentials,
            logs=o.logs,
            limits=self.limits,
            keeping=self.plan_keeping,
            owners=self.services.owners,
            existing=self.services.existing,
        )

    @cached_property
    def plan_keeping(self) -> PlanKeeping:
        o = self.outside
        return PlanKeeping(
            records=o.records,
            workspace=o.workspace,
            artifacts=o.artifacts,
            cipher=o.cipher,
            clock=o.clock,
            sources=self.sources,
            logs=o.logs,
        )

    @cached_property
    def plan_runs(self) -> PlanRuns:
        o = self.outside
        return PlanRuns(
            records=o.records,
            planning=self.planning,
            revert_planning=RevertPlanning(
                records=o.records,
                planning=self.planning,
                sources=self.sources,
                releases=ReleaseSources(
                    sources=self.sources, trees=self.services.trees, workspace=o.workspace
                ),
                history=o.workspace,
            ),
        )

    @cached_property
    def reverting(self) -> Reverting:
        o = self.outside
        return Reverting(records=o.records, states=o.stored_states, sources=self.sources, clock=o.clock)

    @cached_property
    def restores(self) -> Restores:
        return Restores(
            outside=self.outside, services=self.services, endings=self.endings, snapshots=self.snapshots
        )

    @cached_property
    def revert_checks(self) -> RevertChecks:
        return RevertChecks(
            records=self.outside.records,
            planning=self.planning,
            sources=self.sources,
            verifying=self.verifying,
        )

    @cached_property
    def revert_reports(self) -> RevertReports:
        o = self.outside
        return RevertReports(
            records=o.records,
            github=o.github,
            reporting=self.services.reporting,
            plan_comments=self.services.plan_comments,
            clock=o.clock,
            pulls=RevertPulls(
                records=o.records,
                github=o.github,
                opener=o.github,
                workspace=o.workspace,
                branches=o.workspace,
            ),
        )

    @cached_property
    def applying(self) -> Applying:
        o = self.outside
        return Applying(
            records=o.records,
            workspace=o.workspace,
            history=o.workspace,
            terraform=o.terraform,
            artifacts=o.artifacts,
            cipher=o.cipher,
            clock=o.clock,
            judging=self.services.judging,
            snapshots=self.snapshots,
            sources=self.sources,
            owners=self.services.owners,
            credentials=o.credentials,
            endings=self.endings,
            interruptions=self.interruptions,
            logs=o.logs,
            limits=self.limits,
        )

    @cached_property
    def destroying(self) -> Destroying:
        o = self.outside
        return Destroying(
            records=o.records,
            github=o.github,
            workspace=o.workspace,
            history=o.workspace,
            terraform=o.terraform,
            artifacts=o.artifacts,
            cipher=o.cipher,
            clock=o.clock,
            policies=self.services.policies,
            snapshots=self.snapshots,
            owners=self.services.owners,
            existing=self.services.existing,
            credentials=o.credentials,
            endings=self.endings,
            interruptions=self.interruptions,
            logs=o.logs,
            limits=self.limits,
        )

    @cached_property
    def verifying(self) -> Verifying:
        o = self.outside
        return Verifying(
            records=o.records,
            github=o.github,
            policies=self.services.policies,
            states=o.stored_states,
            sources=self.sources,
            workspace=o.workspace,
            terraform=o.terraform,
            probes=NetworkProbes(allowed=o.settings.verify_networks, clock=o.clock),
            credentials=o.credentials,
            logs=o.logs,
            clock=o.clock,
        )

    @cached_property
    def syncing(self) -> Syncing:
        o = self.outside
        return Syncing(
            records=o.records,
            policies=self.services.policies,
            planning=self.planning,
            applying=self.applying,
            endings=self.endings,
            clock=o.clock,
        )

    @cached_property
    def waiting(self) -> Waiting:
        o, s = self.outside, self.services
        return Waiting(
            records=o.records,
            github=o.github,
            requesting=s.requesting,
            policies=s.policies,
            poster=s.poster,
            plan_comments=s.plan_comments,
            clock=o.clock,
            start_sync=self.syncing.start_next,
            login=LOGIN,
        )

    @cached_property
    def changing(self) -> Changing:
        o, s = self.outside, self.services
        return Changing(
            records=o.records,
            applying=self.applying,
            verifying=self.verifying,
            destroying=self.destroying,
            reporting=s.reporting,
            sequence_reports=SequenceReports(records=o.records, github=o.github, poster=s.poster),
            destroy_reports=DestroyReports(
                records=o.records,
                github=o.github,
                poster=s.poster,
                deployments=s.deployments,
                plan_comments=s.plan_comments,
                links=s.links,
            ),
            verify_reports=VerifyReports(
                records=o.records,
                github=o.github,
                poster=s.poster,
                plan_comments=s.plan_comments,
                links=s.links,
            ),
            revert_checks=self.revert_checks,
            revert_reports=self.revert_reports,
            syncing=self.syncing,
            waiting=self.waiting,
            closeouts=s.closeouts,
            rescues=s.rescues,
            drifting=self.beside.drifting,
            drift_reports=self.beside.drift_reports,
            refreshing=self.beside.refreshing,
            refresh_reports=self.beside.refresh_reports,
            restore_runs=self.restores.runs,
            restore_reports=self.restores.reports,
        )

    @cached_property
    def beside(self) -> Beside:
        return Beside(
            self.outside,
            self.services,
            limits=self.limits,
            endings=self.endings,
            sources=self.sources,
        )

    @cached_property
    def code_reports(self) -> CodeReports:
        o = self.outside
        return CodeReports(github=o.github, records=o.records)

    @cached_property
    def losses(self) -> Losses:
        return Losses(records=self.outside.records, clock=self.outside.clock)
