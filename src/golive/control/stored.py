"""Stored: from what a person types to a bundle, where no ledger is needed."""

from golive import plugins
from golive.control.home import Home
from golive.domain.bundle import Bundle
from golive.domain.digest import is_digest, short
from golive.domain.naming import split_reference
from golive.errors import NotFoundError
from golive.store.bundles import BundleStore

_SHORTEST = 6


def find_served(reference: str, home: Home) -> Bundle:
    """Find the bundle that a server is asked for: a bare name means what serves, else the newest release.

    A server's state may be read-only, as in a container: the ledger is opened only where it alone has the answer.

    Raises:
        NotFoundError: nothing answers to the reference; the message lists what there is.
    """
    if names_release(reference) or (is_bare(reference) and home.ledger.is_file()):
        bundle: Bundle = plugins.verb("refs", "find_used")(reference, plugins.verb("rooms", "open_rooms")())
        return bundle
    return find_stored(reference, BundleStore(home.store))


def names_release(reference: str) -> bool:
    """Say whether only the ledger knows which bundle is meant: ``name@version`` and ``name:serving``."""
    if is_digest(reference) or _looks_like_digest(reference):
        return False
    rest = split_reference(reference)[1]
    return rest.startswith("@") or rest == ":serving"


def is_bare(reference: str) -> bool:
    """Say whether a reference is a name and nothing more, which leaves open which bundle of that name is meant."""
    return not _looks_like_digest(reference) and split_reference(reference)[1] == "" and not is_digest(reference)


def find_stored(reference: str, bundles: BundleStore) -> Bundle:
    """Find a digest, the start of one, ``name`` or ``name:latest`` in a bundle store; no ledger is needed.

    Raises:
        NotFoundError: nothing answers to the reference; the message lists what there is.
    """
    if is_digest(reference) or _looks_like_digest(reference):
        return bundles.find(reference)
    name, rest = split_reference(reference)
    if rest not in {"", ":latest"}:
        message = f"{reference!r} has the alias {rest!r}; the aliases are ':serving' and ':latest'"
        raise NotFoundError(message)
    mine = [bundle for bundle in bundles.list() if bundle.name == name]
    if not mine:
        raise NotFoundError(_nothing(name, bundles))
    return max(mine, key=lambda bundle: bundle.created_at)


def _looks_like_digest(text: str) -> bool:
    digits = text.removeprefix("sha256:")
    return len(digits) >= _SHORTEST and all(digit in "0123456789abcdef" for digit in digits)


def _nothing(name: str, bundles: BundleStore) -> str:
    there = ", ".join(sorted({f"{bundle.name} ({short(bundle.digest)})" for bundle in bundles.list()}))
    return f"there is no bundle named {name!r}; the store holds: {there or 'nothing yet'}"
