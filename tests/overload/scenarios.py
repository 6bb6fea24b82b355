"""The overloads. Each prints what was seen, and raises AssertionError where a promise is not kept."""

import asyncio
import os
import resource
import signal
import time
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from tests.cli.processes import children_of
from tests.overload.provider import Served
from tests.overload.requests import code_request, header, sign_in_request, sign_in_requests, token_request, two
from tests.overload.sending import CUT, Answered, Line, Stream, ask_once, connect, percentile, statuses

SIGN_INS = 200
RECOVERY_SECONDS = 10.0
SLOW = 2_000


def say(what: str, value: str) -> None:
    """Print one figure."""
    print(f"  {what}: {value}", flush=True)


async def sign_ins(served: Served) -> None:
    """200 people send their password at the same moment; the token endpoint is asked meanwhile."""
    token = token_request(served)
    before = await two(served, token, 5)
    forms = await sign_in_requests(served, SIGN_INS)
    base = served.megabytes()
    began = time.monotonic()
    rush = asyncio.gather(*(ask_once(served.port, form) for form in forms))
    meanwhile: list[Answered] = []
    while not rush.done():
        meanwhile += await two(served, token, 0.5)
    answers = await rush
    say("answers", f"{statuses(answers)}, the last after {time.monotonic() - began:.1f} s")
    say("time of a sign-in", f"p50 {percentile(answers, 0.5):.0f} ms, p99 {percentile(answers):.0f} ms")
    say("token endpoint", f"p99 {percentile(before):.0f} ms quiet, {percentile(meanwhile):.0f} ms meanwhile")
    say("memory", f"{base:.0f} MB before, {served.megabytes('VmHWM'):.0f} MB at most")
    assert all(answer.status in {200, 303} or answer.is_refusal for answer in answers)
    assert any(answer.status == 303 for answer in answers)
    assert all(answer.status == 200 for answer in meanwhile)


async def killed(served: Served) -> None:
    """One of two workers is killed amid 200 sign-ins: whoever was answered has what was answered (R8)."""
    forms = await sign_in_requests(served, SIGN_INS)
    rush = asyncio.gather(*(ask_once(served.port, form) for form in forms))
    await asyncio.sleep(1)
    before = set(children_of(served.process.pid))
    os.kill(min(before), signal.SIGKILL)
    began = time.monotonic()
    while len(set(children_of(served.process.pid)) - before) == 0:
        await asyncio.sleep(0.01)
    replaced = time.monotonic() - began
    answers = await rush
    codes = [dict(parse_qsl(urlsplit(header(a, "location")).query))["code"] for a in answers if a.status == 303]
    redeemed = [await ask_once(served.port, code_request(served, code)) for code in codes]
    again = [await ask_once(served.port, f) for f, a in zip(forms, answers, strict=True) if a.status == CUT]
    say("answers", f"{statuses(answers)}; another worker after {replaced:.2f} s")
    say("codes that were handed out", f"{statuses(redeemed)}")
    say("forms that were cut off, sent again", statuses(again) or "none")
    assert codes
    assert all(answer.status == 200 for answer in redeemed)
    assert all(answer.status in {200, 303, CUT} or answer.is_refusal for answer in answers)
    assert all(answer.status in {303, 400} for answer in again)


async def capacity(served: Served, raw: bytes, connections: int = 8, seconds: float = 5.0) -> float:
    """Return how many such requests a second are answered when the next is sent on each answer."""
    ends_at, done = time.monotonic() + seconds, 0

    async def work() -> None:
        nonlocal done
        line = await connect(served.port)
        while time.monotonic() < ends_at:
            assert (await line.ask(raw)).status < 500
            done += 1
        line.transport.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return done / seconds


async def flood(served: Served, seconds: float = 60.0) -> None:
    """Ten times what can be done, first sign-ins with a wrong password, then token requests."""
    wrong = await sign_in_request(served, "wrong")
    for name, raw, good in (("sign-ins", wrong, 400), ("token requests", token_request(served), 200)):
        quiet = await two(served, raw, 3)
        able = await capacity(served, raw)
        stream = Stream(served.port, raw)
        base = served.megabytes()
        await stream.run(10 * able, seconds)
        took = await recovered(served, raw, percentile(quiet))
        served_ones = [answer for answer in stream.answers if answer.status == good]
        refused = [answer for answer in stream.answers if answer.is_refusal]
        cut = [answer for answer in stream.answers if answer.status == CUT]
        say(name, f"{able:.0f} a second can be done; {10 * able:.0f} a second for {seconds:.0f} s")
        say("  served", f"{len(served_ones) / seconds:.0f} a second, p99 {percentile(served_ones):.0f} ms")
        say("  refused", f"{len(refused) / seconds:.0f} a second, p99 {percentile(refused):.0f} ms")
        say("  answers", f"{statuses(stream.answers)}; {stream.held_back} held back by the sender")
        say("  p99 quiet", f"{percentile(quiet):.0f} ms; as before {took:.1f} s after the end")
        say("  memory", f"{base:.0f} MB before, {served.megabytes('VmHWM'):.0f} MB at most")
        assert len(served_ones) + len(refused) + len(cut) == len(stream.answers)
        assert served_ones
        assert took <= RECOVERY_SECONDS


async def recovered(served: Served, raw: bytes, quiet_milliseconds: float) -> float:
    """Return after how many seconds ten requests in a row were answered as fast as three times the quiet p99."""
    began = time.monotonic()
    first, in_row = began, 0
    while in_row < 10 and time.monotonic() - began < 3 * RECOVERY_SECONDS:
        answer = await ask_once(served.port, raw)
        if answer.status in {200, 400} and answer.seconds * 1000 <= 3 * quiet_milliseconds:
            first, in_row = (first, in_row + 1) if in_row else (answer.at, 1)
        else:
            in_row = 0
    return first - began if in_row else float("inf")


async def slow(served: Served, seconds: float = 30.0) -> None:
    """2,000 connections with half a head each, to which they add a byte a second, and come again when they are cut."""
    _allow_descriptors(2 * SLOW)
    token = token_request(served)
    before = await two(served, token, 5)
    opened = 0
    ends_at = time.monotonic() + seconds + 10

    async def drip(number: int) -> None:
        nonlocal opened
        await asyncio.sleep(number / SLOW)
        while time.monotonic() < ends_at:
            line: Line | None = None
            with suppress(OSError):
                line = await connect(served.port)
                opened += 1
                line.transport.write(f"GET / HTTP/1.1\r\nHost: {served.host}\r\nX-Slow: ".encode())
            while line is not None and line.is_open and time.monotonic() < ends_at:
                await asyncio.sleep(1)
                line.transport.write(b"x")
            if line is not None:
                line.transport.abort()
            await asyncio.sleep(1)

    drips = asyncio.gather(*(drip(number) for number in range(SLOW)))
    await asyncio.sleep(3)
    meanwhile = await two(served, token, seconds)
    say("slow connections", f"{SLOW} at a time, {opened} opened; {served.descriptors()} descriptors are open")
    say(
        "others",
        f"{statuses(meanwhile)}, p99 {percentile(before):.0f} ms quiet, {percentile(meanwhile):.0f} ms meanwhile",
    )
    say("memory", f"{served.megabytes('VmHWM'):.0f} MB at most")
    await drips
    assert all(answer.status == 200 for answer in meanwhile)


async def steady(served: Served, seconds: float = 600.0) -> None:
    """Half of what can be done, for long: nothing grows, nothing slows down."""
    raw = token_request(served)
    able = await capacity(served, raw)
    per_minute: list[tuple[float, int, float, str]] = []
    for _ in range(max(2, round(seconds / 60))):
        stream = Stream(served.port, raw, most=100)
        await stream.run(able / 2, min(60.0, seconds / 2))
        figures = (served.megabytes(), served.descriptors(), percentile(stream.answers), statuses(stream.answers))
        per_minute.append(figures)
        say(f"minute {len(per_minute)}", "{:.1f} MB, {} descriptors, p99 {:.0f} ms, {}".format(*figures))
        assert all(answer.status == 200 for answer in stream.answers)
    settled, last = per_minute[1], per_minute[-1]
    grown = (last[0] / settled[0] - 1) * 100
    say("half load", f"{able / 2:.0f} a second; memory {grown:+.1f} % since the second minute")
    assert last[0] < settled[0] * 1.05


def _allow_descriptors(count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
