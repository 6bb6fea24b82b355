"""The edge: HTTP in, one core call in one worker thread, HTTP out; and the hosted pages."""
