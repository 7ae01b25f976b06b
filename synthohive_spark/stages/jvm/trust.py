"""The machine's certificates in a form that Java reads.

A Java that comes in a package trusts only the authorities that it was built with. Behind a company's proxy the machine trusts one more.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import struct
from pathlib import Path

# Where Linux distributions and macOS keep what the machine trusts; the variable is OpenSSL's own.
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem")
_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_PHRASE = b"Mighty Aphrodite"  # a constant of the format, hashed in
PASSWORD = "changeit"  # Java's own default; the file holds public certificates only


def machine_bundle() -> Path | None:
    """The file of certificates (PEM) that programs on this machine trust; None where there is none."""
    for name in (os.environ.get("SSL_CERT_FILE"), *_BUNDLES):
        if name and Path(name).is_file():
            return Path(name)
    return None


def write_trust_store(bundle: Path, target: Path) -> None:
    """Write the certificates of `bundle` (PEM) as a Java trust store (JKS, version 2).

    Raises:
        ssl.SSLError: `bundle` holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    certificates = context.get_ca_certs(binary_form=True)
    body = struct.pack(">III", _MAGIC, _VERSION, len(certificates))
    for number, certificate in enumerate(certificates):
        body += struct.pack(">I", _TRUSTED) + _text(str(number)) + struct.pack(">q", 0) + _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    target.write_bytes(body + hashlib.sha1(PASSWORD.encode("utf-16-be") + _PHRASE + body).digest())


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode("ascii")
