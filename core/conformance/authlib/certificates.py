"""A private CA, and a certificate of it for this machine's loopback names."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.IPAddress(ipaddress.ip_address("::1"))]


def _issue(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
    now = datetime.datetime.now(datetime.timezone.utc)
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=2))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Paths of the CA's certificate, the server's certificate and the server's key."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_file, certificate, key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
    issuer = "Conformance test CA"
    ca_file.write_bytes(_issue(issuer, authority, issuer, authority, x509.BasicConstraints(ca=True, path_length=0)))
    certificate.write_bytes(
        _issue("localhost", server, issuer, authority, x509.BasicConstraints(ca=False, path_length=None), x509.SubjectAlternativeName(_NAMES))
    )
    key.write_bytes(
        server.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ca_file, certificate, key
