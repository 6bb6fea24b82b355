"""Commands for who works on the provider."""
