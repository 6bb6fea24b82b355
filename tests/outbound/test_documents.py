"""Documents of other parties: kept for as long as a reader allows, failures too, and never more than a few."""

import pytest

from idp.outbound.documents import (
    FAILURE_SECONDS,
    MOST_DOCUMENTS,
    MOST_VERSIONS,
    DocumentNeeded,
    Documents,
    DocumentUnavailable,
)
from idp.outbound.failures import OutboundFailed
from idp.outbound.guard import OutboundClient
from tests.provider import SettableClock

URL = "https://rp.example/jwks.json"


class Scripted(OutboundClient):
    """A client that answers from a list; an exception in it is raised."""

    def __init__(self) -> None:
        super().__init__(allow_loopback=False)
        self.answers: list[bytes | Exception] = []
        self.asked: list[str] = []

    def get(self, url: str, max_bytes: int = 0) -> bytes:
        """Return or raise the next answer."""
        self.asked.append(url)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def client() -> Scripted:
    """A client without answers yet."""
    return Scripted()


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands still."""
    return SettableClock()


@pytest.fixture
def documents(client: Scripted, clock: SettableClock) -> Documents:
    """An empty cache."""
    return Documents(client, clock)


def test_reading_never_connects(documents: Documents, client: Scripted) -> None:
    """What is not there is asked for; only `fetch` goes out."""
    with pytest.raises(DocumentNeeded) as needed:
        documents.find(URL, fresh_seconds=60)
    assert (needed.value.url, client.asked) == (URL, [])


def test_a_document_is_fresh_for_as_long_as_its_reader_says(
    documents: Documents, client: Scripted, clock: SettableClock
) -> None:
    """One reader's old document is another's fresh one."""
    client.answers = [b"one", b"two"]
    documents.fetch(URL)
    clock.move(30)
    assert documents.find(URL, fresh_seconds=31) == b"one"
    with pytest.raises(DocumentNeeded):
        documents.find(URL, fresh_seconds=30)
    documents.fetch(URL)
    assert documents.find(URL, fresh_seconds=1) == b"two"


@pytest.mark.case("OP-36")
def test_the_last_good_one_outlives_a_failure(documents: Documents, client: Scripted, clock: SettableClock) -> None:
    """While the other side is away its last document counts for a bounded time, and it is not asked at every turn."""
    client.answers = [b"one", OutboundFailed("away"), OutboundFailed("away")]
    documents.fetch(URL)
    clock.move(100)
    documents.fetch(URL)
    assert documents.find(URL, fresh_seconds=3600, stale_seconds=101) == b"one"
    with pytest.raises(DocumentUnavailable, match="away"):
        documents.find(URL, fresh_seconds=3600, stale_seconds=100)
    clock.move(FAILURE_SECONDS)
    with pytest.raises(DocumentNeeded):
        documents.find(URL, fresh_seconds=3600, stale_seconds=3600)


@pytest.mark.case("CR-08")
def test_a_failure_is_kept_too(documents: Documents, client: Scripted, clock: SettableClock) -> None:
    """Who does not answer is not asked again for a while."""
    client.answers = [OutboundFailed("timed out")]
    documents.fetch(URL)
    clock.move(FAILURE_SECONDS - 1)
    with pytest.raises(DocumentUnavailable, match="timed out"):
        documents.find(URL, fresh_seconds=3600)


@pytest.mark.case("CR-18")
def test_only_so_many_are_kept(documents: Documents, client: Scripted) -> None:
    """The oldest give way."""
    client.answers = [b"x"] * (MOST_DOCUMENTS + 1)
    for number in range(MOST_DOCUMENTS + 1):
        documents.fetch(f"{URL}?{number}")
    with pytest.raises(DocumentNeeded):
        documents.find(f"{URL}?0", fresh_seconds=60)
    assert documents.find(f"{URL}?1", fresh_seconds=60) == b"x"


@pytest.mark.requirement("OIDC Core 1.0", "6.2")
def test_a_fragment_is_a_version(documents: Documents, client: Scripted) -> None:
    """Each is fetched for itself, and none is asked for by its fragment."""
    client.answers = [b"none", b"one", b"two", b"empty"]
    for url in (URL, f"{URL}#1", f"{URL}#2", f"{URL}#"):
        with pytest.raises(DocumentNeeded):
            documents.find(url, fresh_seconds=60)
        documents.fetch(url)
    assert client.asked == [URL] * 4
    assert documents.find(f"{URL}#1", fresh_seconds=60) == b"one"
    assert documents.find(URL, fresh_seconds=60) == b"none"


def test_versions_do_not_push_out_other_documents(documents: Documents, client: Scripted) -> None:
    """Whoever sends a request chooses the fragment; only so many are kept, and no other document goes for them."""
    client.answers = [b""] * (MOST_DOCUMENTS + 3)
    documents.fetch(URL)
    for number in range(MOST_DOCUMENTS + 2):
        documents.fetch(f"{URL}#{number}")
    assert documents.find(URL, fresh_seconds=60) == b""
    oldest = MOST_DOCUMENTS + 2 - MOST_VERSIONS
    assert documents.find(f"{URL}#{oldest}", fresh_seconds=60) == b""
    with pytest.raises(DocumentNeeded):
        documents.find(f"{URL}#{oldest - 1}", fresh_seconds=60)
