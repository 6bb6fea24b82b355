"""What a plan is told of us: the provider, and the clients that it uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from tests.conformance.plans import RESPONSE_TYPES, PlannedRun
from tests.conformance.provider import Provider

_GRANT_TYPES = ("authorization_code", "implicit", "refresh_token")
# How long the suite waits after a client's key rotation before it uses the new key, in seconds.
_JWKS_REFRESH_DELAY = 3


def plan_config(provider: Provider, suite: str, run: PlannedRun, alias: str) -> dict[str, Any]:
    """Return the plan's configuration; makes the clients that the operator registers."""
    return {
        "alias": alias,
        "description": f"Signet, {run.short_name} {' '.join(run.variant.values())}".strip(),
        "server": {
            "discoveryUrl": f"{provider.issuer}/.well-known/openid-configuration",
            "jwks_refresh_delay": _JWKS_REFRESH_DELAY,
        },
        **(_self_registering() if run.is_dynamic else _registered(provider, f"{suite}/test/a/{alias}", run, alias)),
    }


def _self_registering() -> dict[str, Any]:
    return {"client": {"client_name": "Conformance"}, "client2": {"client_name": "Conformance, second"}}


def _registered(provider: Provider, base: str, run: PlannedRun, alias: str) -> dict[str, Any]:
    method = run.authentication_method
    return {
        "client": _add_client(provider, f"{alias}-1", base, method, run),
        "client2": _add_client(provider, f"{alias}-2", base, method, run),
        "client_secret_post": _add_client(provider, f"{alias}-post", base, "client_secret_post", run),
    }


def _add_client(provider: Provider, client_id: str, base: str, method: str, run: PlannedRun) -> dict[str, Any]:
    secret_file = provider.home / f"{client_id}.secret"
    options = [
        *("--name", f"Conformance {client_id}", "--auth", method),
        *("--redirect-uri", f"{base}/callback", "--post-logout-redirect-uri", f"{base}/post_logout_redirect"),
        *_repeated("--response-type", RESPONSE_TYPES),
        *_repeated("--grant-type", _GRANT_TYPES),
        *_logout_notice(run, base),
    ]
    known: dict[str, Any] = {"client_id": client_id}
    if method == "private_key_jwt":
        private, public_file = _make_keys(provider.home / f"{client_id}.jwks.json")
        known["jwks"] = private
        options += ["--jwks-file", str(public_file)]
    elif method != "none":
        options += ["--secret-file", str(secret_file)]
    provider.run_idp("client", "add", client_id, *options)
    if secret_file.exists():
        known["client_secret"] = secret_file.read_text().strip()
    return known


def _logout_notice(run: PlannedRun, base: str) -> list[str]:
    """Return the one kind of notice that the plan expects; the suite fails a module that gets another."""
    if run.short_name.startswith("frontchannel"):
        return ["--frontchannel-logout-uri", f"{base}/frontchannel_logout"]
    if run.short_name.startswith("backchannel"):
        return ["--backchannel-logout-uri", f"{base}/backchannel_logout"]
    return []


def _make_keys(public_file: Path) -> tuple[Mapping[str, Any], Path]:
    key = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, auto_kid=True)
    public_file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return {"keys": [key.as_dict(private=True)]}, public_file


def _repeated(option: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (option, value)]
