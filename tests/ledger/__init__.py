"""A ledger of all that the provider has acknowledged, held against it after each fault (R21, R22).

`python -m tests.ledger --kills 200 [--postgresql] [--workers N]` and `python -m tests.ledger.fail_over`; by hand, some
minutes. The suite runs three kills.
"""
