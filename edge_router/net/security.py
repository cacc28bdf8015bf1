"""What a TLS listener shows of itself, and whom it takes its peers for (RFC 5246, RFC 8446, RFC 5922).

Lives here: certificates and the names in them. Must not know: connections, trunks.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

from edge_router.net.address import Address
from state_client.regular_file import read_regular

_SIP: Final = "sip:"
_MOST_OCTETS: Final = 4 * 1024 * 1024


class Expected(NamedTuple):
    """Who should be at an address: the name that he is asked for (SNI), "" for none, and the names that he may show.

    Without names, his certificate must be for the address itself. Of a target ``address`` is its own: elsewhere, where
    its Contact leads, a certificate for the address itself will do, too.
    """

    asked_for: str = ""
    names: tuple[str, ...] = ()
    address: Address | None = None


class Files(NamedTuple):
    """Paths of PEM files.

    ``client_ca`` has signed the certificates of those who connect, who are asked for one; ``ca`` those of the servers
    that are connected to, None: the system's.
    """

    certificate: str
    private_key: str
    client_ca: str | None = None
    ca: str | None = None


class Security:
    """Both sides of a listener's TLS, made of what the files hold now; make another one when they have changed.

    ``expected`` says who should be at an address that is connected to. Raises OSError (ssl.SSLError is one) where the
    files can't be used.
    """

    def __init__(self, files: Files, expected: Callable[[Address], Expected]) -> None:
        self.server: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._expected: Final = expected
        for context in (self.server, self.client):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(files.certificate, files.private_key, _no_password)
        if files.client_ca is not None:
            self.server.verify_mode = ssl.CERT_REQUIRED
            self.server.load_verify_locations(files.client_ca)
        # Names are compared in `objection`, since a trunk may state its own.
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_REQUIRED
        if files.ca is not None:
            self.client.load_verify_locations(files.ca)
        else:
            self.client.load_default_certs()

    def name_at(self, address: Address, expected: Expected | None = None) -> str:
        """The name that he is asked for (SNI), "" for none: who is ``expected`` there, if that is known."""
        return (expected or self._expected(address)).asked_for

    def names_of(self, ssl_object: Any) -> frozenset[str]:
        """The names that a peer has proven to have."""
        certificate = ssl_object.getpeercert()
        return names_in(certificate) if certificate else frozenset()

    def objection(self, address: Address, names: frozenset[str], expected: Expected | None = None) -> str:
        """Why a server with these names isn't the one that should be at this address, "" if it is."""
        should_be = expected or self._expected(address)
        wanted = should_be.names or (canonical(address[0]),)
        if should_be.address not in (None, address):
            wanted += (canonical(address[0]),)
        if any(fits(each, names) for each in wanted):
            return ""
        return f"its certificate is for {', '.join(sorted(names)) or 'nobody'}, not for {' or '.join(wanted)}"


def _no_password() -> str:
    raise OSError("the private key has a password; give one without")


def pem_fault(path: str) -> str:
    """What is wrong with a file that should hold PEM, in words that go on from its name; "" if nothing shows."""
    try:
        octets = read_regular(path, _MOST_OCTETS)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return "" if b"-----BEGIN " in octets else "is no PEM file: there is no -----BEGIN in it"


def names_in(certificate: dict[str, Any]) -> frozenset[str]:
    """Who a certificate is for, lower case (RFC 5922 §7.1): SIP URIs without user, DNS names, addresses.

    Its common name counts only where it has none of these.
    """
    found = set()
    for kind, value in certificate.get("subjectAltName", ()):
        if kind == "URI" and value[:4].lower() == _SIP and "@" not in value:
            found.add(value[4:].partition(";")[0].lower())
        elif kind in ("DNS", "IP Address"):
            found.add(canonical(value))
    if not found and not certificate.get("subjectAltName"):
        found = {
            canonical(value) for row in certificate.get("subject", ()) for key, value in row if key == "commonName"
        }
    return frozenset(found)


def canonical(name: str) -> str:
    """A name in lower case, an IP address in its shortest form."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name.lower().removesuffix(".")


def fits(wanted: str, names: Iterable[str]) -> bool:
    """Whether one of the names is the wanted one. ``*.`` at the beginning of either stands for one label."""
    wanted = wanted.lower()
    return any(wanted == name or _covers(wanted, name) or _covers(name, wanted) for name in names)


def _covers(pattern: str, name: str) -> bool:
    return pattern[:2] == "*." and name.partition(".")[2] == pattern[2:] and "." in pattern[2:] and name[:1] != "*"
