"""Running modules one after the other, each with a fresh Shop and a fresh browser."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.conformance_rp.browser import Browser
from tests.conformance_rp.journeys import Unexpected, journey_of
from tests.conformance_rp.plans import EXPECTED, PlannedRun, plan_config
from tests.conformance_rp.results import FAILED, ModuleResult, complaints, logout_answers, meant_outcome
from tests.conformance_rp.shop import running_shop
from tests.conformance_rp.suite import Plan, PlannedModule, Suite
from tests.conformance_rp.surroundings import Surroundings

_OVER = ("FINISHED", "INTERRUPTED")


@dataclass(frozen=True, slots=True)
class Runner:
    """All that a run needs. The client secret is made for the run and kept in `folder`."""

    surroundings: Surroundings
    suite: Suite
    folder: Path

    def run(self, planned: PlannedRun, module_filter: str) -> Iterator[ModuleResult]:
        """Run the modules of a plan whose names contain the filter, and yield their results as they come."""
        secret_file = self.folder / "client.secret"
        secret_file.touch(mode=0o600)
        secret_file.write_text(secrets.token_urlsafe(32))
        config = plan_config(self.surroundings, secret_file.read_text())
        plan = self.suite.make_plan(planned.name, planned.variant, config)
        for module in plan.modules:
            if module_filter in module.name:
                yield self._run_module(planned, plan, module, secret_file)

    def _run_module(self, planned: PlannedRun, plan: Plan, module: PlannedModule, secret_file: Path) -> ModuleResult:
        began = time.monotonic()
        with running_shop(self.surroundings, secret_file):
            test_id = self.suite.make_test(plan, module)
            notes, as_it_should = self._drive(module, test_id)
        status, result = self.suite.verdict(test_id)
        outcome = result if status == "FINISHED" or result == FAILED else status
        if not as_it_should and outcome == meant_outcome(module.name):
            outcome = FAILED
        if module.name in EXPECTED and outcome == meant_outcome(module.name):
            notes.append(EXPECTED[module.name][1])
        log = self.suite.log(test_id)
        return ModuleResult(
            plan=planned.short,
            module=module.name,
            outcome=outcome,
            reason="; ".join((*notes, *logout_answers(log), *complaints(log))),
            seconds=round(time.monotonic() - began, 1),
            test_id=test_id,
        )

    def _drive(self, module: PlannedModule, test_id: str) -> tuple[list[str], bool]:
        """Play the person's part and wait for the end; what was seen, and whether it was as it should be."""
        state = self.suite.await_state(test_id, "WAITING", *_OVER)
        if state != "WAITING":
            return [f"the test did not begin but was {state}"], False
        with Browser(self.surroundings) as browser:
            try:
                notes, as_it_should = [journey_of(module.name)(browser)], True
            except (Unexpected, httpx2.HTTPError) as fault:
                notes, as_it_should = [f"the Shop: {fault}"], False
        if self.suite.await_state(test_id, *_OVER) not in _OVER:
            notes.append("stopped, since the suite still waited for something")
            self.suite.stop(test_id)
        return notes, as_it_should
