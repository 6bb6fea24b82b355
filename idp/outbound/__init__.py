"""Everything that the provider sends to others of its own accord: a guarded HTTP client and the outbox's worker."""
