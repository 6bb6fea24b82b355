"""Typed request parameters: a `Parameter[T]` is the key under which a specification reads its own parameter."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from idp.protocol.errors import InvalidRequest
from idp.protocol.messages import Fields, Request

# One value may be as long as a request object or a `state` of a careless client; the edge bounds the whole request.
LONGEST_VALUE = 16_384

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T_co]):
    """A request parameter: its wire `name`, how its text is parsed (`parse` raises a ProtocolError), whether it may be
    repeated, and whether it is `carried` from the authorization request to the token endpoint. The text of a `json` one
    is JSON, so that a request object holds the value itself (RFC 9101 §4)."""

    name: str
    parse: Callable[[str], T_co]
    many: bool = False
    carried: bool = False
    json: bool = False


class Params:
    """The parameters of one request by name: empty ones are omitted ones (RFC 6749 §3.1), unknown ones are kept
    unread. Values are parsed when they are read, so that a fault is reported by whoever needs the value."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = values

    @classmethod
    def read(cls, fields: Iterable[tuple[str, str]], known: Mapping[str, Parameter[object]]) -> "Params":
        """Collect form or query fields. Raises `InvalidRequest` when a known single-valued parameter comes twice
        (RFC 6749 §3.1) or a value is too long. Unknown parameters are ignored (OIDC Core §3.1.2.1)."""
        values: dict[str, tuple[str, ...]] = {}
        for name, value in fields:
            parameter = known.get(name)
            if parameter is None or not value:
                continue
            if name in values and not parameter.many:
                raise InvalidRequest(f"The parameter {name} is sent more than once (RFC 6749 section 3.1).")
            if len(value) > LONGEST_VALUE:
                raise InvalidRequest(f"The parameter {name} is too long; {LONGEST_VALUE} characters are the limit.")
            values[name] = (*values.get(name, ()), value)
        return cls(values)

    def get(self, parameter: Parameter[T]) -> T | None:
        """Return the parsed value, or None when the parameter is absent."""
        values = self._values.get(parameter.name)
        return parameter.parse(values[0]) if values else None

    def require(self, parameter: Parameter[T]) -> T:
        """Return the parsed value; raises `InvalidRequest` when the parameter is absent."""
        values = self._values.get(parameter.name)
        if not values:
            raise InvalidRequest(f"The parameter {parameter.name} is missing.")
        return parameter.parse(values[0])

    def all(self, parameter: Parameter[T]) -> tuple[T, ...]:
        """Return every value of a repeatable parameter, in order, each once."""
        return tuple(dict.fromkeys(parameter.parse(value) for value in self._values.get(parameter.name, ())))

    def select(self, parameters: Iterable[Parameter[object]]) -> dict[str, list[str]]:
        """Return the raw values of these parameters as JSON, to be stored and read back by `Params.stored`."""
        return {p.name: list(self._values[p.name]) for p in parameters if p.name in self._values}

    def without(self, parameter: Parameter[object]) -> "Params":
        """Return the same parameters less one."""
        return Params({name: values for name, values in self._values.items() if name != parameter.name})

    def overlaid(self, other: "Params") -> "Params":
        """Return the parameters of both; where both have one, the other's."""
        return Params({**self._values, **other._values})

    @classmethod
    def stored(cls, values: Mapping[str, list[str]]) -> "Params":
        """Read back what `select` or `pairs` gave."""
        return cls({name: tuple(texts) for name, texts in values.items()})

    def pairs(self) -> dict[str, list[str]]:
        """Return all raw values as JSON."""
        return {name: list(values) for name, values in self._values.items()}


def read_fields(request: Request, known: Mapping[str, Parameter[object]]) -> Params:
    """Return the parameters of an endpoint that takes them in the query of a GET or the form of a POST.

    Raises `InvalidRequest` as `Params.read`, and when a POST has a known one in its query too: two readers of such a
    request could believe different ones (R3)."""
    if request.method == "POST" and any(name in known for name, _ in request.query):
        raise InvalidRequest("Send the parameters in the body or in the query, not in both.")
    return Params.read(request.fields, known)


def each_once(fields: Fields | None) -> dict[str, str]:
    """Return the fields of a page's form or address by name. Raises `InvalidRequest` when one comes twice: our own
    pages have none that does (R3)."""
    values: dict[str, str] = {}
    for name, value in fields or ():
        if name in values:
            raise InvalidRequest("A field of this page was sent more than once.")
        values[name] = value
    return values


def parse_text(text: str) -> str:
    """Accept any text."""
    return text


def parse_words(text: str) -> tuple[str, ...]:
    """Parse a space-delimited list (RFC 6749 §3.3) into its distinct words, in order."""
    return tuple(dict.fromkeys(word for word in text.split(" ") if word))


# The parameters of RFC 6749 that more than one specification reads.
CLIENT_ID = Parameter(name="client_id", parse=parse_text)
CLIENT_SECRET = Parameter(name="client_secret", parse=parse_text)
REDIRECT_URI = Parameter(name="redirect_uri", parse=parse_text)
RESPONSE_TYPE = Parameter(name="response_type", parse=parse_text)
RESPONSE_MODE = Parameter(name="response_mode", parse=parse_text)
SCOPE = Parameter(name="scope", parse=parse_words)
STATE = Parameter(name="state", parse=parse_text)
GRANT_TYPE = Parameter(name="grant_type", parse=parse_text)
# OIDC Core §3.1.2.1; read by the interaction and by every specification that brings a prompt.
PROMPT = Parameter(name="prompt", parse=parse_words)
# RFC 7009 §2.1, which RFC 7662 §2.1 shares. The hint is only a hint: every kind of token is looked for.
TOKEN = Parameter(name="token", parse=parse_text)
TOKEN_TYPE_HINT = Parameter(name="token_type_hint", parse=parse_text)
# OIDC Core §3.1.2.1, which RP-Initiated Logout §2 shares.
ID_TOKEN_HINT = Parameter(name="id_token_hint", parse=parse_text)
# OIDC Core §3.1.2.1; binds an ID Token to the request, so it comes along to wherever one is made.
NONCE = Parameter(name="nonce", parse=parse_text, carried=True)
LOGIN_HINT = Parameter(name="login_hint", parse=parse_text)
UI_LOCALES = Parameter(name="ui_locales", parse=parse_words)
