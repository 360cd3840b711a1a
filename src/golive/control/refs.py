"""References: from what a person types to a bundle."""

from golive.control.rooms import Rooms
from golive.control.running.journal import tell
from golive.control.stored import find_stored, is_bare, names_release
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.domain.naming import split_reference
from golive.domain.release import Release
from golive.errors import NotFoundError


def find_bundle(reference: str, rooms: Rooms) -> Bundle:
    """Find ``name``, ``name@version``, ``name:serving``, ``name:latest``, ``sha256:...`` or the start of a digest.

    A bare name means the newest bundle of that name, released or not, as ``name:latest`` does: what the verbs before
    a release are about.

    Raises:
        NotFoundError: nothing answers to the reference; the message lists what there is.
    """
    if not names_release(reference):
        return find_stored(reference, rooms.bundles)
    name, rest = split_reference(reference)
    release = serving_release(name, rooms) if rest == ":serving" else find_release(name, rest[1:], rooms)
    return rooms.bundles.open(release.bundle)


def find_used(reference: str, rooms: Rooms) -> Bundle:
    """Find a bundle that is to answer somewhere; every reference but a bare name means what it does elsewhere.

    A bare name means what serves, else the newest release, else the newest bundle, and then the journal says that it
    was never released.

    Raises:
        NotFoundError: nothing answers to the reference; the message lists what there is.
    """
    if not is_bare(reference):
        return find_bundle(reference, rooms)
    if rooms.ledger.serving(reference) is not None:
        return rooms.bundles.open(serving_release(reference, rooms).bundle)
    releases = rooms.ledger.releases(reference)
    if releases:
        return rooms.bundles.open(releases[-1].bundle)
    bundle = find_stored(reference, rooms.bundles)
    tell(f"{reference} was never released; its newest bundle {short(bundle.digest)} is taken")
    return bundle


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
