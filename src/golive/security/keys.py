"""API keys: made from randomness, kept as hashes, checked in constant time."""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping

import msgspec

_ID_BYTES = 4
_SECRET_BYTES = 32
_BEARER = b"bearer "
_REMEMBERED = 1024
"""Pairs of headers with a valid key that are recognized without hashing."""
_SERVER = "server"
"""The caller id of the secret that came with the server's environment."""


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key at the one moment when its secret is known."""

    id: str
    """Eight hexadecimal digits, shown in lists and in the audit log."""
    secret: str
    """What the caller sends: ``gl_<id>_<43 characters>``, 256 random bits."""
    hash: bytes
    """What is kept: 32 bytes."""


def make_key(random_bytes: Callable[[int], bytes]) -> NewKey:
    """Make a key.

    Args:
        random_bytes: gives that many unpredictable bytes (``secrets.token_bytes``).
    """
    key_id = random_bytes(_ID_BYTES).hex()
    secret = f"gl_{key_id}_{base64.urlsafe_b64encode(random_bytes(_SECRET_BYTES)).decode().rstrip('=')}"
    return NewKey(id=key_id, secret=secret, hash=hash_of(secret.encode()))


def hash_of(secret: bytes) -> bytes:
    """Hash a secret for keeping.

    One round of SHA-256 is enough: a slow hash protects passwords that people choose, whereas 256 random bits
    cannot be guessed at any speed, and this hash stands before every request.
    """
    return hashlib.sha256(secret).digest()


class Authorizer:
    """Says whose valid key the headers of a request carry.

    Args:
        hashes: key id -> hash of the keys that are valid.
        extra_secret: one more secret that is accepted, such as one from the environment; empty for none.
    """

    def __init__(self, hashes: Mapping[str, bytes], extra_secret: str = "") -> None:
        self._hashes = {key_id.encode(): key_hash for key_id, key_hash in hashes.items()}
        self._extra = hash_of(extra_secret.encode()) if extra_secret else None
        self._known: dict[tuple[bytes | None, bytes | None], str] = {}

    def __call__(self, authorization: bytes | None, x_api_key: bytes | None) -> str | None:
        """Check ``Authorization: Bearer KEY``, then ``X-API-Key: KEY``; either is enough.

        Gives the key's id, ``server`` for the extra secret, or None when neither header carries a valid key.
        """
        # What was let in once is let in again while these rules stand: hashing costs as much as parsing a request.
        known = self._known.get((authorization, x_api_key))
        if known is not None:
            return known
        caller = self._owner(_bearer(authorization)) or self._owner(x_api_key)
        if caller is not None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[authorization, x_api_key] = caller
        return caller

    def _owner(self, secret: bytes | None) -> str | None:
        if not secret:
            return None
        found = hash_of(secret)
        if self._extra is not None and hmac.compare_digest(found, self._extra):
            return _SERVER
        parts = secret.split(b"_", 2)
        expected = self._hashes.get(parts[1]) if len(parts) == 3 and parts[0] == b"gl" else None  # noqa: PLR2004
        return parts[1].decode() if expected is not None and hmac.compare_digest(found, expected) else None


def is_loopback(host: str) -> bool:
    """Say whether a host to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bearer(authorization: bytes | None) -> bytes | None:
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    return authorization[len(_BEARER) :].strip()
