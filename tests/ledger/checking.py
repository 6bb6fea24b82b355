"""Holds the provider against the ledger: all that was acknowledged is so, once, and nothing else is usable."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.deploy.journey import Target
from tests.ledger.book import Life, State
from tests.ledger.people import Person

AUTHORIZE = "/oauth2/authorize"


@dataclass
class Check:
    """Looks at lives, which ends them, and keeps what must stay dead for another look at the end."""

    target: Callable[[str], Target]
    wrong: list[str] = field(default_factory=list)
    checked: int = 0
    # Codes, and refresh tokens, that nobody may ever use again.
    dead_codes: list[str] = field(default_factory=list)
    dead_tokens: list[str] = field(default_factory=list)

    def look_at(self, lives: list[Life]) -> None:
        """Look at each."""
        for life in lives:
            person = Person(self.target(life.username))
            try:
                self._look_at(life, person)
                self.checked += 1
            finally:
                person.close()

    def look_at_the_dead(self) -> None:
        """Make sure that nothing came back to life."""
        person = Person(self.target(""))
        for code in self.dead_codes:
            self._expect(person.exchange(code).status_code == 400, "a spent code lives", code)
        for token in self.dead_tokens:
            self._expect(not _is_active(person, token), "a dead refresh token is active", token)
            self._expect(person.refresh(token).status_code == 400, "a dead refresh token lives", token)
        person.close()

    def _look_at(self, life: Life, person: Person) -> None:
        if life.client:
            self._look_at_client(life, person)
        if life.username:
            self._look_at_session(life, person)
            self._look_at_tokens(life, person)
            self._look_at_code(life, person)

    def _look_at_client(self, life: Life, person: Person) -> None:
        answer = person.manage("GET", life.client)
        if answer.status_code == 200:
            name = answer.json().get("client_name")
            self._expect(name == life.client.get("client_name"), "a client has another name than acknowledged", life)
        else:
            # Renamed, and the answer with the new registration access token was lost.
            self._expect(answer.status_code == 401 and bool(life.renaming), "a registered client is gone", life)

    def _look_at_session(self, life: Life, person: Person) -> None:
        person._cookies = dict(life.cookies)
        answer = person.silently()
        lives = "code" in answer
        self._expect_state(life.signed_out, not lives, "signed out", life)

    def _look_at_tokens(self, life: Life, person: Person) -> None:
        for token in life.spent:
            self._expect(person.refresh(token).status_code == 400, "a spent refresh token counts again", life)
        self.dead_tokens += life.spent
        if not life.head or life.signed_out != "no":
            return
        answer = person.refresh(life.head)
        done = answer.status_code != 200
        self._expect(done or life.revoked != "yes", "a revoked token counts", life)
        self._expect(not done or "maybe" in {life.revoked, life.refreshed} or life.revoked == "yes", "lost", life)
        self._expect(person.refresh(life.head).status_code == 400, "a refresh token counts twice", life)
        if not done and life.redeemed == "yes":
            again = person.refresh(answer.json()["refresh_token"])
            self._expect(again.status_code == 200, "a successor does not count", life)
        self.dead_tokens.append(life.head)

    def _look_at_code(self, life: Life, person: Person) -> None:
        first = person.exchange(life.code)
        if life.signed_out == "no":
            self._expect_state(life.redeemed, first.status_code != 200, "spent", life)
        self._expect(life.redeemed != "yes" or first.status_code == 400, "a spent code counts again", life)
        self._expect(person.exchange(life.code).status_code == 400, "a code counts twice", life)
        self.dead_codes.append(life.code)
        if life.redeemed == "yes" and life.head:
            # RFC 6749 §4.1.2: whoever replays a code ends what came from it.
            self._expect(not _is_active(person, life.head), "a replayed code left its tokens", life)

    def _expect_state(self, acknowledged: State, found: bool, what: str, life: Life) -> None:
        if acknowledged != "maybe":
            self._expect(found is (acknowledged == "yes"), f"{what}: acknowledged {acknowledged}, found {found}", life)

    def _expect(self, condition: bool, what: str, about: object) -> None:
        if not condition:
            self.wrong.append(f"{what}: {about}")


def _is_active(person: Person, token: str) -> bool:
    return bool(person.form("/oauth2/introspect", token=token).json()["active"])
