"""Tests of keys, sealing, and tokens signed and verified."""
