"""Tests of the three relying parties against a provider of the tests' own, which can be honest or hostile."""
