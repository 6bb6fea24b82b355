"""Which device a session is on, as far as its User-Agent says: browser and system, in words that people know.

The header is what the browser chose to say: good for recognising one's own devices, of no use against anybody."""

# The first that is found counts: most browsers say to be others too.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def described(user_agent: str) -> str:
    """Return what is known of a browser in one line; empty for nothing."""
    return " · ".join(name for name in (browser_of(user_agent), system_of(user_agent)) if name)


def browser_of(user_agent: str) -> str:
    """Return the browser's name; empty when it is none that we know."""
    return next((name for token, name in BROWSERS if token in user_agent), "")


def system_of(user_agent: str) -> str:
    """Return the system's name; empty when it is none that we know."""
    return next((name for token, name in SYSTEMS if token in user_agent), "")
