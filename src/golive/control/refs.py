"""References: from what a person types to a bundle."""

from golive.control.rooms import Rooms
from golive.control.stored import find_stored, names_release
from golive.domain.bundle import Bundle
from golive.domain.naming import split_reference
from golive.domain.release import Release
from golive.errors import NotFoundError


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
