"""References: from what a person types to a bundle."""

from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.digest import is_digest, short
from golive.domain.naming import split_reference
from golive.domain.release import Release
from golive.errors import NotFoundError
from golive.store.bundles import BundleStore

_SHORTEST = 6


def find_bundle(reference: str, rooms: Rooms) -> Bundle:
    """Find ``name``, ``name@version``, ``name:serving``, ``name:latest``, ``sha256:...`` or the start of a digest.

    A bare name means the newest bundle of that name, released or not.

    Raises:
        NotFoundError: nothing answers to the reference; the message lists what there is.
    """
    if not names_release(reference):
        return find_stored(reference, rooms.bundles)
    name, rest = split_reference(reference)
    release = serving_release(name, rooms) if rest == ":serving" else find_release(name, rest[1:], rooms)
    return rooms.bundles.open(release.bundle)


def names_release(reference: str) -> bool:
    """Say whether only the ledger knows which bundle is meant: ``name@version`` and ``name:serving``."""
    if is_digest(reference) or _looks_like_digest(reference):
        return False
    rest = split_reference(reference)[1]
    return rest.startswith("@") or rest == ":serving"


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


def find_release(name: str, version: str, rooms: Rooms) -> Release:
    """Find a release by its number.

    Raises:
        NotFoundError: there is no such release.
    """
    known = rooms.ledger.releases(name)
    for release in known:
        if version.removeprefix("v") == str(release.version):
            return release
    versions = ", ".join(str(release.version) for release in known) or "none"
    message = f"{name!r} has no release {version!r}; its releases are: {versions}"
    raise NotFoundError(message)


def serving_release(name: str, rooms: Rooms) -> Release:
    """Give the release that serves the most of a name's traffic.

    Raises:
        NotFoundError: nothing serves under that name.
    """
    deployment = rooms.ledger.serving(name)
    if deployment is None:
        message = f"nothing serves as {name!r}; `golive status` lists what does"
        raise NotFoundError(message)
    most = max(deployment.split, key=lambda share: share.share)
    return rooms.ledger.release(name, most.version)


def _looks_like_digest(text: str) -> bool:
    digits = text.removeprefix("sha256:")
    return len(digits) >= _SHORTEST and all(digit in "0123456789abcdef" for digit in digits)


def _nothing(name: str, bundles: BundleStore) -> str:
    there = ", ".join(sorted({f"{bundle.name} ({short(bundle.digest)})" for bundle in bundles.list()}))
    return f"there is no bundle named {name!r}; the store holds: {there or 'nothing yet'}"
