"""The suite's REST interface, as far as a run needs it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from tests.conformance_rp.surroundings import Surroundings

_TIMEOUT_SECONDS = 60.0
_LONG_POLL_SECONDS = 30

LogEntry = dict[str, Any]


class SuiteRefused(RuntimeError):
    """The suite answered otherwise than expected."""


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """A module of a plan, with the variant that the plan fixes."""

    name: str
    variant: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that the suite has made."""

    plan_id: str
    modules: tuple[PlannedModule, ...]


class Suite:
    """A client of one running suite."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._http = httpx2.Client(
            base_url=surroundings.suite, verify=surroundings.trust(), timeout=_TIMEOUT_SECONDS, trust_env=False
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
        query = {"planName": name, "variant": json.dumps(variant)}
        made = self._call("POST", "/api/plan", params=query, json=config)
        modules = (PlannedModule(each["testModule"], each.get("variant") or {}) for each in made["modules"])
        return Plan(made["id"], tuple(modules))

    def make_test(self, plan: Plan, module: PlannedModule) -> str:
        """Begin a module of the plan and return the test's id."""
        query = {"test": module.name, "plan": plan.plan_id, "variant": json.dumps(dict(module.variant))}
        made = self._call("POST", "/api/runner", params=query, headers={"content-type": "application/json"})
        return str(made["id"])

    def await_state(self, test_id: str, *states: str) -> str:
        """Wait until the test is in one of the states, or a while, and return the state that it is in."""
        query = {"states": ",".join(states), "timeoutMs": _LONG_POLL_SECONDS * 1000}
        self._call("GET", f"/api/runner/{test_id}/wait-state", params=query)
        return self.verdict(test_id)[0]

    def verdict(self, test_id: str) -> tuple[str, str]:
        """Return the test's status and its result so far."""
        info = self._call("GET", f"/api/info/{test_id}")
        return str(info.get("status")), str(info.get("result"))

    def stop(self, test_id: str) -> None:
        """Stop a test that does not end by itself."""
        self._call("DELETE", f"/api/runner/{test_id}")

    def log(self, test_id: str) -> list[LogEntry]:
        """Return all entries of the test's log."""
        entries: list[LogEntry] = self._call("GET", f"/api/log/{test_id}")
        return entries

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        if answer.status_code >= 300:
            raise SuiteRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None
