"""What is measured: each kind of request, its limit, and the same of the peer right after it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bench.client import request, send_all
from bench.limits import cost_us
from bench.material import Material
from bench.measuring import Limit, Work
from bench.peer import Peer
from bench.processes import Running
from bench.provider import ALGORITHMS

BARE_REQUESTS = 300
# What workers are compared with: enough connections to reach each of them alike.
MANY = 64
GROUPS = (
    "code-exchange",
    "refresh",
    "client-credentials",
    "sign-in",
    "userinfo",
    "introspection",
    "jwks",
    "discovery",
    "health",
    "workers",
)
"""What `--only` knows."""


def signatures(count: int, alg: str) -> Limit:
    """Return the limit of so many signatures."""
    return Limit(f"{count} × {alg}", lambda: count * cost_us(alg))


def bare_route(bare: Running) -> Limit:
    """Return the limit of a bare route."""
    requests = [request("GET", "/bare", bare.host)] * BARE_REQUESTS

    def cost() -> float:
        before = bare.cpu_seconds()
        send_all(bare.port, requests)
        return (bare.cpu_seconds() - before) / BARE_REQUESTS * 1e6

    return Limit("bare route", cost)


def all_works(ours: Running, material: Material, bare: Running, peer: Peer | None) -> Iterator[Work]:
    """Yield all kinds of work but those of several workers."""
    for alg in ALGORITHMS:
        yield from _of_algorithm(ours, material, peer, alg)
    yield Work(
        name="sign-in by password",
        group="sign-in",
        running=ours,
        requests=material.sign_ins,
        limit=Limit("Argon2id", lambda: cost_us("Argon2id")),
        count=32,
        note="one hash, three commits: counted, judged, session and code",
        expect=303,
        connections=4,
    )
    yield from _reads(ours, material, peer, bare_route(bare))


def of_workers(one: Running, several: Running, workers: int, materials: tuple[Material, Material]) -> Iterator[Work]:
    """Yield the work that several workers share, beside the same for one."""
    for running, material, count in ((one, materials[0], 1), (several, materials[1], workers)):
        yield Work(
            name=workers_name(count),
            group="workers",
            running=running,
            requests=partial(material.exchanges, "RS256"),
            limit=signatures(2, "RS256"),
            count=600,
            note=f"{MANY} connections",
            connections=MANY,
        )


def workers_name(count: int) -> str:
    """Return the name of the work of so many workers."""
    return f"code exchange RS256, {count} worker{'s' if count > 1 else ''}"


def _of_algorithm(ours: Running, material: Material, peer: Peer | None, alg: str) -> Iterator[Work]:
    stored = "code spent, grant and refresh token stored, one durable commit"
    rotated = "refresh token spent and replaced, one durable commit"
    kinds = (
        ("code exchange", 2, stored, material.exchanges, Peer.exchanges),
        ("refresh", 2, rotated, material.refreshes, Peer.refreshes),
        ("client credentials", 1, "nothing stored", material.client_credentials, Peer.client_credentials),
    )
    for what, signed, note, requests, others in kinds:
        work = Work(
            name=f"{what} {alg}",
            group=what.replace(" ", "-"),
            running=ours,
            requests=partial(requests, alg),
            limit=signatures(signed, alg),
            count=400,
            note=note,
        )
        yield work
        if peer is None:
            continue
        theirs = replace(work, name=f"{work.name}, peer", running=peer.running, note="in memory")
        yield replace(theirs, requests=partial(others, peer, alg, is_jwt=True))
        if alg == "RS256" and signed == 2:
            yield replace(
                theirs,
                name=f"{theirs.name}, opaque",
                requests=partial(others, peer, alg, is_jwt=False),
                limit=signatures(1, alg),
                note="in memory, opaque access token kept",
            )


def _reads(ours: Running, material: Material, peer: Peer | None, route: Limit) -> Iterator[Work]:
    jwks = partial(_same, material, "/.well-known/jwks.json")
    discovery = partial(_same, material, "/.well-known/openid-configuration")
    health = partial(_same, material, "/health/ready")
    authenticated = "client authenticated, one signature verified, the same rows read"
    kinds = (
        ("UserInfo", 600, "one signature verified, 5 rows read", material.user_infos, Peer.user_infos),
        ("introspection", 600, authenticated, material.introspections, None),
        ("JWKS", 1500, "from memory", jwks, Peer.jwks),
        ("discovery", 1500, "from memory", discovery, Peer.discovery),
        ("health", 600, "asks the database", health, None),
    )
    for what, count, note, requests, others in kinds:
        work = Work(name=what, group=what.lower(), running=ours, requests=requests, limit=route, count=count, note=note)
        yield work
        if peer and others:
            yield replace(
                work, name=f"{what}, peer", running=peer.running, requests=partial(others, peer), note="in memory"
            )


def _same(material: Material, path: str, count: int) -> list[bytes]:
    return [material.get(path)] * count
