"""What tests read off the hosted pages."""

import re

import httpx2

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def hidden(page: httpx2.Response) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = dict(HIDDEN.findall(page.text))
    assert found, page.text
    return found
