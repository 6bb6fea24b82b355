"""The edge: HTTP in, one core call, HTTP out; and the hosted pages."""
