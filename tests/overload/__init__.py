"""What a provider does with more than it can do (R18): `python -m tests.overload`; it takes minutes."""
