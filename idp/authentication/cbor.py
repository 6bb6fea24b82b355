"""The outline of CBOR (RFC 8949), walked before anything decodes it, so that a stranger's bytes cost little (R18).

Only what CTAP2's canonical form allows passes (CTAP 2.2 §8): definite lengths, no tags, no key twice, four levels. The
order of keys is left alone, for authenticators differ in it.
"""

# CTAP 2.2 §8.
DEEPEST = 4
_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7
# The additional information that says how many bytes of the argument follow; below 24 it is the argument.
_FOLLOWING = {24: 1, 25: 2, 26: 4, 27: 8}
_FALSE, _NULL = 20, 22


class NotCanonical(ValueError):
    """Bytes that are no CBOR, or of a form that no authenticator sends."""


def check_one_item(data: bytes) -> None:
    """Raises `NotCanonical` unless the bytes are one item and nothing else."""
    if end_of_item(data, 0) != len(data):
        raise NotCanonical("bytes after the item")


def end_of_item(data: bytes, at: int, depth: int = 0) -> int:
    """Return where the item ends that begins at `at`. Raises `NotCanonical`."""
    if depth > DEEPEST:
        raise NotCanonical("nested too deeply")
    major, argument, at = _head(data, at)
    if major in {_BYTES, _TEXT}:
        return _within(data, at + argument)
    if major == _ARRAY:
        for _ in range(_count(data, argument)):
            at = end_of_item(data, at, depth + 1)
    elif major == _MAP:
        keys = set()
        for _ in range(_count(data, argument)):
            end = end_of_item(data, at, depth + 1)
            keys.add(data[at:end])
            at = end_of_item(data, end, depth + 1)
        if len(keys) != argument:
            raise NotCanonical("a key twice")
    elif major == _TAG or (major == _SIMPLE and not _FALSE <= argument <= _NULL):
        raise NotCanonical("a tag or a value that has no place here")
    return at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the major type, the argument, and where what follows begins."""
    _within(data, at + 1)
    major, information = data[at] >> 5, data[at] & 31
    at += 1
    if information < min(_FOLLOWING):
        return major, information, at
    if information not in _FOLLOWING:
        raise NotCanonical("an indefinite length")
    end = _within(data, at + _FOLLOWING[information])
    return major, int.from_bytes(data[at:end]), end


def _count(data: bytes, argument: int) -> int:
    """Return a number of items, each of which takes a byte at least."""
    _within(data, argument)
    return argument


def _within(data: bytes, end: int) -> int:
    if end > len(data):
        raise NotCanonical("it ends too early")
    return end
