"""What is measured: each kind of request, its limit, and the same of the peer right after it."""

from collections.abc import Callable, Iterator, Sequence
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
    route = bare_route(bare)
    yield _read("UserInfo", "userinfo", ours, material.user_infos, route, 600, "one signature verified, 5 rows read")
    if peer:
        yield _read("UserInfo, peer", "userinfo", peer.running, peer.user_infos, route, 600, "opaque token looked up")
    yield _read(
        "introspection",
        "introspection",
        ours,
        material.introspections,
        route,
        600,
        "one signature verified, 5 rows read",
    )
    yield _read("JWKS", "jwks", ours, partial(_same, material, "/.well-known/jwks.json"), route, 1500, "from memory")
    if peer:
        yield _read("JWKS, peer", "jwks", peer.running, peer.jwks, route, 1500, "")
    well_known = partial(_same, material, "/.well-known/openid-configuration")
    yield _read("discovery", "discovery", ours, well_known, route, 1500, "from memory")
    if peer:
        yield _read("discovery, peer", "discovery", peer.running, peer.discovery, route, 1500, "")
    yield _read("health", "health", ours, partial(_same, material, "/health/ready"), route, 600, "asks the database")


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
    make = partial(
        _token_work,
        alg=alg,
        count=400,
    )
    stored = "code spent, grant and refresh token stored, one durable commit"
    rotated = "refresh token spent and replaced, one durable commit"
    yield make("code exchange", ours, partial(material.exchanges, alg), 2, stored)
    if peer:
        yield make("code exchange, peer", peer.running, partial(peer.exchanges, alg, is_jwt=True), 2, "in memory")
        if alg == "RS256":
            opaque = partial(peer.exchanges, alg, is_jwt=False)
            yield make("code exchange, peer, opaque", peer.running, opaque, 1, "in memory, opaque access token kept")
    yield make("refresh", ours, partial(material.refreshes, alg), 2, rotated)
    if peer:
        yield make("refresh, peer", peer.running, partial(peer.refreshes, alg, is_jwt=True), 2, "in memory")
        if alg == "RS256":
            opaque = partial(peer.refreshes, alg, is_jwt=False)
            yield make("refresh, peer, opaque", peer.running, opaque, 1, "in memory, opaque access token kept")
    yield make("client credentials", ours, partial(material.client_credentials, alg), 1, "nothing stored")
    if peer:
        themselves = partial(peer.client_credentials, alg, is_jwt=True)
        yield make("client credentials, peer", peer.running, themselves, 1, "nothing stored")


def _token_work(
    what: str,
    running: Running,
    requests: Callable[[int], Sequence[bytes]],
    signed: int,
    note: str,
    *,
    alg: str,
    count: int,
) -> Work:
    first, comma, rest = what.partition(",")
    return Work(
        name=f"{first} {alg}{comma}{rest}",
        group=first.replace(" ", "-"),
        running=running,
        requests=requests,
        limit=signatures(signed, alg),
        count=count,
        note=note,
    )


def _read(
    name: str,
    group: str,
    running: Running,
    requests: Callable[[int], Sequence[bytes]],
    route: Limit,
    count: int,
    note: str,
) -> Work:
    return Work(name=name, group=group, running=running, requests=requests, limit=route, count=count, note=note)


def _same(material: Material, path: str, count: int) -> list[bytes]:
    return [material.get(path)] * count
