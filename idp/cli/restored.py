"""What `idp restore` says at its end: what there is now, what is not, and what only people can know."""

from typing import TYPE_CHECKING

from idp.cli.output import instant

if TYPE_CHECKING:
    from idp.backup.carrying import Carried
    from idp.backup.checking import Checked
    from idp.backup.restoring import Restored

ENDED = {"sessions": "sessions", "grants": "grants", "refresh_tokens": "refresh tokens", "consents": "consents"}
UNKNOWN = """\
What happened after that moment is not in it. Before people come in, look into the log, your mail and your tickets for
what was done since, and do it again:
  - accounts disabled, made, or given other roles       idp user disable | add | roles NAME
  - accounts closed or removed (account.removed in      idp user remove NAME
    the log has the sub), by their owners too
  - passwords changed: the old ones count again         idp user passwd NAME
  - clients disabled, removed, changed or registered    idp client disable | remove | add ID
  - client secrets rotated: the old ones count again    idp client rotate-secret ID
  - resources changed                                   idp resource add URI"""
ALWAYS = """\
Everybody signs in again, and consents again. New signing keys were made; the old ones verify nothing here any more.
Registration access tokens count as of the backup. Invitations have ended: idp client invite. Logout notices that were
on their way were given up. Applications that keep sessions of their own keep them."""
MOVED = """\
Moved: sessions, grants, tokens and signing keys live on. Never start a provider on the old database again: what is
spent in one would count in the other."""
LOST_KEY = "The secrets of these clients were sealed under the lost key; make new ones: idp client rotate-secret ID"


def what_was_restored(checked: "Checked", restored: "Restored") -> str:
    """Return what there is now."""
    header, rows = checked.header, restored.rows
    moment = f"Restored to {instant(header.made_at)} (schema {header.schema}, made by {header.program}):"
    kept = ", ".join(f"{rows.get(table, 0)} {table}" for table in ("accounts", "clients", "resources"))
    ended = ", ".join(f"{restored.left_out.get(table, 0)} {name}" for table, name in ENDED.items())
    return f"{moment} {kept}.\nNot restored, and so ended: {ended}."


def what_to_check(checked: "Checked", *, moves: bool, lost_key: bool, carried: "Carried | None") -> str:
    """Return what an operator has to know and to do."""
    if moves:
        return MOVED
    parts = [ALWAYS]
    if carried is None:
        parts.append(UNKNOWN)
    else:
        parts.append(
            f"Taken over from the old database: {carried.accounts} accounts and {carried.clients} clients made or "
            f"changed since, and all resources; {carried.removed_clients} clients and "
            f"{carried.removed_accounts} accounts removed there are gone."
        )
    if lost_key and checked.secrets:
        parts += [LOST_KEY, *(f"  - {name}" for name in sorted({secret.client_id for secret in checked.secrets}))]
    return "\n".join(parts)
