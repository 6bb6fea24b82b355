"""What the driver reads out of a log and makes of it; no suite is needed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance import expected
from tests.conformance.expected import Expectation, explain, unexplained
from tests.conformance.pictures import CONFIRM, CONSENT, ERROR, LOGGED_OUT, LOGIN, wanted_picture
from tests.conformance.plans import PlannedRun, choose_registration, planned_runs, select_runs
from tests.conformance.report import Report, render_document, render_report, write_report
from tests.conformance.results import ModuleResult, read_findings, read_outcome
from tests.conformance.suite import LogEntry
from tests.conformance.surroundings import MissingSurroundings, read_surroundings

LOG: list[LogEntry] = [
    {"src": "-START-BLOCK-", "startBlock": True, "blockId": "b1", "msg": "Userinfo endpoint tests"},
    {"src": "CallProtectedResource", "result": "SUCCESS", "msg": "fine", "blockId": "b1"},
    {"src": "EnsureHttpStatusCodeIs4xx", "result": "WARNING", "msg": "was 200", "blockId": "b1", "http_status": 200},
    {"src": "CheckState", "result": "FAILURE", "msg": "no state", "requirements": ["OIDCC-3.1.2.6"]},
]
FACTS = {"suite": "5.2.4, commit 12f2a4d", "provider": "commit abc", "date": "2026-11-25"}


def result(module: str = "oidcc-server", outcome: str = "PASSED", **more: object) -> ModuleResult:
    """Return a module's result."""
    variant: Mapping[str, str] = {"response_type": "code"}
    fields = {"plan": "a-plan", "plan_variant": {}, "variant": variant, "seconds": 1.0} | more
    return ModuleResult(module=module, outcome=outcome, **fields)  # type: ignore[arg-type]


def test_findings_keep_block_and_details() -> None:
    """Warnings and failures come with where they stand and what was seen; successes do not."""
    warning, failure = read_findings(LOG)
    assert (warning.severity, warning.block, warning.details) == (
        "WARNING",
        "Userinfo endpoint tests",
        {"http_status": "200"},
    )
    assert (str(failure), failure.requirements, failure.block) == ("CheckState: no state", ("OIDCC-3.1.2.6",), "")


@pytest.mark.parametrize(
    ("status", "verdict", "outcome"),
    [
        ("FINISHED", "PASSED", "PASSED"),
        ("FINISHED", "REVIEW", "REVIEW"),
        ("INTERRUPTED", "FAILED", "FAILED"),
        ("INTERRUPTED", "WARNING", "INTERRUPTED"),
        ("FINISHED", "UNKNOWN", "INTERRUPTED"),
    ],
)
def test_status_and_result_become_one_word(status: str, verdict: str, outcome: str) -> None:
    """A test that was cut short is never taken for one that passed."""
    assert read_outcome(status, verdict) == outcome


@pytest.mark.parametrize(
    ("condition", "pages", "is_the_end"),
    [
        ("ExpectSecondLoginPage", {LOGIN}, False),
        ("ExpectLoginPageWithLogo", {LOGIN, CONSENT}, True),
        ("ExpectSuccessfulLogoutPage", {LOGGED_OUT}, True),
        ("ExpectRedirectUriErrorPage", {ERROR, CONFIRM}, True),
    ],
)
def test_the_picture_is_taken_on_its_page(condition: str, pages: set[str], is_the_end: bool) -> None:
    """The condition that made the placeholder says which page is wanted."""
    log: list[LogEntry] = [{"src": condition, "upload": "x1"}]
    wanted = wanted_picture(log)
    assert wanted is not None
    assert (wanted.placeholder, set(wanted.pages), wanted.is_the_end) == ("x1", pages, is_the_end)


def test_a_link_must_be_on_the_page_to_be_pictured() -> None:
    """The link is the one that the client registered, the logo whatever picture the card has."""
    registered = {"dynamic_registration_request": {"client_name": "x", "policy_uri": "https://rp.example/policy"}}
    link = wanted_picture([registered, {"src": "ExpectLoginPageWithPolicyLink", "upload": "x1"}])
    logo = wanted_picture([registered, {"src": "ExpectLoginPageWithLogo", "upload": "x1"}])
    assert link is not None
    assert logo is not None
    assert (link.element, logo.element) == ('a[href="https://rp.example/policy"]', "main img")


def test_a_picture_that_is_there_is_not_wanted() -> None:
    """A placeholder that was filled asks for nothing."""
    assert wanted_picture([{"src": "ExpectSecondLoginPage", "img": "data:image/png;base64,"}]) is None


def test_only_what_has_a_reason_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A skip with a reason passes a run; an unknown warning, a failure and an interruption do not."""
    meant = Expectation(module="oidcc-idtoken-unsigned", outcome="SKIPPED", reason="not offered")
    monkeypatch.setattr(expected, "EXPECTED", (meant,))
    skipped = result("oidcc-idtoken-unsigned", "SKIPPED")
    assert explain(result()) == ""
    assert explain(skipped)
    others = [result(outcome=outcome) for outcome in ("WARNING", "FAILED", "INTERRUPTED", "SKIPPED")]
    assert unexplained([result(), skipped, *others]) == others


def test_static_clients_leave_out_what_needs_registration() -> None:
    """Without dynamic registration its plans are marked with the reason, and so are methods that are not offered."""
    metadata = {"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}
    assert choose_registration(None, metadata) == "static"
    assert choose_registration(None, {"registration_endpoint": "https://op.example/register"}) == "dynamic"
    runs = planned_runs("static", metadata)
    assert len(runs) == 23
    ready = {(run.short_name, run.variant.get("client_auth_type")) for run in runs if not run.skip_reason}
    assert ("dynamic", None) not in ready
    assert ("test", "client_secret_basic") in ready
    assert ("test", "private_key_jwt") not in ready
    assert not [run for run in planned_runs("dynamic", metadata) if run.short_name == "dynamic" and run.skip_reason]


def test_plans_are_chosen_by_either_name() -> None:
    """The suite's name and the short one name the same plan; any other is refused."""
    runs = [PlannedRun(short_name="basic"), PlannedRun(short_name="test")]
    assert select_runs(runs, ["basic"]) == select_runs(runs, ["oidcc-basic-certification-test-plan"]) == runs[:1]
    assert select_runs(runs, ["oidcc-test-plan"]) == runs[1:]
    with pytest.raises(ValueError, match="no plan is called advanced"):
        select_runs(runs, ["advanced"])


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    """JSON loses nothing; a later run replaces the same module's result."""
    report = Report(FACTS, (result(outcome="FAILED", findings=read_findings(LOG)), result("oidcc-other")))
    write_report(report, tmp_path / "report.md")
    again = Report.read(tmp_path / "report.json")
    assert again == report
    merged = again.merged(Report(FACTS, (result(),)))
    assert [each.outcome for each in merged.results] == ["PASSED", "PASSED"]


def test_the_pages_name_what_did_not_pass() -> None:
    """Both pages count and give reasons; cells cannot break the table."""
    failed = result(outcome="FAILED", notes=("a | b\nc",))
    report = Report(FACTS, (result("oidcc-other"), failed))
    for page in (render_report(report), render_document(report)):
        assert "**2 modules: 1 PASSED, 1 FAILED.**" in page
        assert "a \\| b c" in page


def test_what_is_missing_is_named_at_once() -> None:
    """All variables that are not set are told together."""
    with pytest.raises(MissingSurroundings, match=r"CONFORMANCE_SUITE is not set; .*CONFORMANCE_TLS_KEY is not set"):
        read_surroundings({})
