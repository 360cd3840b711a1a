"""Trust: how a client speaks over https."""

import ssl

from golive.client.address import Address


def trust(address: Address, tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Give the caller's own context, else one of the authorities that the system trusts; None for plain http."""
    if address.scheme == "http":
        return None
    return tls or ssl.create_default_context()
