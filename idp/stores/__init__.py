"""Durable state: records, the contracts of the stores that keep them, and the backends."""
