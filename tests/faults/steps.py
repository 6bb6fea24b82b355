"""What people and clients do: made ready, done once while something fails, and judged by what is true afterwards."""

from abc import ABC, abstractmethod

import httpx2

from tests.provider import Browser, House, claims_of
from tests.registering import manage, metadata_of, register, registering, send, stored


class Step(ABC):
    """One thing that is done. A new one is made for each try; `signed_in` is a browser that may be used for all."""

    # Statuses of an answer that says that it was done.
    done: tuple[int, ...] = (200,)

    def __init__(self, house: House, signed_in: Browser) -> None:
        self.house, self.browser = house, signed_in
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Bring about what it needs."""

    @abstractmethod
    def act(self) -> httpx2.Response:
        """Do it, and return the last answer."""

    @abstractmethod
    def check(self, kept: bool) -> None:
        """Check that it was wholly done if `kept`, else not at all, and that it then can be done."""


class SignIn(Step):
    """A person signs in, from the password on, and comes back to the client with a code."""

    done = (303,)

    def prepare(self) -> None:
        self.browser = self.house.browser()
        self.page = self.browser.follow(self.browser.authorize())

    def act(self) -> httpx2.Response:
        return self.browser.sign_in(self.page)

    def check(self, kept: bool) -> None:
        # Several units of work: it may have come half the way, each of which is whole. From its start it goes through.
        assert "code" in self.browser.code_flow()


class Consent(Step):
    """A person allows a client that is not the operator's."""

    done = (303,)

    def prepare(self) -> None:
        self.page = self.browser.follow(self.browser.authorize("third", prompt="consent"))

    def act(self) -> httpx2.Response:
        return self.browser.submit(self.page, action="allow")

    def check(self, kept: bool) -> None:
        assert "code" in self.browser.code_flow("third")


class Exchange(Step):
    """A client redeems a code."""

    def prepare(self) -> None:
        self.code = self.browser.code_flow(scope="openid offline_access")["code"]

    def act(self) -> httpx2.Response:
        return self.browser.exchange(self.code)

    def check(self, kept: bool) -> None:
        assert self.browser.exchange(self.code).status_code == (400 if kept else 200)
        assert self.browser.exchange(self.code).status_code == 400


class Refresh(Step):
    """A client redeems a refresh token."""

    def prepare(self) -> None:
        self.tokens = self.browser.tokens()

    def act(self) -> httpx2.Response:
        return self.browser.refresh(self.tokens["refresh_token"])

    def check(self, kept: bool) -> None:
        assert self.browser.refresh(self.tokens["refresh_token"]).status_code == (400 if kept else 200)
        assert self.browser.refresh(self.tokens["refresh_token"]).status_code == 400
        assert self.browser.introspect(self.tokens["access_token"])["active"]


class ClientCredentials(Step):
    """A client gets a token for itself."""

    def prepare(self) -> None:
        pass

    def act(self) -> httpx2.Response:
        return self.browser.token("svc", grant_type="client_credentials", scope="api.read")

    def check(self, kept: bool) -> None:
        assert self.act().status_code == 200


class Revocation(Step):
    """A client gives back a refresh token."""

    def prepare(self) -> None:
        self.tokens = self.browser.tokens()

    def act(self) -> httpx2.Response:
        return self.browser.post("/oauth2/revoke", data={"token": self.tokens["refresh_token"]}, auth=("web", "s" * 43))

    def check(self, kept: bool) -> None:
        assert self.browser.introspect(self.tokens["refresh_token"])["active"] is not kept
        assert self.act().status_code == 200
        assert not self.browser.introspect(self.tokens["refresh_token"])["active"]
        assert self.browser.userinfo(self.tokens["access_token"]).status_code == 401


class UserInfo(Step):
    """A client reads claims."""

    def prepare(self) -> None:
        self.token = self.browser.tokens()["access_token"]

    def act(self) -> httpx2.Response:
        return self.browser.userinfo(self.token)

    def check(self, kept: bool) -> None:
        assert self.act().json()["sub"] == claims_of(self.token)["sub"]


class SignOut(Step):
    """A client has a person signed out."""

    def prepare(self) -> None:
        self.browser = self.house.browser()
        self.tokens = self.browser.tokens()

    def act(self) -> httpx2.Response:
        hint = {"id_token_hint": self.tokens["id_token"]}
        return self.browser.follow(self.browser.get("/oauth2/logout", params=hint))

    def check(self, kept: bool) -> None:
        assert self.browser.introspect(self.tokens["access_token"])["active"] is not kept
        answered = self.act()
        assert answered.status_code == 200, answered.text
        assert 'id="login-submit"' in self.browser.follow(self.browser.authorize()).text
        assert not self.browser.introspect(self.tokens["access_token"])["active"]


class Registration(Step):
    """A client registers itself."""

    done = (201,)

    def prepare(self) -> None:
        self.browser = registering(self.house).browser()
        self.before = self._registered()

    def act(self) -> httpx2.Response:
        return send(self.browser)

    def check(self, kept: bool) -> None:
        assert self._registered() == self.before + kept
        register(self.browser)

    def _registered(self) -> int:
        with self.house.storage.snapshot() as uow:
            return uow.clients.count_registered()


class Replacement(Step):
    """A client replaces its registration."""

    def prepare(self) -> None:
        self.browser = registering(self.house).browser()
        self.client = register(self.browser)

    def act(self) -> httpx2.Response:
        return manage(self.browser, "PUT", self.client, json=metadata_of(self.client, client_name="Newer"))

    def check(self, kept: bool) -> None:
        found = stored(self.house, self.client)
        assert found is not None
        assert (found.value("client_name") == "Newer") is kept
        # Also where the answer with the next registration access token was lost.
        again = self.act()
        assert again.status_code == 200
        assert manage(self.browser, "GET", again.json()).status_code == 200


STEPS = (
    SignIn,
    Consent,
    Exchange,
    Refresh,
    ClientCredentials,
    Revocation,
    UserInfo,
    SignOut,
    Registration,
    Replacement,
)
