"""A whole run: one provider, the chosen plans side by side, and a report that is up to date after every module."""

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.browser import running_browser
from tests.conformance.plans import PlannedRun, Registration, choose_registration, planned_runs, select_runs
from tests.conformance.provider import Provider, running_provider
from tests.conformance.report import Report, describe_surroundings, write_report
from tests.conformance.results import ModuleResult
from tests.conformance.runner import Runner
from tests.conformance.sources import describe_source, source_of
from tests.conformance.suite import Suite
from tests.conformance.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is to be run, where, and where the report goes."""

    surroundings: Surroundings
    plans: Sequence[str]
    module_filter: str
    registration: Registration | None
    revision: str | None
    report: Path
    jobs: int
    module_seconds: float


@dataclass(slots=True)
class _Book:
    """The results so far in the plans' order, whichever of them runs ahead."""

    facts: dict[str, str]
    path: Path
    by_run: dict[int, list[ModuleResult]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, number: int, result: ModuleResult) -> None:
        """Take a result in, say it, and write the report anew."""
        with self.lock:
            self.by_run.setdefault(number, []).append(result)
            print(
                f"{number:3} {result.outcome:11} {result.seconds:6.1f} s  {result.module}  {result.reason}", flush=True
            )
            write_report(Report(self.facts, tuple(self.results())), self.path)

    def results(self) -> list[ModuleResult]:
        """Return all results."""
        return [result for number in sorted(self.by_run) for result in self.by_run[number]]


def run_campaign(campaign: Campaign) -> list[ModuleResult]:
    """Run everything and return the results. Raises ValueError for a plan that is not there."""
    campaign.report.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signet-conformance-")))
        source = stack.enter_context(source_of(campaign.revision))
        with Suite(campaign.surroundings) as suite:
            facts = describe_surroundings(suite.server(), describe_source(campaign.revision))
        log = campaign.report.with_suffix(".provider.log")
        provider = stack.enter_context(running_provider(campaign.surroundings, source, home, log))
        metadata = provider.metadata()
        registration = choose_registration(campaign.registration, metadata)
        runs = select_runs(planned_runs(registration, metadata), campaign.plans)
        book = _Book(facts, campaign.report)
        workers = stack.enter_context(ThreadPoolExecutor(campaign.jobs))
        under_way = [workers.submit(_run_plan, campaign, provider, book, *each) for each in enumerate(runs, 1)]
        for each in under_way:
            each.result()
    return book.results()


def _run_plan(campaign: Campaign, provider: Provider, book: _Book, number: int, planned: PlannedRun) -> None:
    print(f"{number:3} {planned.plan_name} {dict(planned.variant)}", flush=True)
    folder = campaign.report.parent / "pictures"
    folder.mkdir(exist_ok=True)
    with Suite(campaign.surroundings) as suite, running_browser(campaign.surroundings) as browser:
        runner = Runner(
            suite=suite,
            suite_origin=campaign.surroundings.suite,
            provider=provider,
            browser=browser,
            folder=folder,
            module_seconds=campaign.module_seconds,
            module_filter=campaign.module_filter,
        )
        # The suite lets one test at a time have an alias, so each plan has its own.
        for result in runner.run(planned, f"signet-{number}-{int(time.time())}"):
            book.enter(number, result)
