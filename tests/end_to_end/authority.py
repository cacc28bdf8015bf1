"""A certificate authority of the tests' own."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """A CA, and the certificates that it signs, as files in a directory."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self.file = str(directory / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def signs(self, name: str, *names: str) -> tuple[str, str]:
        """The files of a certificate for these names or addresses, and of its key."""
        made = self._ca.issue_cert(*names)
        certificate, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        made.private_key_pem.write_to_path(key)
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        return str(certificate), str(key)

    def server(self, *names: str, ask: bool = False) -> ssl.SSLContext:
        """The context of a server with a certificate for these names, which asks for one where it is told to."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.signs(f"server-{names[0].replace('*', '_')}", *names))
        if ask:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context

    def client(self, *names: str) -> ssl.SSLContext:
        """The context of a client, with a certificate for these names if any."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.file)
        context.check_hostname = False
        if names:
            context.load_cert_chain(*self.signs(f"client-{names[0].replace('*', '_')}", *names))
        return context
