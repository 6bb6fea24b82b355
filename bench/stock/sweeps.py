"""Whether what is over goes away: a million finished sign-ins, swept while tokens are asked for."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

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
PER_SECOND, STREAM_SECONDS = 40.0, 5.0
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
            before = [_stream(running, material) for _ in range(5)]
            processes = [_start_sweeper(place, folder) for _ in range(sweepers)]
            began, meanwhile = time.monotonic(), []
            while any(process.poll() is None for process in processes):
                meanwhile.append(_stream(running, material))
                tell(f"  {time.monotonic() - began:.0f} s: p99 {meanwhile[-1].p99:.1f} ms, {_counts(place)}")
            seconds = time.monotonic() - began
            swept = [int(process.communicate()[0]) for process in processes]
            after = [_stream(running, material) for _ in range(5)]
        # What the streams themselves left is not over yet.
        left = _counts(place, older_than=int(time.time()) - DAY)
        yield from _table(live, filled, left)
        yield ""
        yield from _story(sign_ins, swept, seconds, before + after, meanwhile)


def _table(live: dict[str, int], filled: dict[str, int], left: dict[str, int]) -> Iterator[str]:
    yield row(["table", "live rows", "with the finished sign-ins", "finished ones left"])
    yield row(["---"] * 4)
    for name, count in live.items():
        yield row([name, f"{count:,}", f"{filled[name]:,}", f"{left[name]:,}"])


def _story(
    sign_ins: int, swept: list[int], seconds: float, quiet: list[Stream], meanwhile: list[Stream]
) -> Iterator[str]:
    yield (
        f"{sum(swept):,} rows of {sign_ins:,} finished sign-ins were swept in {seconds:.0f} s, "
        f"{sum(swept) / seconds:,.0f} a second ({' and '.join(f'{rows:,}' for rows in swept)} by each sweeper)."
    )
    yield (
        f"A steady stream of {PER_SECOND:.0f} code exchanges a second, medians of {STREAM_SECONDS:.0f}-second windows: "
        f"p50 {_middle(quiet, 50):.1f} ms, p99 {_middle(quiet, 99):.1f} ms without sweeping; "
        f"p50 {_middle(meanwhile, 50):.1f} ms, p99 {_middle(meanwhile, 99):.1f} ms meanwhile."
    )


def _middle(streams: list[Stream], which: int) -> float:
    return median(stream.p50 if which == 50 else stream.p99 for stream in streams)


def _stream(running: Running, material: Material) -> Stream:
    requests = material.exchanges("RS256", int(PER_SECOND * STREAM_SECONDS))
    load = send_lanes(Lane(running.port, requests, rate=PER_SECOND))[0]
    require(load, 200, "code exchanges")
    return Stream(load.percentile(0.5), load.percentile(0.99))


def _start_sweeper(place: Place, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "IDP_DATABASE_URL": place.settings.database_url}
    with (folder / "sweeper.log").open("ab") as log:
        command = [sys.executable, "-m", "bench.stock.sweeper"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)


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
