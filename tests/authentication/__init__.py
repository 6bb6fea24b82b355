"""Passwords, throttling and sign-in over a real store."""
