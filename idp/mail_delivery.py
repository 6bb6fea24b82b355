"""Delivery of mails: look up whom it is for, make the link that it carries, write it, hand it to the mail server."""

from collections.abc import Callable
from email.message import EmailMessage

from idp.accounts import alarms, emails, recovery, sign_up
from idp.accounts.accounts import find_account
from idp.accounts.audit import record
from idp.accounts.mails import Letter, Unwritable, address_of, language_of_mail
from idp.accounts.names import canonical_name
from idp.authentication.methods import mailed_code
from idp.jose.sealing import CannotOpen
from idp.outbound.failures import OutboundFailed
from idp.outbound.outbox import DeliveryFailed
from idp.protocol.context import Server
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, OutboxMessage

NOBODY = "nobody to write to"


class MailDelivery:
    """Delivers mails. Without `send` there is no mail server, and they are given up."""

    def __init__(
        self,
        server: Server,
        compose: Callable[[Letter], EmailMessage],
        send: Callable[[EmailMessage], str] | None,
    ) -> None:
        self._server, self._compose, self._send = server, compose, send
        self._writers = {
            emails.TEMPLATE: self._verification,
            alarms.TEMPLATE: self._sign_in_notice,
            mailed_code.TEMPLATE: self._sign_in_code,
            sign_up.TEMPLATE: self._sign_up,
            sign_up.INVITATION_TEMPLATE: self._invitation,
        }

    def deliver(self, message: OutboxMessage) -> str:
        """Send one mail and return a line for the delivery log. Raises `DeliveryFailed`, `OutboundFailed`."""
        if self._send is None:
            raise DeliveryFailed("no mail server is set (mail.host)", retry=False)
        template = message.payload["template"]
        if template == recovery.TEMPLATE:
            return self._deliver_reset(message)
        write = self._writers.get(template, self._notice)
        letter = write(message)
        return self._send(self._composed(letter)) if letter else NOBODY

    def _deliver_reset(self, message: OutboxMessage) -> str:
        """Send a link to set a new password. Each attempt makes a new one: what an earlier one sent, if it did after
        all, does not count any more."""
        letter, account_id = self._reset_letter(message)
        if letter is None:
            return NOBODY if account_id is None else "enough mails for this hour"
        try:
            return self._send(self._composed(letter)) if self._send else NOBODY
        except (DeliveryFailed, OutboundFailed):
            with self._server.storage.begin() as uow:
                self._server.throttle.reset_mail_not_sent(uow, account_id or "")
            raise

    def _reset_letter(self, message: OutboxMessage) -> tuple[Letter | None, str | None]:
        server, now = self._server, self._server.clock.now()
        with server.storage.begin() as uow:
            try:
                account = recovery.find_requester(uow, server.vault, message.payload)
            except CannotOpen as fault:
                raise DeliveryFailed(str(fault), retry=False) from fault
            if account is None:
                return None, None
            if server.throttle.count_reset_mail(uow, account.account_id, now) is not None:
                return None, account.account_id
            seconds = server.settings.lifetimes.reset_link_seconds
            token = recovery.issue_link_token(uow, account, now, seconds=seconds)
            record(uow, "recovery.mailed", now=now, account_id=account.account_id)
        link = recovery.reset_link(server.settings.issuer, token)
        to = address_of(account) or ""
        letter = Letter(
            template=recovery.TEMPLATE,
            to=to,
            username=account.username,
            language=self._language(account, message),
            link=link,
        )
        return letter, account.account_id

    def _notice(self, message: OutboxMessage) -> Letter | None:
        with self._server.storage.snapshot() as uow:
            account = uow.accounts.find(message.payload["account_id"])
        if account is None:
            return None
        return Letter(
            template=message.payload["template"],
            to=message.destination,
            username=account.username,
            language=self._language(account, message),
            at=message.payload.get("at"),
        )

    def _sign_in_notice(self, message: OutboxMessage) -> Letter | None:
        """Return the mail that tells of a new browser; each attempt makes a link of its own."""
        server, about = self._server, message.payload
        with server.storage.begin() as uow:
            account = uow.accounts.find(about["account_id"])
            if account is None or not account.is_open:
                return None
            now, browser_id = server.clock.now(), about["browser_id"]
            token = alarms.issue_alarm_token(uow, account.account_id, browser_id, now, at=about["at"])
        return Letter(
            template=alarms.TEMPLATE,
            to=message.destination,
            username=account.username,
            language=self._language(account, message),
            link=self._link(alarms.PATH, token),
            at=about["at"],
            zoneinfo=account.claims.get("zoneinfo"),
            browser=about["browser"],
            address=about["address"],
        )

    def _sign_in_code(self, message: OutboxMessage) -> Letter | None:
        """Return the mail with a code; each attempt makes a new one. Who waited too long asks for another."""
        server, now = self._server, self._server.clock.now()
        if message.created_at + mailed_code.CODE_SECONDS <= now:
            raise DeliveryFailed("nobody waits for it any more", retry=False)
        with server.storage.begin() as uow:
            account = uow.accounts.hold(message.payload["account_id"])
            if account is None or not account.is_open or address_of(account) != message.destination:
                return None
            code = mailed_code.issue_code(uow, server.vault, account.account_id, message.payload["page"], now)
        language = self._language(account, message)
        return Letter(
            template=mailed_code.TEMPLATE,
            to=message.destination,
            username=account.username,
            language=language,
            code=code,
        )

    def _verification(self, message: OutboxMessage) -> Letter | None:
        """Return the mail with which an address is confirmed, unless the account has had another one or another
        password since, or another account has this one."""
        server, email, now = self._server, message.destination, self._server.clock.now()
        with server.storage.begin() as uow:
            account = uow.accounts.find(message.payload["account_id"])
            if account is None or not emails.is_as_asked(uow, account, message.payload):
                return None
            self._count(uow, message, f"{emails.KIND} {account.account_id}", now)
            token = emails.issue_verification_token(uow, account, email, now)
        if token is None:
            return None
        link, language = self._link(emails.PATH, token), self._language(account, message)
        return Letter(template=emails.TEMPLATE, to=email, username=account.username, language=language, link=link)

    def _sign_up(self, message: OutboxMessage) -> Letter | None:
        """Return the mail to somebody who wants an account: a link, or word to the owner of the one that there is."""
        server, now = self._server, self._server.clock.now()
        with server.storage.begin() as uow:
            try:
                wish = sign_up.open_request(server.vault, message.payload)
            except CannotOpen as fault:
                raise DeliveryFailed(str(fault), retry=False) from fault
            self._count(uow, message, f"{sign_up.KIND} {canonical_name(wish.email)}", now)
            owner = find_account(uow, wish.email)
            if owner is not None:
                return self._taken(owner, message)
            seconds = server.settings.lifetimes.sign_up_link_seconds
            token = sign_up.issue_link_token(uow, server.vault, wish, now, seconds=seconds)
        link, language = self._link(sign_up.FINISH_PATH, token), self._language(None, message)
        return Letter(template=sign_up.TEMPLATE, to=wish.email, username="", language=language, link=link)

    def _taken(self, owner: Account, message: OutboxMessage) -> Letter | None:
        # To the stored address, however it was written by who asked (LG-31).
        to = address_of(owner) if owner.is_open else None
        if to is None:
            return None
        language = self._language(owner, message)
        return Letter(template=sign_up.TAKEN_TEMPLATE, to=to, username=owner.username, language=language)

    def _invitation(self, message: OutboxMessage) -> Letter | None:
        """Return an invitation, unless the address has an account by now."""
        server, email, now = self._server, message.destination, self._server.clock.now()
        with server.storage.begin() as uow:
            if find_account(uow, email) is not None:
                return None
            days, roles = server.settings.sign_up.invitation_days, message.payload["roles"]
            token = sign_up.issue_invitation_token(uow, email, roles, now, days=days, is_mailed=True)
        link, language = self._link(sign_up.FINISH_PATH, token), self._language(None, message)
        return Letter(template=sign_up.INVITATION_TEMPLATE, to=email, username="", language=language, link=link)

    def _count(self, uow: UnitOfWork, message: OutboxMessage, about: str, now: int) -> None:
        """Count a mail with a link, once however often it is tried: nobody's letter box is to be filled by strangers.
        Raises `DeliveryFailed`."""
        if message.attempts == 1 and self._server.throttle.count_reset_mail(uow, about, now) is not None:
            raise DeliveryFailed("enough mails for this hour", retry=False)

    def _link(self, path: str, token: str) -> str:
        return f"{self._server.url(path)}?token={token}"

    def _language(self, account: Account | None, message: OutboxMessage) -> str:
        return language_of_mail(account, message.payload, self._server.settings.default_locale)

    def _composed(self, letter: Letter) -> EmailMessage:
        try:
            return self._compose(letter)
        except Unwritable as fault:
            raise DeliveryFailed(f"cannot be written: {fault}", retry=False) from fault
