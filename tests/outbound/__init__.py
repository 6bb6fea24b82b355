"""Tests of what the provider sends to others: the guarded client and the outbox's worker."""
