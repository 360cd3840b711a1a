"""``golive monitor``: live predictions against the reference that travels in the bundle."""

import msgspec

from golive.control.refs import find_release, serving_release
from golive.control.rooms import Rooms, code_version
from golive.domain.digest import Digest
from golive.domain.profile import Profile
from golive.monitoring.looks import Watch, live_evidence, watch
from golive.monitoring.records import read_records


class Monitored(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorded predictions of one release look like beside its training rows."""

    name: str
    version: int
    bundle: Digest
    evidence: Digest | None
    """The live evidence that was attached, when there was at least one look."""
    watch: Watch


def monitor(name: str, rooms: Rooms, *, version: str = "", look_rows: int = 1000) -> Monitored:
    """Cut the Records of a release into looks, judge each by the drift rule, and attach live evidence.

    Raises:
        NotFoundError: nothing serves under that name, or the release is unknown.
    """
    made = find_release(name, version, rooms) if version else serving_release(name, rooms)
    bundle = rooms.bundles.open(made.bundle)
    profile = msgspec.json.decode(rooms.bundles.files(bundle)["profile.json"], type=Profile)
    columns = read_records(rooms.home.records, name, version=made.version)
    seen = watch(profile, columns, look_rows=look_rows)
    attached = None
    if seen.looks:
        attached = rooms.bundles.attach_evidence(
            live_evidence(seen, bundle.digest, at=rooms.now(), code=code_version())
        )
    return Monitored(name=name, version=made.version, bundle=bundle.digest, evidence=attached, watch=seen)
