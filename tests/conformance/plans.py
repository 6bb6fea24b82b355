"""The plans of OpenID Connect for providers, in the variants that we answer for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Registration = Literal["static", "dynamic"]

RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
AUTHENTICATION_METHODS = ("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
_CORE = ("basic", "implicit", "hybrid", "formpost-basic", "formpost-implicit", "formpost-hybrid")
_LOGOUT = ("rp-initiated-logout", "session-management", "frontchannel-rp-initiated-logout")
_BACKCHANNEL = "backchannel-rp-initiated-logout"
# The operator's command line knows no client that signs with its secret: that method is for registered clients alone.
_DYNAMIC_ONLY_METHODS = ("client_secret_jwt",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One plan in one variant; `skip_reason` says why it cannot run here."""

    short_name: str
    variant: Mapping[str, str] = field(default_factory=dict)
    authentication_method: str = "client_secret_basic"
    skip_reason: str = ""

    @property
    def plan_name(self) -> str:
        """The suite's name of the plan."""
        return plan_name(self.short_name)

    @property
    def is_dynamic(self) -> bool:
        """Whether its clients register themselves."""
        only_so = self.short_name in {"dynamic", "3rdparty-init-login"}
        return only_so or self.variant.get("client_registration") == "dynamic_client"


def plan_name(short_name: str) -> str:
    """Return the suite's name of a plan."""
    return "oidcc-test-plan" if short_name == "test" else f"oidcc-{short_name}-certification-test-plan"


def choose_registration(wish: Registration | None, metadata: Mapping[str, Any]) -> Registration:
    """Return how clients are made: as wished, or dynamically where the provider offers it."""
    return wish or ("dynamic" if "registration_endpoint" in metadata else "static")


def planned_runs(registration: Registration, metadata: Mapping[str, Any]) -> list[PlannedRun]:
    """Return all runs in their order, those that this provider cannot do marked with the reason."""
    clients = {"client_registration": f"{registration}_client"}
    discovered = {"server_metadata": "discovery"} | clients
    code = clients | {"response_type": "code"}
    no_registration = "" if registration == "dynamic" else "the plan wants dynamic registration"
    runs = [PlannedRun(short_name="config")]
    runs += [PlannedRun(short_name=name, variant=discovered) for name in _CORE]
    runs += [
        PlannedRun(short_name="dynamic", variant={"response_type": each}, skip_reason=no_registration)
        for each in RESPONSE_TYPES
    ]
    runs.append(
        PlannedRun(short_name="3rdparty-init-login", variant={"response_type": "code"}, skip_reason=no_registration)
    )
    runs += [PlannedRun(short_name=name, variant=code) for name in (*_LOGOUT, _BACKCHANNEL)]
    supported = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    runs += [_method_run(method, code, registration, supported) for method in AUTHENTICATION_METHODS]
    return runs


def select_runs(runs: Sequence[PlannedRun], names: Sequence[str]) -> list[PlannedRun]:
    """Return the runs of the named plans (the suite's name or the short one). Raises ValueError for an unknown name."""
    known = {run.short_name for run in runs} | {run.plan_name for run in runs}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no plan is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [run for run in runs if not names or run.short_name in names or run.plan_name in names]


def _method_run(
    method: str, variant: Mapping[str, str], registration: Registration, supported: Sequence[str]
) -> PlannedRun:
    reason = ""
    if method not in supported:
        reason = f"token_endpoint_auth_methods_supported does not list {method}"
    elif registration == "static" and method in _DYNAMIC_ONLY_METHODS:
        reason = f"only a client that registers itself can have {method}"
    chosen = {**variant, "client_auth_type": method, "response_mode": "default"}
    return PlannedRun(short_name="test", variant=chosen, authentication_method=method, skip_reason=reason)
