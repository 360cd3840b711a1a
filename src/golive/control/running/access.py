"""Access: from API keys and the place a server listens, to who may ask for predictions."""

from golive.control.running.messages import AccessRules
from golive.domain.api_key import KeyRow
from golive.errors import UsageError
from golive.security.keys import is_loopback


def rules_for(host: str, keys: tuple[KeyRow, ...], secret: str) -> AccessRules:
    """Decide who may ask.

    A server is open only on loopback, and only while no key was ever made: revoking the last key locks it.
    """
    valid = {key.id: key.hash for key in keys if not key.revoked_at}
    return AccessRules(is_open=is_loopback(host) and not keys and not secret, hashes=valid, secret=secret)


def refuse_unguarded(host: str, rules: AccessRules) -> None:
    """Refuse to listen where others can reach while there is no key.

    Raises:
        UsageError: the host is beyond loopback and no key is valid.
    """
    if not is_loopback(host) and not rules.hashes and not rules.secret:
        message = (
            f"host {host!r} can be reached from other machines and there is no API key; `golive key create` makes "
            "one, or set GOLIVE_API_KEY, or listen on 127.0.0.1"
        )
        raise UsageError(message)
