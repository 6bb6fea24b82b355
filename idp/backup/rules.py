"""What becomes of each table at a restore: nothing that was spent or revoked after the backup may live again (R4, R7).

Nothing in the file tells what that was, so all that could have been is ended. What can be had anew by signing in is
left out: to a token or cookie, unknown and ended are one. `docs/adr/0016-backup-and-restore.md` goes through them all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from idp.accounts import browsers, restores

Row = list[Any]
# Returns the row as it is to be restored, or None for one that is left out.
Change = Callable[[Row], Row | None]
Rule = Callable[[Sequence[str], int], Change]

NOT_RESTORED = frozenset({"recovery_code", "mailed_code", browsers.KNOWN, browsers.REMEMBERED})
GIVEN_UP = "given up by a restore"


def keep(_columns: Sequence[str], _now: int) -> Change:
    """Restore as it was."""
    return lambda row: row


def leave_out(_columns: Sequence[str], _now: int) -> Change:
    """Restore nothing."""
    return lambda _row: None


def spend(columns: Sequence[str], now: int) -> Change:
    """Restore every artifact as consumed, whatever it is. What works once is refused, and told apart from what never
    was; what bars something by being there, such as a `jti` that was seen, still does."""
    kind, consumed_at = columns.index("kind"), columns.index("consumed_at")

    def change(row: Row) -> Row | None:
        if row[kind] == restores.KIND:
            return None
        row[consumed_at] = now if row[consumed_at] is None else row[consumed_at]
        return row

    return change


def give_up(columns: Sequence[str], now: int) -> Change:
    """Restore messages for the record; those under way were delivered since, or were overtaken."""
    delivered_at, failed_at, result = (columns.index(name) for name in ("delivered_at", "failed_at", "last_result"))

    def change(row: Row) -> Row | None:
        if row[delivered_at] is None and row[failed_at] is None:
            row[failed_at], row[result] = now, GIVEN_UP
        return row

    return change


def keep_what_is_not_spent(columns: Sequence[str], now: int) -> Change:
    """Restore authenticators; but one of the recovery codes may have been used since, and which nobody can tell, and a
    browser may have been forgotten. A code of an app that counts now may have been used as well."""
    method, counter = columns.index("method"), columns.index("counter")

    def change(row: Row) -> Row | None:
        if row[method] in NOT_RESTORED:
            return None
        if row[method] == "totp":
            row[counter] = max(row[counter], now // 30 + 1)
        return row

    return change


# Every table of every schema has its line.
RULES: Mapping[str, Rule] = {
    "account_names": keep,
    "accounts": keep,
    "artifacts": spend,
    "audit": keep,
    "authenticators": keep_what_is_not_spent,
    "clients": keep,
    # One may have been withdrawn; being asked again costs a click.
    "consents": leave_out,
    "credentials": keep,
    "grants": leave_out,
    "outbox": give_up,
    "refresh_tokens": leave_out,
    "resources": keep,
    "sessions": leave_out,
    # One may have been withdrawn as compromised, and tokens of the lost time must not count.
    "signing_keys": leave_out,
    "subjects": keep,
    # A throttle that is too strict for some minutes does no harm, one that is forgotten does.
    "throttles": keep,
}
