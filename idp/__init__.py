"""Signet: an OpenID Provider. Sign in once, on one hosted page, and be signed in everywhere."""

__version__ = "0.1.0"
