"""Certificates of the machine as a Java trust store."""

from __future__ import annotations

import hashlib
import ssl
import struct
from pathlib import Path

import pytest

from synthohive_spark.stages.jvm.trust import machine_bundle, write_trust_store


def test_the_variable_of_the_machine_wins_where_its_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    assert machine_bundle() == tmp_path / "own.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert machine_bundle() != tmp_path / "gone.pem"


def test_every_certificate_is_in_the_store_and_its_digest_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = machine_bundle()
    if bundle is None:
        pytest.skip("this machine has no certificates")
    write_trust_store(bundle, tmp_path / "trust.jks")
    data = (tmp_path / "trust.jks").read_bytes()
    magic, version, count = struct.unpack(">III", data[:12])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    certificates = context.get_ca_certs(binary_form=True)
    assert (magic, version, count) == (0xFEEDFEED, 2, len(certificates))
    assert all(certificate in data for certificate in certificates)
    assert data[-20:] == hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + data[:-20]).digest()


def test_a_bundle_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError):
        write_trust_store(tmp_path / "empty.pem", tmp_path / "trust.jks")
