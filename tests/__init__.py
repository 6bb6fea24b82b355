"""Tests of the provider and of the demo relying parties."""
