"""Measurements: what the provider does per core, as ratios of what the machine itself can do, taken in the same run."""
