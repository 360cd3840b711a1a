"""Access: from API keys and the place a server listens, to who may ask for predictions."""

from golive.control.running.journal import tell
from golive.control.running.messages import AccessRules
from golive.domain.api_key import KeyRow
from golive.errors import UsageError
from golive.security.keys import is_loopback
from golive.settings import Platform


def rules_for(host: str, keys: tuple[KeyRow, ...], secret: str, platform: Platform | None = None) -> AccessRules:
    """Decide who may ask.

    A server is open only on loopback or inside a platform that guards it, and only while no key was ever made:
    revoking the last key locks it.
    """
    valid = {key.id: key.hash for key in keys if not key.revoked_at}
    is_guarded = is_loopback(host) or platform is not None
    return AccessRules(is_open=is_guarded and not keys and not secret, hashes=valid, secret=secret)


def refuse_unguarded(host: str, rules: AccessRules) -> None:
    """Refuse to listen where others can reach while there is no key.

    Raises:
        UsageError: the host is beyond loopback and no key is valid.
    """
    if not is_loopback(host) and not rules.is_open and not rules.hashes and not rules.secret:
        message = (
            f"host {host!r} can be reached from other machines and there is no API key; `golive key create` makes "
            "one, or set GOLIVE_API_KEY, or listen on 127.0.0.1"
        )
        raise UsageError(message)


def warn_of_openness(host: str, rules: AccessRules, platform: Platform | None) -> None:
    """Say in one loud line of the journal that others can reach a server that asks for no key."""
    if platform is not None and rules.is_open and not is_loopback(host):
        tell(
            f"WARNING: open without an API key on {host!r}, because {platform.name} runs this server and alone decides "
            "who reaches it; set GOLIVE_API_KEY if others can reach it too"
        )
