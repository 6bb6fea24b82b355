"""Where settings come from, and which source counts."""

import ast
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from idp.settings import FIELDS, BadSettings, Loaded, Settings, load_settings

KEY = "kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH"


@pytest.fixture
def in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a configuration file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(environ: dict[str, str] | None = None, config: Path | None = None, **overrides: object) -> Loaded:
    """Load with an environment that holds nothing else."""
    return load_settings(overrides, environ or {}, config=config)


def sources(loaded: Loaded) -> dict[str, str]:
    """Return where each setting came from."""
    return {one.key: one.source for one in loaded.explain()}


@pytest.mark.usefixtures("in_empty_directory")
def test_without_any_source_the_defaults_count() -> None:
    """Each setting has a default."""
    loaded = load()
    assert loaded.settings == Settings()
    assert set(sources(loaded).values()) == {"default"}


def test_command_line_over_environment_over_file_over_default(in_empty_directory: Path) -> None:
    """One order for all settings, nested ones too."""
    (in_empty_directory / "idp.toml").write_text(
        'port = 1001\nhost = "10.0.0.1"\nlog_level = "debug"\n[lifetimes]\ncode_seconds = 11\nid_token_seconds = 12\n'
    )
    environ = {"IDP_PORT": "1002", "IDP_HOST": "10.0.0.2", "IDP_LIFETIMES__CODE_SECONDS": "21"}
    loaded = load(environ, port="1003")
    settings = loaded.settings
    assert (settings.port, settings.host, settings.log_level) == (1003, "10.0.0.2", "debug")
    assert (settings.lifetimes.code_seconds, settings.lifetimes.id_token_seconds) == (21, 12)
    assert settings.lifetimes.access_token_seconds == 300
    found = sources(loaded)
    assert found["port"] == "command line"
    assert found["host"] == "environment IDP_HOST"
    assert found["log_level"] == "idp.toml"
    assert found["lifetimes.code_seconds"] == "environment IDP_LIFETIMES__CODE_SECONDS"
    assert found["lifetimes.id_token_seconds"] == "idp.toml"
    assert found["worker_threads"] == "default"


def test_the_file_can_be_named(in_empty_directory: Path) -> None:
    """`IDP_CONFIG` names another file, and the command line's choice counts before it."""
    (in_empty_directory / "idp.toml").write_text("port = 1001")
    (in_empty_directory / "a.toml").write_text("port = 1002")
    (in_empty_directory / "b.toml").write_text("port = 1003")
    assert load().settings.port == 1001
    assert load({"IDP_CONFIG": "a.toml"}).settings.port == 1002
    assert load({"IDP_CONFIG": "a.toml"}, Path("b.toml")).settings.port == 1003


@pytest.mark.usefixtures("in_empty_directory")
def test_a_named_file_must_exist() -> None:
    """Only the usual one may be absent."""
    with pytest.raises(BadSettings, match="does not exist"):
        load({"IDP_CONFIG": "nowhere.toml"})


@pytest.mark.usefixtures("in_empty_directory")
def test_lists_are_written_with_commas_or_as_arrays() -> None:
    """The environment has no arrays."""
    assert load({"IDP_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert load({"IDP_TRUSTED_PROXIES": ""}).settings.trusted_proxies == ()
    Path("idp.toml").write_text('trusted_proxies = ["10.0.0.1"]')
    assert load().settings.trusted_proxies == ("10.0.0.1",)


@pytest.mark.usefixtures("in_empty_directory")
def test_the_database_follows_from_home() -> None:
    """Unless one is named."""
    assert load(home="/var/lib/signet").settings.database_url == "sqlite:////var/lib/signet/signet.sqlite3"
    assert load({"IDP_DATABASE_URL": "sqlite:///x.db"}).settings.database_url == "sqlite:///x.db"


def test_a_secret_may_come_from_a_file(in_empty_directory: Path) -> None:
    """The value is the file's text without the line's end."""
    (in_empty_directory / "url").write_text("sqlite:///from-file.db\n")
    loaded = load({"IDP_DATABASE_URL_FILE": "url"})
    assert loaded.settings.database_url == "sqlite:///from-file.db"
    assert sources(loaded)["database_url"] == "environment IDP_DATABASE_URL_FILE"


def test_the_key_file_is_a_setting_of_its_own(in_empty_directory: Path) -> None:
    """`IDP_KEY_ENCRYPTION_KEY_FILE` names the file that is also made at the first start."""
    settings = load({"IDP_KEY_ENCRYPTION_KEY_FILE": str(in_empty_directory / "k")}).settings
    assert settings.key_encryption_key_file == in_empty_directory / "k"
    assert settings.key_encryption_key is None


def test_a_secret_given_twice_is_refused(in_empty_directory: Path) -> None:
    """Nobody should have to guess which one counts."""
    (in_empty_directory / "url").write_text("sqlite:///b.db")
    with pytest.raises(BadSettings, match="as well"):
        load({"IDP_DATABASE_URL": "sqlite:///a.db", "IDP_DATABASE_URL_FILE": "url"})


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * 2_000_000])
def test_an_unreadable_secret_file_is_a_fault(in_empty_directory: Path, content: bytes | None) -> None:
    """Missing, not text, or far too large: the variable and the file are named, the content is not."""
    path = in_empty_directory / "url"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings) as caught:
        load({"IDP_DATABASE_URL_FILE": str(path)})
    (fault,) = caught.value.faults
    assert fault.key == "IDP_DATABASE_URL_FILE"
    assert str(path) in fault.problem
    assert "xxx" not in fault.problem


def test_a_systemd_credential_is_taken(in_empty_directory: Path) -> None:
    """As a unit's `LoadCredential=idp_key_encryption_key:...` provides it; the environment counts before it."""
    (in_empty_directory / "idp_key_encryption_key").write_text(KEY + "\n")
    loaded = load({"CREDENTIALS_DIRECTORY": str(in_empty_directory)})
    assert loaded.settings.key_encryption_key is not None
    assert loaded.settings.key_encryption_key.get_secret_value() == KEY
    assert sources(loaded)["key_encryption_key"].startswith("credential ")
    other = KEY[::-1]
    loaded = load({"CREDENTIALS_DIRECTORY": str(in_empty_directory), "IDP_KEY_ENCRYPTION_KEY": other})
    assert loaded.settings.key_encryption_key is not None
    assert loaded.settings.key_encryption_key.get_secret_value() == other


@pytest.mark.usefixtures("in_empty_directory")
def test_other_defaults_count_last() -> None:
    """A command may have defaults of its own; they give way to every source."""
    assert load_settings({}, {}, defaults={"port": 1, "development": True}).settings.port == 1
    assert load_settings({}, {"IDP_PORT": "2"}, defaults={"port": 1}).settings.port == 2


@pytest.mark.usefixtures("in_empty_directory")
def test_secrets_are_never_shown() -> None:
    """Neither by `explain` nor in a text of the settings."""
    loaded = load({"IDP_KEY_ENCRYPTION_KEY": KEY})
    assert KEY not in str(loaded.explain())
    assert KEY not in repr(loaded)
    assert KEY not in str(loaded.settings)
    assert {one.key: one.value for one in loaded.explain()}["key_encryption_key"] == "(secret)"


@pytest.mark.usefixtures("in_empty_directory")
def test_explain_has_every_setting() -> None:
    """Nested ones by their dotted key."""
    assert [one.key for one in load().explain()] == list(FIELDS)


def test_settings_are_frozen() -> None:
    """Nobody changes a setting while the provider runs."""
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1
    with pytest.raises(ValidationError):
        settings.lifetimes.code_seconds = 1


@given(st.dictionaries(st.text(max_size=30).map(lambda name: "IDP_" + name), st.text(max_size=50), max_size=4))
def test_no_environment_raises_anything_else(environ: dict[str, str]) -> None:
    """Whatever the variables hold: settings, or a list of faults."""
    environ.pop("IDP_CONFIG", None)
    with suppress(BadSettings):
        load_settings({}, environ, defaults={"home": "/nowhere"})


@given(st.text(max_size=200))
def test_no_file_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever the file holds: settings, or a list of faults."""
    path = tmp_path_factory.mktemp("config") / "idp.toml"
    path.write_text(text, "utf-8", "surrogatepass")
    with suppress(BadSettings):
        load_settings({}, {}, config=path)


def test_the_environment_is_read_here_alone() -> None:
    """No other module of the provider looks at `os.environ` or `os.getenv`."""
    root = Path(__file__).parents[2] / "idp"
    readers = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and (node.attr if isinstance(node, ast.Attribute) else node.id) in {"environ", "getenv", "environb"}
        and not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        and ast.unparse(node).startswith(("os.", "environ", "getenv"))
        and path.name != "events.py"
    }
    assert readers <= {"settings"}
    assert hasattr(os, "environ")
