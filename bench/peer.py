"""Another provider on the same flows, in the same run: node-oidc-provider, everything in memory (`peer.mjs`)."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.answers import parsed
from bench.client import request, send_all
from bench.material import VERIFIER
from bench.processes import Running, free_port, running
from bench.provider import REDIRECT_URI, SECRET

VERSION = "9.13.3"
FOLDER = Path(__file__).parent / ".peer"


@dataclass(frozen=True, slots=True)
class Peer:
    """It, running. `is_jwt` says of what form its access tokens are: a JWT or an opaque value."""

    running: Running

    def exchanges(self, alg: str, count: int, *, is_jwt: bool) -> list[bytes]:
        """Return token requests with codes."""
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return [self._post(alg, form | {"code": c}, is_jwt) for c in self._made("codes", alg, count, is_jwt)]

    def refreshes(self, alg: str, count: int, *, is_jwt: bool) -> list[bytes]:
        """Return token requests with refresh tokens."""
        tokens = self._made("refresh", alg, count, is_jwt)
        return [self._post(alg, {"grant_type": "refresh_token", "refresh_token": t}, is_jwt) for t in tokens]

    def client_credentials(self, alg: str, count: int, *, is_jwt: bool) -> list[bytes]:
        """Return token requests of a client for itself."""
        return [self._post(alg, {"grant_type": "client_credentials"}, is_jwt)] * count

    def user_infos(self, count: int) -> list[bytes]:
        """Return UserInfo requests."""
        answers = send_all(self.running.port, self.exchanges("RS256", 64, is_jwt=False)).answers
        headers = [{"authorization": "Bearer " + parsed(answer)["access_token"]} for answer in answers]
        made = [request("GET", "/me", self.running.host, headers=fields) for fields in headers]
        return [made[number % len(made)] for number in range(count)]

    def jwks(self, count: int) -> list[bytes]:
        """Return requests for its keys."""
        return [request("GET", "/jwks", self.running.host)] * count

    def discovery(self, count: int) -> list[bytes]:
        """Return requests for its metadata."""
        return [request("GET", "/.well-known/openid-configuration", self.running.host)] * count

    def _made(self, kind: str, alg: str, count: int, is_jwt: bool) -> list[str]:
        pipes = self.running.process
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        wanted = {"kind": kind, "client": _client(alg, is_jwt), "jwt": is_jwt, "count": count}
        pipes.stdin.write(json.dumps(wanted).encode() + b"\n")
        pipes.stdin.flush()
        made: list[str] = json.loads(pipes.stdout.readline())
        return made

    def _post(self, alg: str, form: dict[str, str], is_jwt: bool) -> bytes:
        basic = "Basic " + base64.b64encode(f"{_client(alg, is_jwt)}:{SECRET}".encode()).decode()
        body = urlencode(form).encode()
        return request("POST", "/token", self.running.host, headers={"authorization": basic}, body=body)


def _client(alg: str, is_jwt: bool) -> str:
    return alg if is_jwt else f"{alg}-opaque"


def install() -> str:
    """Install it beside this module unless it is there, and return its name with versions. Raises `SystemExit`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise SystemExit("--peer needs Node.js and npm (Debian: apt-get install nodejs npm).")
    FOLDER.mkdir(exist_ok=True)
    wanted = {"private": True, "type": "module", "dependencies": {"oidc-provider": VERSION}}
    package = FOLDER / "package.json"
    if not package.exists() or json.loads(package.read_text()) != wanted:
        package.write_text(json.dumps(wanted))
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True)
    shutil.copy(Path(__file__).with_name("peer.mjs"), FOLDER)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"node-oidc-provider {VERSION}, Node.js {version}"


@contextmanager
def running_peer(folder: Path) -> Iterator[Peer]:
    """Serve it until the block ends. It must have been installed."""
    port = free_port()
    command = [shutil.which("node") or "node", str(FOLDER / "peer.mjs"), str(port)]
    with running(command, port, "/jwks", folder, {"NODE_ENV": "production"}) as process:
        yield Peer(process)
