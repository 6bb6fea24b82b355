"""Running modules one after the other: what the suite asks for is done until it says that it has finished."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from playwright.sync_api import Browser
from playwright.sync_api import Error as BrowserFault

from tests.conformance.browser import fresh_context
from tests.conformance.clients import plan_config
from tests.conformance.pictures import DELIVERED, WantedPicture, wanted_picture
from tests.conformance.plans import PlannedRun
from tests.conformance.provider import Provider
from tests.conformance.results import (
    INTERRUPTED,
    SKIPPED,
    ModuleResult,
    read_findings,
    read_outcome,
    read_skip_reason,
)
from tests.conformance.suite import ALL_MODULES, Errand, Plan, PlannedModule, Suite, SuiteRefused
from tests.conformance.visits import Visit, Visitor

_POLL_SECONDS = 0.25
# The suite looks for uploaded pictures at growing intervals, the longest 30 seconds; nothing legitimate takes longer.
_IDLE_SECONDS = 75.0
# A visit that ended neither at the suite nor with a picture leads nowhere any more.
_LOST_SECONDS = 8.0
_WAITS_FOR_OPERATOR = "oidcc-server-rotate-keys"
_OVER = ("FINISHED", "INTERRUPTED")
# What may go wrong with one module and leave the others their chance.
_FAULTS = (SuiteRefused, RuntimeError, OSError, httpx2.HTTPError, BrowserFault)


@dataclass(slots=True)
class _Attempt:
    """One test under way."""

    test_id: str
    notes: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    last_move: float = field(default_factory=time.monotonic)
    patience_seconds: float = _IDLE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """All that a run needs; one browser, one provider, one suite."""

    suite: Suite
    suite_origin: str
    provider: Provider
    browser: Browser
    folder: Path
    module_seconds: float
    module_filter: str = ""
    say: Callable[[str], None] = print

    def run(self, planned: PlannedRun, alias: str) -> Iterator[ModuleResult]:
        """Run all modules of a plan and yield their results as they come."""
        if planned.skip_reason:
            yield _not_run(planned, SKIPPED, planned.skip_reason)
            return
        try:
            config = plan_config(self.provider, self.suite_origin, planned, alias)
            plan = self.suite.make_plan(planned.plan_name, planned.variant, config)
        except _FAULTS as fault:
            yield _not_run(planned, INTERRUPTED, str(fault))
            return
        for module in plan.modules:
            if self.module_filter in module.name:
                yield self._try_module(planned, plan, module)

    def _try_module(self, planned: PlannedRun, plan: Plan, module: PlannedModule) -> ModuleResult:
        try:
            return self._run_module(planned, plan, module)
        except _FAULTS as fault:
            return _not_run(planned, INTERRUPTED, f"the driver failed: {fault}", module)

    def _run_module(self, planned: PlannedRun, plan: Plan, module: PlannedModule) -> ModuleResult:
        began = time.monotonic()
        attempt = _Attempt(self.suite.make_test(plan, module))
        with fresh_context(self.browser) as context:
            visitor = Visitor(
                context=context,
                suite=self.suite_origin,
                password=self.provider.password,
                keep=lambda wanted, png: self._keep(attempt, module, wanted, png),
            )
            finished = self._drive(attempt, module, visitor, began + self.module_seconds)
        status, result = self.suite.state(attempt.test_id)
        log = self.suite.log(attempt.test_id)
        outcome = read_outcome(status, result) if finished else INTERRUPTED
        notes = [*attempt.notes, *attempt.pictures]
        if outcome == SKIPPED:
            notes.append(read_skip_reason(log))
        return ModuleResult(
            plan=planned.plan_name,
            plan_variant=planned.variant,
            module=module.name,
            variant=module.variant,
            outcome=outcome,
            seconds=round(time.monotonic() - began, 1),
            test_id=attempt.test_id,
            findings=read_findings(log),
            notes=tuple(filter(None, notes)),
        )

    def _drive(self, attempt: _Attempt, module: PlannedModule, visitor: Visitor, deadline: float) -> bool:
        """Do what the module asks for; return whether it came to its own end."""
        started = False
        while True:
            status, _ = self.suite.state(attempt.test_id)
            if status in _OVER:
                return True
            if status == "CONFIGURED" and module.name == _WAITS_FOR_OPERATOR and not started:
                started = True
                self.provider.rotate_keys()
                self.suite.start(attempt.test_id)
            if status == "RUNNING" or self._do_errands(attempt, visitor):
                attempt.last_move = time.monotonic()
            if time.monotonic() > min(deadline, attempt.last_move + attempt.patience_seconds):
                attempt.notes.append(f"stopped in {status} after no further progress")
                self.suite.stop(attempt.test_id)
                return False
            time.sleep(_POLL_SECONDS)

    def _do_errands(self, attempt: _Attempt, visitor: Visitor) -> bool:
        errands = self.suite.errands(attempt.test_id)
        for errand in errands:
            wanted = wanted_picture(self.suite.log(attempt.test_id))
            self.suite.mark_visited(attempt.test_id, errand)
            self._do_errand(attempt, visitor, errand, wanted)
        return bool(errands)

    def _do_errand(self, attempt: _Attempt, visitor: Visitor, errand: Errand, wanted: WantedPicture | None) -> None:
        try:
            visit = visitor.visit(errand, wanted)
        except BrowserFault as fault:
            attempt.notes.append(f"the browser failed at {errand.url}: {fault.message.splitlines()[0]}")
            attempt.patience_seconds = _LOST_SECONDS
            return
        if visit.pictured:
            attempt.pictures.append(f"screenshot of “{visit.pictured}”")
        elif visit.page != DELIVERED:
            attempt.notes.append(_where(visit) + (" without the picture that is wanted" if wanted else ""))
            attempt.patience_seconds = _LOST_SECONDS

    def _keep(self, attempt: _Attempt, module: PlannedModule, wanted: WantedPicture, png: bytes) -> None:
        self.suite.upload(attempt.test_id, wanted.placeholder, png)
        (self.folder / f"{module.name}-{attempt.test_id}.png").write_bytes(png)


def _where(visit: Visit) -> str:
    return f"the browser ended on “{visit.heading}” ({visit.page}) at {visit.url.split('?')[0]}"


def _not_run(planned: PlannedRun, outcome: str, reason: str, module: PlannedModule = ALL_MODULES) -> ModuleResult:
    return ModuleResult(
        plan=planned.plan_name,
        plan_variant=planned.variant,
        module=module.name,
        variant=module.variant,
        outcome=outcome,
        seconds=0.0,
        notes=(reason,),
    )
