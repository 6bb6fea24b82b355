"""Domain rules over the stores: accounts, sessions, grants, clients. No HTTP is known here."""
