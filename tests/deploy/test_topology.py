"""The compose files and what they mount say the same: addresses, names of files, who is believed."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = (DEPLOY / "compose.postgres.yaml").read_text("utf-8")
NGINX = (DEPLOY / "nginx/signet.conf").read_text("utf-8")


def _services() -> dict[str, str]:
    body = COMPOSE.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0]
    _, *parts = re.split(r"(?m)^  (\w+):", body)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _addresses() -> dict[str, str]:
    found = ((name, re.search(r"ipv4_address: ([\d.]+)", text)) for name, text in _services().items())
    return {name: match.group(1) for name, match in found if match}


def test_no_address_is_given_away() -> None:
    """Containers without an address of their own start first, and must not get one that another is to have."""
    subnet = ip_network(_only(r"subnet: (\S+)"))
    others = ip_network(_only(r"ip_range: (\S+)"))
    fixed = [ip_address(address) for address in _addresses().values()]
    assert len(fixed) == len(set(fixed)) == 3
    assert others.subnet_of(subnet)  # type: ignore[arg-type]
    assert all(address in subnet and address not in others for address in fixed)


def test_nginx_asks_the_instances_and_is_believed_by_them() -> None:
    """And nobody else is."""
    addresses = _addresses()
    asked = re.findall(r"server ([\d.]+):9000", (DEPLOY / "nginx/compose-upstream.conf").read_text("utf-8"))
    assert asked == [addresses["one"], addresses["two"]] * 2
    assert _only(r"IDP_TRUSTED_PROXIES: (\S+)") == f"{addresses['nginx']}/32"


def test_what_is_mounted_is_what_nginx_reads() -> None:
    """Files by themselves: a directory of links would lead nowhere in the container."""
    mounts = dict(re.findall(r"- (\S+?|\$\{.+\}\S*):(/\S+):ro$", _services()["nginx"], re.MULTILINE))
    for source, target in mounts.items():
        assert target.rpartition(".")[2] in {"conf", "pem"}
        assert source.startswith("${TLS_DIRECTORY") or (DEPLOY / source).is_file()
    certificates = set(re.findall(r"ssl_certificate(?:_key)? +(\S+);", NGINX))
    assert certificates == {target for target in mounts.values() if target.endswith(".pem")}


@pytest.mark.parametrize("name", ["signet-upstream.conf", "compose-upstream.conf"])
def test_nginx_never_has_nobody_to_ask(name: str) -> None:
    """Instances that it takes for failed are asked once more, each of them, when there is no other."""
    servers = re.findall(r"server (\S+) (.+);", (DEPLOY / "nginx" / name).read_text("utf-8"))
    first = [address for address, told in servers if "backup" not in told]
    assert [(address, told) for address, told in servers if "backup" in told] == [
        (address, "max_fails=0 backup") for address in first
    ]
    # One that is marked as failed meanwhile, and one of the others that has just gone, before one that is there.
    assert "proxy_next_upstream_tries 3;" in NGINX


def test_every_server_of_nginx_logs_paths_only() -> None:
    """The one that leads to https as well: the log of http in a usual nginx.conf has queries."""
    format_ = re.search(r"log_format signet ((?:'[^']*'\s*)+);", NGINX)
    assert format_ is not None
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", format_.group(1))
    servers = NGINX.split("\nserver {")[1:]
    assert len(servers) == 2
    logs = [re.findall(r"access_log (\S+) (\w+);", server) for server in servers]
    assert logs == [[("/var/log/nginx/signet.log", "signet")]] * 2
    # In a container that file would grow for ever.
    assert "ln -sf /dev/stdout /var/log/nginx/signet.log" in _services()["nginx"]


def test_a_proxy_on_the_machine_of_the_small_one_can_be_believed() -> None:
    """Its address is known beforehand, and the setting is passed on."""
    small = (DEPLOY.parent / "compose.yaml").read_text("utf-8")
    (gateway,) = re.findall(r"gateway: ([\d.]+)", small)
    assert "IDP_TRUSTED_PROXIES: ${IDP_TRUSTED_PROXIES:-}" in small
    assert f"IDP_TRUSTED_PROXIES={gateway}" in (DEPLOY.parent / "docs/how-to/docker.md").read_text("utf-8")


def _only(pattern: str) -> str:
    (found,) = re.findall(pattern, COMPOSE)
    return str(found)
