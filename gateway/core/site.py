"""Which web pages may connect: those of this server, under a name known to be its own, and those named."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from bridge.origin import canonical


@dataclass(frozen=True, slots=True)
class Asked:
    """What a handshake says: the page's origin, and the host that it asked for, with its port.

    `scheme` is what a proxy that is trusted says, empty where none does: a proxy that ends TLS may be silent.
    """

    origin: str
    host: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """`origins` may connect from anywhere, canonical, `*` for all. `hosts` are the names under which this
    server may be asked, None where nobody has set them, `*` for all; `own` those of the machine itself."""

    origins: frozenset[str]
    hosts: frozenset[str] | None
    own: frozenset[str]

    def refusal(self, asked: Asked) -> str | None:
        """What the operator can do for a page that may not connect; None for one that may.

        The name that a page was loaded from may be a stranger's who lets it point here (DNS rebinding).
        It is no stranger's where it is an address, a local or a known name, or where the page came by
        https, since then a server with a certificate for it passed the connection on.
        """
        if "*" in self.origins:
            return None
        try:
            origin = canonical(asked.origin)
            if origin in self.origins:
                return None
            schemes = [asked.scheme] if asked.scheme else ["http", "https"]
            same = origin in {canonical(f"{scheme}://{asked.host}") for scheme in schemes}
        except ValueError:
            same = False
        if not same:
            return "The operator can name the origin in WS_ORIGINS."
        parts = urlsplit(origin)
        if self._known(parts.hostname or "", by_https=parts.scheme == "https"):
            return None
        return f"The operator can name {parts.hostname} in WS_HOSTS, or serve it by https."

    def _known(self, host: str, *, by_https: bool) -> bool:
        if _is_address(host) or host == "localhost" or host.endswith(".localhost") or host in self.own:
            return True
        return by_https if self.hosts is None else bool({host, "*"} & self.hosts)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def names_of(machine: str) -> frozenset[str]:
    """The names by which its own network knows a machine."""
    short = machine.lower().partition(".")[0]
    return frozenset((machine.lower(), short, f"{short}.local"))
