"""A mail server on loopback: takes mails, or does what a test tells it to, and remembers what came."""

import email
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import BinaryIO

Reply = Callable[[str], str | None]


@dataclass
class Sink:
    """What came: `mails` as they were received, `envelopes` (sender, recipients), `commands`, and whether each mail
    came over TLS."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    reply: Reply = lambda _command: None

    def text(self) -> str:
        """Return the plain text of the last mail."""
        body = self.mails[-1].get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


@contextmanager
def sink(certificate: Path | None = None, *, tls_at_once: bool = False) -> Iterator[Sink]:
    """Run a mail server until the block ends; with a certificate it offers STARTTLS, or speaks TLS at once. What
    `reply` returns for a command is said instead of what a server would say; an empty text: nothing at all."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    found, ending, threads = Sink(port=listener.getsockname()[1]), threading.Event(), []

    def accept() -> None:
        while not ending.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                thread = threading.Thread(target=serve, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(5)
            _Conversation(found, context, ending).hold(connection, tls_at_once)

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        yield found
    finally:
        ending.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(6)


class _Conversation:
    def __init__(self, found: Sink, context: ssl.SSLContext | None, ending: threading.Event) -> None:
        self._sink, self._context, self._ending = found, context, ending
        self._sender, self._recipients = "", list[str]()

    def hold(self, connection: socket.socket, tls_at_once: bool) -> None:
        if tls_at_once and self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        self._talk(connection)

    def _talk(self, connection: socket.socket, greeting: str = "220 sink") -> None:
        """Go on until the other side ends it; closes what it was given."""
        with connection, connection.makefile("rb") as reader:
            if greeting:
                self._say(connection, "CONNECT", greeting)
            self._answer_all(connection, reader)

    def _answer_all(self, connection: socket.socket, reader: BinaryIO) -> None:
        while line := reader.readline().decode().strip():
            self._sink.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "DATA" and self._sink.reply(line) is None:
                self._say(connection, "", "354 go on")
                self._keep(reader.readline, isinstance(connection, ssl.SSLSocket))
                self._say(connection, "END", "250 kept")
            elif verb == "STARTTLS" and self._context:
                self._say(connection, line, "220 ready")
                self._talk(self._context.wrap_socket(connection, server_side=True), greeting="")
                return
            else:
                self._say(connection, line, self._answer(line, verb, isinstance(connection, ssl.SSLSocket)))
            if verb == "QUIT":
                return

    def _answer(self, line: str, verb: str, is_tls: bool) -> str:
        if verb == "MAIL":
            self._sender, self._recipients = line.partition(":")[2].split(" ")[0], []
        if verb == "RCPT":
            self._recipients.append(line.partition(":")[2].split(" ")[0])
        offer = "250-STARTTLS\r\n" if self._context and not is_tls else "250-AUTH PLAIN\r\n"
        return {"EHLO": f"250-sink\r\n{offer}250 8BITMIME", "AUTH": "235 welcome", "QUIT": "221 bye"}.get(
            verb, "250 ok"
        )

    def _keep(self, readline: Callable[[], bytes], is_tls: bool) -> None:
        lines = []
        while (line := readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        message = email.message_from_bytes(b"".join(lines), policy=default)
        assert isinstance(message, EmailMessage)
        self._sink.envelopes.append((self._sender, self._recipients))
        self._sink.encrypted.append(is_tls)
        self._sink.mails.append(message)

    def _say(self, connection: socket.socket, command: str, usual: str) -> None:
        words = self._sink.reply(command)
        if words == "":
            self._ending.wait(20)
            return
        connection.sendall(((usual if words is None else words) + "\r\n").encode())
