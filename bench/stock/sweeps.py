"""Whether what is over goes away: a million finished sign-ins, swept while tokens are asked for."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection, Table, create_engine, func, make_url, select

from bench.client import Lane, send_lanes
from bench.material import Material, grant_of, session_of
from bench.measuring import require
from bench.processes import Running
from bench.provider import Place, empty_place
from bench.run import Tell
from bench.stock.bulk import repeat
from bench.stock.filling import filled_in, filling_of, long_hash, row_of
from bench.table import row
from idp.stores.records import Artifact, RefreshToken
from idp.stores.sql.sweeping import DAY
from idp.stores.sql.tables import accounts, artifacts, grants, refresh_tokens, sessions
from tests.postgresql import Server

LIVE_ACCOUNTS = 10_000
PER_SECOND, STREAM_SECONDS, WINDOWS = 40.0, 5.0, 7
TABLES: tuple[Table, ...] = (accounts, sessions, grants, refresh_tokens, artifacts)


@dataclass(frozen=True, slots=True)
class Stream:
    """Latencies of a steady stream of code exchanges, in ms."""

    p50: float
    p99: float


def sweeps(folder: Path, server: Server | None, sign_ins: int, sweepers: int, tell: Tell) -> Iterator[str]:
    """Fill, sweep, and yield what was seen as Markdown."""
    with empty_place(folder, server) as empty:
        place, _ = filled_in(empty, LIVE_ACCOUNTS)
        live = _counts(place)
        began = time.monotonic()
        _add_finished(place, sign_ins)
        filled = _counts(place)
        tell(f"{sign_ins} finished sign-ins in {time.monotonic() - began:.0f} s")
        with place.served() as running:
            material = Material(place)
            tell("a stream alone, and beside the upkeep's own pace")
            quiet, meanwhile = [], []
            for _ in range(WINDOWS):
                quiet.append(_stream(running, material))
                processes = _start_sweepers(sweepers, place, folder, STREAM_SECONDS)
                meanwhile.append(_stream(running, material))
                paced = [_swept(process) for process in processes]
                tell(f"  p99 {quiet[-1].p99:.1f} ms alone, {meanwhile[-1].p99:.1f} ms beside; {sum(paced)} rows swept")
        tell("all the rest, without rests")
        began = time.monotonic()
        swept = [_swept(process) for process in _start_sweepers(sweepers, place, folder)]
        seconds = time.monotonic() - began
        left, over = _counts(place), _counts(place, older_than=int(time.time()) - DAY)
    yield from _table(live, filled, left, over)
    yield ""
    yield (
        f"{sum(swept):,} rows were swept in {seconds:.0f} s without rests, {sum(swept) / seconds:,.0f} a second "
        f"(by sweeper: {', '.join(f'{rows:,}' for rows in swept)})."
    )
    yield (
        f"A steady stream of {PER_SECOND:.0f} code exchanges a second, medians of {WINDOWS} windows of "
        f"{STREAM_SECONDS:.0f} s: p50 {_middle(quiet, 50):.1f} ms, p99 {_middle(quiet, 99):.1f} ms alone; "
        f"p50 {_middle(meanwhile, 50):.1f} ms, p99 {_middle(meanwhile, 99):.1f} ms beside sweeping at the upkeep's "
        f"pace, {sum(paced) / STREAM_SECONDS:,.0f} rows a second."
    )


def _table(live: dict[str, int], filled: dict[str, int], left: dict[str, int], over: dict[str, int]) -> Iterator[str]:
    yield row(["table", "live rows", "with the finished sign-ins", "afterwards", "of them finished"])
    yield row(["---"] * 5)
    for name, count in live.items():
        yield row([name, f"{count:,}", f"{filled[name]:,}", f"{left[name]:,}", f"{over[name]:,}"])


def _middle(streams: list[Stream], which: int) -> float:
    return median(stream.p50 if which == 50 else stream.p99 for stream in streams)


def _stream(running: Running, material: Material) -> Stream:
    requests = material.exchanges("RS256", int(PER_SECOND * STREAM_SECONDS))
    load = send_lanes(Lane(running.port, requests, rate=PER_SECOND))[0]
    require(load, 200, "code exchanges")
    return Stream(load.percentile(0.5), load.percentile(0.99))


def _swept(process: subprocess.Popen[bytes]) -> int:
    """Return how many rows a sweeper deleted, when it has ended."""
    said = process.communicate()[0]
    if process.returncode:
        raise SystemExit("a sweeper failed; its log says why")
    return int(said)


def _start_sweepers(
    count: int, place: Place, folder: Path, seconds: float | None = None
) -> list[subprocess.Popen[bytes]]:
    """Have so many sweepers begin at once."""
    environment = {**os.environ, "IDP_DATABASE_URL": place.settings.database_url}
    command = [sys.executable, "-m", "bench.stock.sweeper", *([] if seconds is None else [str(seconds)])]
    with (folder / "sweeper.log").open("ab") as log:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        processes = [subprocess.Popen(command, env=environment, **pipes) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    return processes


def _add_finished(place: Place, count: int) -> None:
    """Add sign-ins that ended two days ago: interaction and code spent, session over, grant over, a refresh token spent
    and its successor."""
    over = int(time.time()) - 2 * DAY
    session = session_of("", over - DAY, over)
    grant = grant_of(session, "RS256", over - DAY, over)
    token = RefreshToken(token_hash="", grant_id="", created_at=over - DAY, expires_at=over)
    code = Material(place).code_of(session, "RS256", over)
    spent = replace(code, consumed_at=over, expires_at=over)
    # Not all at one instant: in the order of their end they are somewhere else in the table.
    ends = {"expires_at": f"{over} - n / 100"}
    with filling_of(place) as connection:
        repeat(connection, sessions, row_of(type(session), sessions, session), count, **_session(), **ends)
        for kind in ("interaction", "authorization_code"):
            made = row_of(Artifact, artifacts, replace(spent, kind=kind))
            repeat(connection, artifacts, made, count, handle_hash=long_hash(f"old {kind}"), **ends)
        old_grant = row_of(type(grant), grants, grant)
        repeat(
            connection, grants, old_grant, count, grant_id="md5('old grant' || n)", session_id=_session()["session_id"]
        )
        for link, consumed in (("first", over), ("second", None)):
            made = row_of(RefreshToken, refresh_tokens, replace(token, consumed_at=consumed))
            key = long_hash(f"old {link}")
            repeat(connection, refresh_tokens, made, count, token_hash=key, **_grant(), **ends)


def _grant() -> dict[str, str]:
    return {"grant_id": "md5('old grant' || n)"}


def _session() -> dict[str, str]:
    return {"session_id": "md5('old session' || n)", "handle_hash": long_hash("old handle")}


def _counts(place: Place, older_than: int | None = None) -> dict[str, int]:
    """Return the rows of each table; or only those that were over at an instant."""
    url = make_url(place.settings.database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        counted = {table.name: _count(connection, table, older_than) for table in TABLES}
    engine.dispose()
    return counted


def _count(connection: Connection, table: Table, older_than: int | None) -> int:
    query = select(func.count()).select_from(table)
    if older_than is not None:
        if "expires_at" not in table.c:
            return 0
        query = query.where(table.c.expires_at < older_than)
    return int(connection.execute(query).scalar_one())
