"""Those who sign in, redeem, refresh, give back, sign out, register and rename, and write down what they were told."""

import random
import threading
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from idp.clock import monotonic
from tests.deploy.journey import REDIRECT_URI, Failed, Target, Visitor
from tests.ledger.book import Ledger
from tests.provider import CHALLENGE, VERIFIER

PAUSE_SECONDS = 0.05


class Interrupted(Exception):
    """Nobody answered, or the answer was 503: what becomes of the matter is not known."""


class Person(Visitor):
    """A visitor who takes 503 and silence for what they are, and anything else that is unexpected for a fault."""

    slowest = 0.0

    @property
    def username(self) -> str:
        """Who it is."""
        return self._target.username

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request. Raises `Interrupted`."""
        began = monotonic()
        try:
            answer = self.send(method, path, **more)
        except (httpx2.HTTPError, OSError) as fault:
            raise Interrupted(type(fault).__name__) from None
        finally:
            Person.slowest = max(Person.slowest, monotonic() - began)
        if answer.status_code == 503 and int(answer.headers.get("retry-after", "0")) > 0:
            raise Interrupted("503")
        if answer.status_code >= 500:
            raise AssertionError(f"{answer.status_code} {path}: {answer.text[:200]}")
        return answer

    def form(self, path: str, **form: str) -> httpx2.Response:
        """Send a form as the client. Raises `Interrupted`."""
        proof = b64encode(f"{self._target.client_id}:{self._target.secret}".encode()).decode()
        return self.ask("POST", path, data=form, headers={"authorization": f"Basic {proof}"})

    def exchange(self, code: str) -> httpx2.Response:
        """Redeem a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self.form("/oauth2/token", **form, code_verifier=VERIFIER)

    def refresh(self, token: str) -> httpx2.Response:
        """Redeem a refresh token."""
        return self.form("/oauth2/token", grant_type="refresh_token", refresh_token=token)

    def enter(self) -> str:
        """Sign in, where that is asked for, and return a code. Raises `Interrupted`."""
        try:
            return self.authorize()["code"]
        except (httpx2.HTTPError, OSError) as fault:
            raise Interrupted(type(fault).__name__) from None
        except Failed as fault:
            if "503" in str(fault):
                raise Interrupted("503") from None
            raise

    def silently(self) -> dict[str, str]:
        """Return the authorization response to a request that may show no page. Raises `Interrupted`."""
        query = {"client_id": self._target.client_id, "redirect_uri": REDIRECT_URI, "response_type": "code"}
        query |= {"scope": "openid", "prompt": "none", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        answer = self.ask("GET", "/oauth2/authorize", params=query)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def manage(self, method: str, client: dict[str, Any], json: Any = None) -> httpx2.Response:
        """Read or change a registration. Raises `Interrupted`."""
        path = client["registration_client_uri"].removeprefix(self._target.issuer)
        bearer = {"authorization": f"Bearer {client['registration_access_token']}"}
        return self.ask(method, path, headers=bearer, json=json)


class People:
    """Threads that live one life after the other, until they are told to stop."""

    def __init__(self, ledger: Ledger, target: Callable[[int], Target], count: int) -> None:
        self._ledger, self._target = ledger, target
        self._over = threading.Event()
        self.faults: list[str] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them finish what is under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        while not self._over.is_set():
            life = self._ledger.open_life()
            person = Person(self._target(number))
            try:
                Course(self._ledger, life, person, chance).run()
            except Interrupted:
                self._over.wait(PAUSE_SECONDS)
            except Exception as fault:
                self.faults.append(f"life {life}: {type(fault).__name__}: {fault}")
            finally:
                person.close()


class Course:
    """What one of them does, in an order of chance."""

    def __init__(self, ledger: Ledger, life: int, person: Person, chance: random.Random) -> None:
        self._ledger, self._life, self._person, self._chance = ledger, life, person, chance

    def run(self) -> None:
        """Do it. Raises `Interrupted`."""
        registers = self._chance.random() < 0.3
        if registers:
            self._register()
        code = self._person.enter()
        cookies = dict(self._person._cookies)
        self._note("signed_in", username=self._person.username, cookies=cookies, code=code)
        if self._chance.random() < 0.8:
            self._visit(code)
        if registers:
            self._rename()

    def _note(self, did: str, **about: Any) -> None:
        self._ledger.write(self._life, did, **about)

    def _register(self) -> None:
        answer = self._person.ask("POST", "/oauth2/register", json={"redirect_uris": [REDIRECT_URI]})
        assert answer.status_code == 201, answer.text
        self._note("registered", client=answer.json())
        self._client = answer.json()

    def _rename(self) -> None:
        name = f"n{self._chance.random()}"
        self._note("renames", name=name)
        sent = {"redirect_uris": [REDIRECT_URI], "client_name": name}
        answer = self._person.manage("PUT", self._client, sent)
        assert answer.status_code == 200, answer.text
        self._note("registered", client=answer.json())
        self._client = answer.json()

    def _visit(self, code: str) -> None:
        person = self._person
        self._note("redeems")
        answer = person.exchange(code)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        self._note("redeemed", refresh_token=tokens["refresh_token"])
        for _ in range(self._chance.randint(0, 3)):
            self._note("refreshes")
            answer = person.refresh(tokens["refresh_token"])
            assert answer.status_code == 200, answer.text
            tokens |= answer.json()
            self._note("refreshed", refresh_token=tokens["refresh_token"])
        self._end(tokens)

    def _end(self, tokens: dict[str, Any]) -> None:
        last = self._chance.random()
        if last < 0.3:
            self._note("revokes")
            assert self._person.form("/oauth2/revoke", token=tokens["refresh_token"]).status_code == 200
            self._note("revoked")
        elif last < 0.6:
            self._note("signs_out")
            hint = {"id_token_hint": tokens["id_token"]}
            assert self._person.ask("GET", "/oauth2/logout", params=hint).status_code in {200, 303}
            self._note("signed_out")
