"""The mails of development: shown on a page, sent nowhere."""

import shutil
from pathlib import Path

from idp.accounts.mails import Letter
from idp.stores.sql.storage import SqlStorage
from idp.web.mailing import Composer
from tests.provider import make_house


def test_mails_of_development_are_shown(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """With their links; the sign-in page offers what needs mail."""
    shutil.copyfile(migrated_file, tmp_path / "signet.sqlite3")
    (tmp_path / "signet.sqlite3").chmod(0o600)
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    house = make_house(storage, tmp_path / "kek", development=True)
    house.add_client("web")
    browser = house.browser()
    assert "There are none yet" in browser.get("/dev/mail").text
    link = "https://idp.example/password/reset?token=t"
    letter = Letter(template="password_reset", to="alice@example.org", username="<b>", language="en", link=link)
    assert house.provider.kept_mails is not None
    assert house.provider.kept_mails.send(Composer(house.server.settings).compose(letter)) == "kept for /dev/mail"
    page = browser.get("/dev/mail")
    assert f'href="{link}"' in page.text
    assert "alice@example.org" in page.text
    assert "&lt;b&gt;" in page.text
    assert "no-store" in page.headers["cache-control"]
    assert 'id="forgotten"' in browser.follow(browser.authorize()).text
    storage.close()
