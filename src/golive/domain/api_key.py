"""API key: what is kept of one."""

import msgspec


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One API key; the secret itself is nowhere."""

    id: str
    hash: bytes
    label: str
    created_at: str
    revoked_at: str
    """Empty while the key is valid."""
