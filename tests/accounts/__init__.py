"""The domain rules of accounts, sessions, grants and clients over a real store."""
