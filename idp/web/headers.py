"""Security headers: on every answer, refusals included (R17). `ALWAYS` is joined by one policy, a page's own or the
default, which alone says whether the answer may be framed."""

from urllib.parse import urlsplit

from idp.protocol.messages import Fields

ALWAYS: Fields = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# Two years, the value that browsers' preload lists ask for.
HSTS: Fields = (("strict-transport-security", "max-age=63072000"),)
# For browsers that do not know frame-ancestors; it goes with every policy that has 'none' there.
UNFRAMED: Fields = (("x-frame-options", "DENY"),)
NOT_A_PAGE: Fields = (("content-security-policy", "default-src 'none'; frame-ancestors 'none'"), *UNFRAMED)
# The only page that others may frame shows nothing and takes no input but messages (Session Management §3.2).
FRAMED: Fields = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors *",
    ),
)


def page_policy(targets: tuple[str, ...] = (), frames: tuple[str, ...] = (), images: tuple[str, ...] = ()) -> Fields:
    """Return the Content-Security-Policy of a page. `targets` are URIs to which its form may lead in the end: browsers
    apply form-action to the redirect that follows a POST as well, so the client's origin has to be in it. `frames` are
    the URIs that the page loads in frames, `images` those of other places' images; none is the rule."""
    form_action = " ".join(("'self'", *dict.fromkeys(_source(uri) for uri in targets)))
    img_src = " ".join(("'self'", *(_image_source(uri) for uri in images)))
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {img_src}; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    if frames:
        policy += f"; frame-src {' '.join(dict.fromkeys(_source(uri) for uri in frames))}"
    return (("content-security-policy", policy), *UNFRAMED)


def _source(uri: str) -> str:
    """Return the CSP source of a validated redirect URI: its origin, or its scheme where an origin cannot be said."""
    parts = urlsplit(uri)
    # CSP has no syntax for IPv6 addresses, and private-use schemes have no origin.
    if parts.scheme not in {"http", "https"} or parts.netloc.startswith("["):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def _image_source(uri: str) -> str:
    """Return the CSP source of one image: its address, less the query, which CSP has no syntax for (CSP3 §2.3.1)."""
    # A path may hold the characters that end a source or a directive.
    return _source(uri) + urlsplit(uri).path.replace(";", "%3B").replace(",", "%2C")
