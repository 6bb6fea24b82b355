"""Settings: frozen, checked wholly before anything starts, each with a safe default.

One order for all: command line > environment `IDP_*` (`__` for nesting) > `idp.toml` > default. A secret may also come
from a file, by `IDP_..._FILE`. Unknown keys are an error. The environment is read here alone.
"""

from idp.settings.faults import BadSettings, Fault
from idp.settings.judgement import switched_on, unsafe
from idp.settings.loading import Explained, Loaded, load_settings
from idp.settings.model import FIELDS, Argon2, Keys, Lifetimes, Settings, Throttle
from idp.settings.values import is_loopback

__all__ = [
    "FIELDS",
    "Argon2",
    "BadSettings",
    "Explained",
    "Fault",
    "Keys",
    "Lifetimes",
    "Loaded",
    "Settings",
    "Throttle",
    "is_loopback",
    "load_settings",
    "switched_on",
    "unsafe",
]
