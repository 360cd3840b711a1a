"""Door: whether a request may enter, by rules that may change while the server runs."""

from golive.control.running.messages import AccessRules
from golive.security.keys import Authorizer

_ANYONE = "anyone"
"""The caller id of everybody while no key is needed."""


class Door:
    """Says who enters; the rules may be swapped while it stands."""

    def __init__(self, rules: AccessRules) -> None:
        self.admit(rules)

    def admit(self, rules: AccessRules) -> None:
        """Put new rules in place of the old ones, in one assignment."""
        self._check = None if rules.is_open else Authorizer(rules.hashes, rules.secret)

    def __call__(self, authorization: bytes | None, x_api_key: bytes | None) -> str | None:
        """Give the caller id that the two headers stand for, or None for somebody who may not enter."""
        return _ANYONE if self._check is None else self._check(authorization, x_api_key)
