"""The configurations of `deploy/`, as they are but for ports, files and users, before instances on this machine."""

import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from tests.cli.processes import ROOT, wait_for
from tests.ports import answers

DEPLOY = ROOT / "deploy"
NAME = "login.example.org"


class Proxy(ABC):
    """A proxy that this machine may have."""

    program: str

    def __init__(self, directory: Path, certificate: Path, ports: tuple[int, int], instances: tuple[int, int]) -> None:
        self.directory, self.certificate, self.ports, self.instances = directory, certificate, ports, instances
        self._process: subprocess.Popen[bytes] | None = None
        self.write()

    @classmethod
    def path(cls) -> str | None:
        """Return where the program is."""
        return shutil.which(cls.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")

    @abstractmethod
    def write(self, drained: frozenset[int] = frozenset()) -> None:
        """Write the configuration."""

    @abstractmethod
    def command(self, *, check: bool = False) -> list[str]:
        """Return the command that runs it, or that only reads the configuration."""

    @abstractmethod
    def drain(self, *ports: int) -> None:
        """Give these instances no new requests, and return when they have none; without any, all are used again."""

    def start(self) -> None:
        """Start it and return when it listens."""
        with (self.directory / "proxy.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        wait_for(lambda: answers(self.ports[1]), f"{self.program} does not listen; see {self.directory}/proxy.log")

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)


class Nginx(Proxy):
    """nginx by signet.conf and signet-upstream.conf."""

    program = "nginx"

    def write(self, drained: frozenset[int] = frozenset()) -> None:
        """Write a main file as Debian's is, and ours beside it."""
        site = (DEPLOY / "nginx/signet.conf").read_text("utf-8")
        for before, after in {
            "listen 80;": f"listen 127.0.0.1:{self.ports[0]};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.ports[1]} ssl;",
            "/etc/ssl/signet/fullchain.pem": str(self.certificate),
            "/etc/ssl/signet/privkey.pem": str(self.certificate),
            "/var/log/nginx/signet.log": str(self.directory / "access.log"),
        }.items():
            assert before in site, before
            site = site.replace(before, after)
        site = "".join(line for line in site.splitlines(keepends=True) if "listen [::]" not in line)
        upstream = (DEPLOY / "nginx/signet-upstream.conf").read_text("utf-8")
        for number, port in zip((9001, 9002), self.instances, strict=True):
            before = f"server 127.0.0.1:{number} "
            assert before in upstream
            upstream = upstream.replace(before, f"server 127.0.0.1:{port} {'down ' if port in drained else ''}")
        temporary = "".join(
            f"{kind}_temp_path {self.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = (
            f"daemon off;\nworker_processes 2;\npid {self.directory}/pid;\nerror_log {self.directory}/error.log info;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}"
            f"include {self.directory}/signet-upstream.conf;\ninclude {self.directory}/signet.conf;\n}}\n"
        )
        for name, text in {"signet.conf": site, "signet-upstream.conf": upstream, "nginx.conf": main}.items():
            (self.directory / name).write_text(text, "utf-8")

    def command(self, *, check: bool = False) -> list[str]:
        """Return the command."""
        flags = ["-t", "-q"] if check else []
        return [str(self.path()), "-c", str(self.directory / "nginx.conf"), "-e", f"{self.directory}/error.log", *flags]

    def workers(self) -> set[int]:
        """Return the worker processes, those that finish their last requests included."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return set(map(int, children))

    def drain(self, *ports: int) -> None:
        """Mark the instances `down`, reload, and wait until the workers of before have ended, as the how-to tells."""
        before = self.workers()
        self.write(frozenset(ports))
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        wait_for(lambda: not before & self.workers(), "the old workers do not end")


class HAProxy(Proxy):
    """HAProxy by haproxy.cfg."""

    program = "haproxy"

    def write(self, drained: frozenset[int] = frozenset()) -> None:
        """Write the configuration, without another user and root directory."""
        text = (DEPLOY / "haproxy.cfg").read_text("utf-8")
        for before, after in {
            "log /dev/log local0": "log stdout format raw local0",
            "user haproxy\n": "\n",
            "group haproxy\n": "\n",
            "chroot /var/lib/haproxy\n": "\n",
            "/run/haproxy/admin.sock": str(self.directory / "admin.sock"),
            "bind :80\n": f"bind 127.0.0.1:{self.ports[0]}\n",
            "bind :443 ": f"bind 127.0.0.1:{self.ports[1]} ",
            "/etc/haproxy/certs/": str(self.certificate),
            "127.0.0.1:9001": f"127.0.0.1:{self.instances[0]}",
            "127.0.0.1:9002": f"127.0.0.1:{self.instances[1]}",
        }.items():
            assert before in text, before
            text = text.replace(before, after)
        (self.directory / "haproxy.cfg").write_text(text, "utf-8")

    def command(self, *, check: bool = False) -> list[str]:
        """Return the command; warnings count as errors."""
        return [
            str(self.path()),
            "-dW",
            "-f",
            str(self.directory / "haproxy.cfg"),
            *(["-c", "-q"] if check else ["-db"]),
        ]

    def drain(self, *ports: int) -> None:
        """Drain by the admin socket and wait until the instance has no session, as the how-to tells."""
        for name, port in zip(("one", "two"), self.instances, strict=True):
            self._say(f"set server signet/{name} state {'drain' if port in ports else 'ready'}")
            if port in ports:
                wait_for(lambda name=name: self._sessions(name) == 0, f"{name} still has sessions")
            else:
                wait_for(lambda name=name: self._is_up(name), f"{name} is not up")

    def _sessions(self, name: str) -> int:
        return int(self._row(name)[4])

    def _is_up(self, name: str) -> bool:
        return self._row(name)[17] == "UP"

    def _row(self, name: str) -> list[str]:
        (line,) = (row for row in self._say("show stat").splitlines() if row.startswith(f"signet,{name},"))
        return line.split(",")

    def _say(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.directory / "admin.sock"))
            admin.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: admin.recv(65_536), b"")).decode()


PROXIES: dict[str, type[Proxy]] = {"nginx": Nginx, "haproxy": HAProxy}
