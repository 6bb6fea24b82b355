"""The hosted pages, one module each: what is due, what was sent, and back to the dispatcher."""
