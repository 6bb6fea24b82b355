"""The lists of the profile page: languages and time zones to choose from, and what was said before there was a list."""

import re

import httpx2
import pytest

from idp.accounts.profile import zones
from idp.languages import LANGUAGES
from tests.account_pages import send, visitor
from tests.provider import House
from tests.second_factors import account_id
from tests.web.test_rendering import Outline


def options(page: httpx2.Response) -> list[str]:
    """Return the values of the list of languages."""
    (listed,) = re.findall(r'<select id="locale".*?</select>', page.text, re.DOTALL)
    return [str(option["value"]) for option in Outline(listed).all("option")]


def chosen(page: httpx2.Response) -> list[str]:
    """Return the values that are marked as chosen, in whatever list."""
    return [str(option["value"]) for option in Outline(page.text).all("option") if "selected" in option]


def test_the_languages_there_are(house: House) -> None:
    """Each by its own name, none at first; the chosen one is the page's from then on, and can be taken back."""
    alice = visitor(house)
    page = alice.get("/account/profile")
    assert options(page) == ["", *LANGUAGES]
    assert chosen(page) == []
    assert '<option value="ja" lang="ja" dir="auto">日本語</option>' in page.text
    told = send(alice, page, "/profile", locale="fr")
    assert chosen(told) == ["fr"]
    assert '<html lang="fr"' in told.text
    assert chosen(send(alice, told, "/profile", locale="")) == []


def test_another_language_stays(house: House) -> None:
    """What was stored by other ways is in the list beside ours, so that saving the page as it is loses nothing."""
    house.add_account("noor", claims={"locale": "nl-BE"})
    noor = visitor(house, "noor")
    page = noor.get("/account/profile")
    assert options(page) == ["", *LANGUAGES, "nl-BE"]
    (locale,) = chosen(page)
    send(noor, page, "/profile", locale=locale, nickname="No")
    with house.storage.snapshot() as uow:
        account = uow.accounts.find(account_id(house, "noor"))
    assert account is not None
    assert (account.claims["locale"], account.claims["nickname"]) == ("nl-BE", "No")


def test_what_is_no_language_is_shown_as_it_was_sent(house: House) -> None:
    """It stands in the list, marked, and is not kept."""
    alice = visitor(house)
    page = send(alice, alice.get("/account/profile"), "/profile", locale="<no language>")
    assert page.status_code == 400
    assert chosen(page) == ["<no language>"]
    marked = Outline(page.text).one("select", id="locale")
    assert (marked["aria-invalid"], marked["aria-describedby"]) == ("true", "locale-error")
    assert chosen(alice.get("/account/profile")) == []


def test_time_zones_are_suggested(house: House) -> None:
    """The field has the list of all places; names of old that are not in it are taken too."""
    alice = visitor(house)
    page = alice.get("/account/profile")
    field = Outline(page.text).one("input", id="zoneinfo")
    assert Outline(page.text).one("datalist")["id"] == field["list"]
    (listed,) = re.findall(r'<datalist id="zones">.*?</datalist>', page.text)
    assert [option["value"] for option in Outline(listed).all("option")] == list(zones())
    assert "Your profile is saved." in send(alice, page, "/profile", zoneinfo="Japan").text
    assert 'value="Japan"' in alice.get("/account/profile").text


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Ushuaia", "Pacific/Auckland", "UTC"])
def test_places_are_among_the_zones(zone: str) -> None:
    """Those of every part of the world."""
    assert zone in zones()


@pytest.mark.parametrize("zone", ["EST5EDT", "Etc/GMT+5", "posix/Europe/Berlin", "localtime", "Factory"])
def test_what_is_no_place_is_not(zone: str) -> None:
    """Neither names of old nor what the files are called."""
    assert zone not in zones()
