"""Backups: one file that depends on no kind of database, how it is made, and by which rules it is restored."""
