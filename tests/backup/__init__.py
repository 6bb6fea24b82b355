"""Tests of backup and restore, export and import."""
