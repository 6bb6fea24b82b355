"""The suite's REST interface, as far as a run needs it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from tests.conformance.surroundings import Surroundings

_TIMEOUT_SECONDS = 30.0
# What the suite accepts of one picture (bytes, before encoding).
PICTURE_LIMIT = 500 * 1024

LogEntry = dict[str, Any]


class SuiteRefused(RuntimeError):
    """The suite answered otherwise than expected."""


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """A module of a plan, with the part of the variant that the plan itself fixes."""

    name: str
    variant: Mapping[str, str]


# Stands for the modules of a plan that was not made.
ALL_MODULES = PlannedModule("(all modules)", {})


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that the suite has made."""

    plan_id: str
    modules: tuple[PlannedModule, ...]


@dataclass(frozen=True, slots=True)
class Errand:
    """A URL that a module wants a browser to visit."""

    url: str
    method: str


class Suite:
    """A client of one running suite."""

    def __init__(self, surroundings: Surroundings) -> None:
        headers = {"authorization": f"Bearer {surroundings.token}"} if surroundings.token else {}
        self._http = httpx2.Client(
            base_url=surroundings.suite,
            verify=surroundings.trust(),
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            transport=httpx2.HTTPTransport(verify=surroundings.trust(), retries=2),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def server(self) -> dict[str, Any]:
        """Return the suite's own version, revision and build time."""
        found: dict[str, Any] = self._call("GET", "/api/server")
        return found

    def make_plan(self, name: str, variant: Mapping[str, str], config: Mapping[str, Any]) -> Plan:
        """Make a plan and return its modules in their order."""
        query = {"planName": name} | ({"variant": json.dumps(variant)} if variant else {})
        made = self._call("POST", "/api/plan", params=query, json=config)
        modules = (PlannedModule(each["testModule"], each.get("variant") or {}) for each in made["modules"])
        return Plan(made["id"], tuple(modules))

    def make_test(self, plan: Plan, module: PlannedModule) -> str:
        """Begin a module of the plan and return the test's id."""
        query = {"test": module.name, "plan": plan.plan_id, "variant": json.dumps(dict(module.variant))}
        made = self._call("POST", "/api/runner", params=query, headers={"content-type": "application/json"})
        return str(made["id"])

    def start(self, test_id: str) -> None:
        """Let a module go on that waits for its operator."""
        self._call("POST", f"/api/runner/{test_id}")

    def stop(self, test_id: str) -> None:
        """Stop a module that does not end by itself."""
        self._call("DELETE", f"/api/runner/{test_id}")

    def state(self, test_id: str) -> tuple[str, str]:
        """Return the test's status and its result so far."""
        info = self._call("GET", f"/api/info/{test_id}")
        return str(info.get("status")), str(info.get("result"))

    def errands(self, test_id: str) -> list[Errand]:
        """Return the URLs that still wait for a browser."""
        browser = self._call("GET", f"/api/runner/{test_id}").get("browser") or {}
        return [Errand(each["url"], each.get("method") or "GET") for each in browser.get("urlsWithMethod", ())]

    def mark_visited(self, test_id: str, errand: Errand) -> None:
        """Tell the suite that a browser is on its way."""
        self._call("POST", f"/api/runner/browser/{test_id}/visit", params={"url": errand.url})

    def log(self, test_id: str) -> list[LogEntry]:
        """Return all entries of the test's log."""
        entries: list[LogEntry] = self._call("GET", f"/api/log/{test_id}")
        return entries

    def upload(self, test_id: str, placeholder: str, png: bytes) -> None:
        """Put a picture in its placeholder."""
        if len(png) > PICTURE_LIMIT:
            raise SuiteRefused(f"a picture of {len(png)} bytes is larger than the suite takes")
        encoded = "data:image/png;base64," + base64.b64encode(png).decode()
        self._call(
            "POST",
            f"/api/log/{test_id}/images/{placeholder}",
            content=encoded,
            headers={"content-type": "text/plain;charset=UTF-8"},
        )

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        if method == "GET" and answer.status_code >= 500:
            # The suite may be changing what it is asked for, and fails to write it down.
            answer = self._http.request(method, path, **more)
        if answer.status_code >= 300:
            raise SuiteRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None
