"""Authentication: who someone is, by which method, how strongly, and how often one may try."""
