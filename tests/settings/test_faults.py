"""What is wrong with settings: all faults told together, each with its key, its source and a line to paste."""

import tomllib
from pathlib import Path

import pytest

from idp.settings import FIELDS, BadSettings, Fault, load_settings
from idp.settings.model import environment_name, is_secret

pytestmark = pytest.mark.usefixtures("in_empty_directory")


@pytest.fixture
def in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a configuration file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(environ: dict[str, str] | None = None, toml: str = "", **overrides: object) -> tuple[Fault, ...]:
    """Return the faults of settings that cannot be used."""
    if toml:
        Path("idp.toml").write_text(toml)
    with pytest.raises(BadSettings) as caught:
        load_settings(overrides, environ or {})
    return caught.value.faults


def fault(environ: dict[str, str] | None = None, toml: str = "", **overrides: object) -> Fault:
    """Return the only fault."""
    (only,) = faults(environ, toml, **overrides)
    return only


@pytest.mark.case("OP-27")
def test_all_faults_of_all_sources_are_told_at_once() -> None:
    """Nobody wants to mend them one start at a time."""
    found = faults(
        {"IDP_PORT": "x", "IDP_PROT": "1", "IDP_LIFETIMES__CODE_SECONDS": "61"},
        'log_level = "loud"\ntrusted_proxies = ["nowhere"]\n[argon2]\nmemory = 3\n',
        issuer="https://Login.example/",
    )
    assert {one.key: one.source for one in found} == {
        "port": "environment IDP_PORT",
        "prot": "environment IDP_PROT",
        "lifetimes.code_seconds": "environment IDP_LIFETIMES__CODE_SECONDS",
        "log_level": "idp.toml",
        "trusted_proxies": "idp.toml",
        "argon2.memory": "idp.toml",
        "issuer": "command line",
    }
    assert all(one.problem and one.remedy for one in found)


@pytest.mark.case("OP-27")
@pytest.mark.parametrize(
    ("environ", "toml", "meant"),
    [
        ({"IDP_PROT": "1"}, "", "Did you mean IDP_PORT?"),
        ({"IDP_CODE_SECONDS": "1"}, "", "Did you mean IDP_LIFETIMES__CODE_SECONDS?"),
        ({"IDP_LIFETIMES_CODE_SECONDS": "1"}, "", "Did you mean IDP_LIFETIMES__CODE_SECONDS?"),
        ({"IDP_issuer": "https://a.example"}, "", "Did you mean IDP_ISSUER?"),
        ({}, 'isuer = "https://a.example"', "Did you mean issuer?"),
        ({}, "[lifetime]\ncode_seconds = 1", "Did you mean lifetimes.code_seconds?"),
        ({"IDP_PORT_FILE": "/x"}, "", "Did you mean IDP_PORT?"),
    ],
)
def test_a_misspelt_key_is_refused_with_what_was_meant(environ: dict[str, str], toml: str, meant: str) -> None:
    """An unknown key is never passed over in silence."""
    found = fault(environ, toml)
    assert found.problem == "is not a setting"
    assert found.remedy == meant


def test_a_key_like_no_other_is_refused_too() -> None:
    """The remedy says where all settings are listed."""
    assert "config show" in fault({"IDP_XYZZY": "1"}).remedy


def test_a_group_is_no_setting() -> None:
    """`lifetimes = 3` is a fault of its own, not a misspelling."""
    assert "group of settings" in fault(toml="lifetimes = 3").problem


@pytest.mark.case("OP-27")
@pytest.mark.parametrize(
    ("toml", "problem", "remedy"),
    [
        ('port = "nine"', "'nine' is not a whole number", "port = 9000"),
        ("port = true", "'true' is not a whole number", "port = 9000"),
        ("port = 1.5", "'1.5' is not a whole number", "port = 9000"),
        ("port = 0", "'0' is less than 1", "port = 9000"),
        ("port = 65536", "'65536' is more than 65535", "port = 9000"),
        ("development = 3", "'3' is neither true nor false", "development = false"),
        ('log_level = "all"', "is not one of", 'log_level = "info"'),
        ('host = ""', "'' is empty", 'host = "127.0.0.1"'),
        ('product_name = "a\\nb"', "printable", 'product_name = "Signet"'),
        ("host = [1]", "is not a single text", 'host = "127.0.0.1"'),
        ('database_url = "mysql://x"', "must name a SQLite file", "database_url = "),
        ('database_url = "sqlite:///:memory:"', "must name a SQLite file", "database_url = "),
        ('database_url = "postgresql://u@h"', "must name a PostgreSQL database", "database_url = "),
        ('database_url = "postgresql://u@h:x/d"', "must name a PostgreSQL database", "database_url = "),
        ('trusted_proxies = ["10.0.0.0/8", "10.0.0.0/99"]', "'10.0.0.0/99' is not an IP", "trusted_proxies = ["),
        ("lifetimes.code_seconds = 61", "'61' is more than 60", "lifetimes.code_seconds = 60"),
        ("keys.publish_ahead_seconds = 10", "do not know", "keys.publish_ahead_seconds = 300"),
        ('sign_up.mode = "open"', "needs a mail server", 'sign_up.mode = "invitation"'),
        ('sign_up.mode = "domain"\ndevelopment = true', "sign_up.mode is domain", "sign_up.domains = ["),
        ('sign_up.domains = ["Example.org"]', "is not a domain", "sign_up.domains = ["),
        ('password.breach_check_url = "range"', "is not the URL of a service", "password.breach_check_url = "),
        ("argon2.parallelism = 64\nargon2.memory_kib = 100", "RFC 9106", "argon2.memory_kib = 19456"),
    ],
)
def test_a_wrong_value_is_refused_with_a_line_to_paste(toml: str, problem: str, remedy: str) -> None:
    """The value is shown, and the line is one that works."""
    found = fault(toml=toml)
    assert problem in found.problem
    assert found.remedy.startswith(remedy)
    Path("idp.toml").write_text(found.remedy)
    load_settings({}, {})


@pytest.mark.parametrize("key", [key for key in FIELDS if not is_secret(key) and isinstance(FIELDS[key].default, int)])
def test_the_line_suits_the_source(key: str) -> None:
    """A variable for a variable, an option for an option, TOML for the file."""
    name = environment_name(key)
    assert fault({name: "x"}).remedy.startswith(f"{name}=")
    assert fault(None, "", **{key: "x"}).remedy.startswith(f"--set {key}=")
    (line,) = tomllib.loads(fault(toml=f'{key} = "x"').remedy)
    assert line == key.partition(".")[0]


@pytest.mark.parametrize("toml", ["port = ", "a = 1\na = 2", "\x00", "[x", '"\\u00"'])
def test_a_file_that_is_not_toml_is_a_fault(toml: str) -> None:
    """The file is named."""
    assert fault(toml=toml).key == "idp.toml"


def test_a_directory_is_no_file() -> None:
    """What cannot be read is told."""
    Path("idp.toml").mkdir()
    assert "cannot be read" in fault().problem


@pytest.mark.case("OP-25")
@pytest.mark.parametrize("key", ["", "changeme", "12345678", "A" * 42, "A" * 44, "€" * 43])
def test_a_weak_key_encryption_key_is_refused_and_not_shown(key: str) -> None:
    """Empty, a word, too short, too long: nothing starts with it."""
    found = fault({"IDP_KEY_ENCRYPTION_KEY": key})
    assert found.key == "key_encryption_key"
    assert not key or key not in str(found)
    assert "openssl rand -base64 32" in found.remedy


@pytest.mark.case("AD-27")
def test_a_secret_on_the_command_line_is_refused() -> None:
    """Every user of the machine can read command lines."""
    found = fault(key_encryption_key="kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH")
    assert found.remedy.startswith("IDP_KEY_ENCRYPTION_KEY_FILE=")
    assert "kT3x" not in str(found)


@pytest.mark.case("OP-26")
@pytest.mark.parametrize(
    "issuer",
    [
        *(
            "https://a.example/",
            "https://a.example?x",
            "https://a.example?",
            "https://a.example#",
            "https://a.example#x",
        ),
        *("https://A.example", "HTTPS://a.example", "ftp://a.example", "a.example", "", "https://", "https:///x"),
        *("https://u@a.example", "https://u:p@a.example", "https://a.example:443", "http://a.localhost:80"),
        *("https://a.example:", "https://a.example:0", "https://a.example:99999", "https://a.example:x"),
        *("https://a.example/b/", "https://a.example//b", "https://a.example/../b", "https://a.example/%41"),
        *(
            "https://a b.example",
            " https://a.example",
            "https://a.example\n",
            "https://ä.example",
            "https://a_.example",
        ),
        *("https://-a.example", "https://a..example", "https://[::1", "https://a.example\\b", "https://a.example/b c"),
    ],
)
def test_an_issuer_with_more_than_one_spelling_is_refused(issuer: str) -> None:
    """It is never normalised: what clients compare is what was set."""
    found = fault(issuer=issuer)
    assert found.key == "issuer"
    assert "byte by byte" in found.problem


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://a.example", "https://login.a.example/oidc", "https://a.example:8443", "http://idp.localhost:9000"),
        *(
            "https://a.example/a/b-c_d.e~f",
            "https://xn--bcher-kva.example",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
        ),
    ],
)
def test_other_issuers_are_kept_byte_for_byte(issuer: str) -> None:
    """With a path, a port, an address."""
    assert load_settings({"issuer": issuer}, {}).settings.issuer == issuer


@pytest.mark.parametrize(
    ("given", "missing"), [("tls_certificate_file", "tls_key_file"), ("tls_key_file", "tls_certificate_file")]
)
def test_one_half_of_tls_is_a_fault_of_the_other(given: str, missing: str) -> None:
    """The line is written in the manner of the one that is there; both together are in order."""
    name = environment_name(missing)
    found = fault({environment_name(given): "/a.pem"})
    assert (found.key, found.remedy) == (missing, f"{name}=/path/to/file.pem")
    assert given in found.problem
    assert fault(None, "", **{given: "/a.pem"}).remedy == f"--set {missing}=/path/to/file.pem"
    assert load_settings({}, {environment_name(given): "/a.pem", name: "/b.pem"}).settings.tls_key_file is not None


@pytest.mark.parametrize(
    "host",
    [
        *(
            "https://rp.internal",
            "rp.internal/",
            "*.internal",
            "rp internal",
            "10.0.0.0/8",
            "rp.internal.",
            "ä.example",
        ),
        *(
            "rp.internal:",
            "rp.internal:0",
            "rp.internal:65536",
            "rp.internal:x",
            "rp.internal:08443",
            ":8443",
            "a@rp.internal:8443",
            "-a",
        ),
        *(
            "[fd00::1",
            "fd00::1]:8443",
            "fe80::1%eth0",
            "[fe80::1%eth0]:8443",
            "rp.internal:8443?x",
            "rp.internal:8443#x",
            "rp.internal\t:8443",
        ),
    ],
)
def test_an_outbound_host_that_would_never_match_is_refused(host: str) -> None:
    """Nobody should believe that it lets something through."""
    found = fault(toml=f"outbound_hosts = ['{host}']")
    assert found.key == "outbound_hosts"
    Path("idp.toml").write_text(found.remedy)
    assert load_settings({}, {}).settings.outbound_hosts == ("shop.internal.example.org:8443",)


def test_outbound_hosts_are_names_and_addresses_with_or_without_a_port() -> None:
    """Kept as written."""
    hosts = ("rp.internal", "RP.internal:8443", "shop", "10.0.0.5", "10.0.0.5:8443", "fd00::1", "[fd00::1]:8443")
    assert load_settings({}, {"IDP_OUTBOUND_HOSTS": ", ".join(hosts)}).settings.outbound_hosts == hosts
