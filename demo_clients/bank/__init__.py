"""The Bank: a relying party with an API of its own, `/api/accounts`. Run it with `python -m demo_clients.bank`."""
