"""Which addresses count as public, and how names become addresses."""

import threading
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from idp.outbound.addresses import AddressBook, is_loopback, is_loopback_name, is_public
from idp.outbound.failures import OutboundFailed, OutboundRefused

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "224.0.1.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1", "2001:0:808:808::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "4000::1"),
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    """Global unicast addresses are public, also where they carry an IPv4 address."""
    assert is_public(ip_address(text))
    assert not is_loopback(ip_address(text))


@pytest.mark.case("SS-12")
@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_addresses_that_are_not_public(text: str) -> None:
    """Private, local, shared, reserved, multicast and tunnelled addresses are not."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses(text: str) -> None:
    """Loopback is recognised in every form."""
    assert is_loopback(ip_address(text))


@pytest.mark.requirement("RFC 6761", "6.3")
def test_loopback_names() -> None:
    """`localhost` and names under it are loopback; names that only look like it are not."""
    assert all(map(is_loopback_name, ["localhost", "LOCALHOST", "localhost.", "shop.localhost", "a.b.LocalHost."]))
    assert not any(map(is_loopback_name, ["localhost.example", "notlocalhost", "localhost.localdomain", "", "."]))


def _book(answers: Sequence[str], *, allow_loopback: bool = False) -> AddressBook:
    return AddressBook(allow_loopback=allow_loopback, resolve=lambda _host, _port: answers)


def _find(book: AddressBook, host: str = "rp.example", *, only_loopback: bool = False) -> tuple[str, ...]:
    return book.find(host, 443, only_loopback=only_loopback, timeout_seconds=2)


def test_every_address_of_a_name_is_judged() -> None:
    """One bad address among good ones refuses the name, wherever it stands."""
    assert _find(_book(PUBLIC)) == tuple(PUBLIC)
    for bad in ("10.0.0.1", "::1", "fe80::1%eth0", "not an address"):
        for answers in ([bad], [*PUBLIC, bad], [bad, *PUBLIC]):
            with pytest.raises(OutboundRefused):
                _find(_book(answers))


def test_loopback_only_where_allowed() -> None:
    """Loopback needs the allowance, which opens nothing else."""
    for allowed in (["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]):
        assert _find(_book(allowed, allow_loopback=True)) == tuple(allowed)
        with pytest.raises(OutboundRefused):
            _find(_book(allowed))
    for refused in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "fe80::1"):
        with pytest.raises(OutboundRefused):
            _find(_book([refused], allow_loopback=True))


def test_what_goes_in_the_clear_stays_here() -> None:
    """For http even public addresses are refused."""
    assert _find(_book(["127.0.0.1"], allow_loopback=True), only_loopback=True)
    with pytest.raises(OutboundRefused):
        _find(_book(["8.8.8.8"], allow_loopback=True), only_loopback=True)


@pytest.mark.requirement("RFC 6761", "6.3")
def test_localhost_names_are_never_looked_up() -> None:
    """Names under `.localhost` go to 127.0.0.1 whatever a resolver would say."""
    book = _book(["8.8.8.8"], allow_loopback=True)
    assert _find(book, "shop.localhost") == ("127.0.0.1",)
    with pytest.raises(OutboundRefused):
        _find(_book(["8.8.8.8"]), "shop.localhost")


def test_name_without_address() -> None:
    """A name that does not resolve is a failure, not a refusal: it may come back."""

    def fail(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    def choke(host: str, _port: int) -> Sequence[str]:
        host.encode("idna")
        return ()

    for book in (_book([]), AddressBook(allow_loopback=False, resolve=fail)):
        with pytest.raises(OutboundFailed):
            _find(book)
    with pytest.raises(OutboundFailed):
        _find(AddressBook(allow_loopback=False, resolve=choke), "a" * 64 + ".example")


@pytest.mark.case("OP-37")
def test_resolver_that_hangs() -> None:
    """A resolver that hangs costs the caller its time limit and no more, and not one thread for each try."""
    release = threading.Event()

    def hang(_host: str, _port: int) -> Sequence[str]:
        release.wait(10)
        return ("8.8.8.8",)

    book = AddressBook(allow_loopback=False, resolve=hang)
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(OutboundFailed, match=r"timed out|busy"):
            book.find("rp.example", 443, only_loopback=False, timeout_seconds=0.01)
    assert threading.active_count() - before <= 8
    release.set()
    assert book.find("rp.example", 443, only_loopback=False, timeout_seconds=5) == ("8.8.8.8",)


@pytest.mark.parametrize(
    ("trusted", "host", "port", "is_reached"),
    [
        ("rp.internal", "rp.internal", 9, True),
        ("rp.internal:8443", "RP.internal", 8443, True),
        ("rp.internal:8443", "rp.internal", 443, False),
        ("rp.internal:8443", "rp.internal", 84, False),
        ("rp.internal", "a.rp.internal", 443, False),
        ("rp.internal", "rp.internal.", 443, False),
        ("internal", "rp.internal", 443, False),
        ("rp.internal", "10.0.0.5", 443, False),
        ("10.0.0.5:443", "10.0.0.5", 443, True),
        ("fd00::1", "fd00::1", 443, True),
        ("[fd00::1]:8443", "fd00::1", 8443, True),
        ("fd00::1:8443", "fd00::1", 8443, False),
    ],
)
def test_trusted_hosts_are_exact(trusted: str, host: str, port: int, is_reached: bool) -> None:
    """A name stands for itself on every port, one with a port for that port; an address that it has is not a name."""
    book = AddressBook(allow_loopback=False, resolve=lambda _host, _port: ["10.0.0.5"], trusted_hosts=(trusted,))
    if is_reached:
        assert book.find(host, port, only_loopback=False, timeout_seconds=1)
    else:
        with pytest.raises(OutboundRefused):
            book.find(host, port, only_loopback=False, timeout_seconds=1)
    with pytest.raises(OutboundRefused):
        book.find(host, port, only_loopback=True, timeout_seconds=1)
