"""JSON text: how the ledger writes values into its columns."""

from typing import Any

import msgspec


def json_text(value: Any) -> str:
    """Write a value as JSON with sorted keys; numpy scalars become plain numbers, what has no JSON its ``repr``."""
    return msgspec.json.encode(value, enc_hook=_plain, order="sorted").decode()


def _plain(value: Any) -> Any:
    # Parameters and scores come from searches as numpy scalars, which have .item(); the rest is for people.
    return value.item() if hasattr(value, "item") else repr(value)
