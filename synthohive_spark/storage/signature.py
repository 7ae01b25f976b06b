"""Who wrote an artifact: a keyed checksum (HMAC-SHA256, RFC 2104) of its manifest, which holds the checksums of all other files.

Checksums tell accidents. Whoever can write to the folder can write checksums that fit, too; without the key, no signature.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from ..errors import SerializationError

SIGNATURE = "manifest.hmac"
KEY = "SYNTHOHIVE_SIGNING_KEY"  # an environment variable: a key in a call or a configuration would end in notebooks and logs
LEAST_KEY = 32  # characters: half as many bytes, in hexadecimal digits, cannot be guessed
_WHAT = b"synthohive_spark.artifact\0"  # what is signed, so that the key can sign other things too


def signature(manifest: bytes) -> bytes:
    """The signature of a manifest, 64 hexadecimal digits and a line's end.

    Raises:
        SerializationError: there is no key, or a short one.
    """
    return hmac.new(_key(), _WHAT + manifest, hashlib.sha256).hexdigest().encode() + b"\n"


def check_key() -> None:
    """Refuse to go on without a key, before there is anything to sign.

    Raises:
        SerializationError: there is none, or a short one.
    """
    _key()


def check_signature(manifest: bytes, found: bytes | None, where: str) -> None:
    """Compare a signature with the manifest.

    Args:
        found: the file; None where there is none.
        where: the artifact, for messages.

    Raises:
        SerializationError: there is no key or no signature, or they do not fit.
    """
    expected = signature(manifest)
    if found is None:
        raise SerializationError(f"{where} is not signed, and a signed model is wanted; save it with sign=True, or load it with verify=False if you trust it")
    if not hmac.compare_digest(expected.strip(), found.strip()):
        raise SerializationError(f"{where} was not signed with the key of {KEY}: it was changed afterwards, or signed with another key; do not use it")


def _key() -> bytes:
    key = os.environ.get(KEY, "").strip()
    if len(key) < LEAST_KEY:
        state = "is not set" if not key else f"has {len(key)} characters"
        raise SerializationError(f"the environment variable {KEY} {state}; it must hold a secret of {LEAST_KEY} characters or more (openssl rand -hex 32)")
    return key.encode("utf-8", "surrogateescape")
