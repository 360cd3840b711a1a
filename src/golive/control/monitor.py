"""``golive monitor``: live predictions against the reference that travels in the bundle."""

import msgspec

from golive.control.here import here_project
from golive.control.project.file import Monitoring
from golive.control.refs import find_release, serving_release
from golive.control.rooms import Rooms, code_version
from golive.control.rows_only import refuse_tensors
from golive.domain.digest import Digest
from golive.domain.evidence import Measure
from golive.monitoring.looks import Watch, live_evidence, passed_over, watch
from golive.monitoring.records import count_records, read_records
from golive.packaging.build import profile_of


class Monitored(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorded predictions of one release look like beside its training rows."""

    name: str
    version: int
    bundle: Digest
    evidence: Digest | None
    """The live evidence that was attached, when there was a new look."""
    watch: Watch


def monitor(name: str, rooms: Rooms, *, version: str = "", look_rows: int | None = None) -> Monitored:
    """Cut the Records of a release into looks, judge each by the drift rule, and attach what a new look shows.

    Without ``look_rows`` the project's golive.yaml says how many rows make a look; outside a project it is 1,000.

    Raises:
        NotFoundError: nothing serves under that name, or the release is unknown.
    """
    made = find_release(name, version, rooms) if version else serving_release(name, rooms)
    bundle = rooms.bundles.open(made.bundle)
    refuse_tensors(bundle, "of tensors nothing is recorded, so watch its numbers at /metrics and /v2/models/NAME/stats")
    profile = profile_of(rooms.bundles.files(bundle))
    look_rows = look_rows or _look_rows()
    count = count_records(rooms.home.records, name, version=made.version)
    earlier = passed_over(count, look_rows)
    columns = read_records(rooms.home.records, name, version=made.version, newest=count - earlier)
    seen = watch(profile, columns, look_rows=look_rows, earlier=earlier)
    attached = None
    if seen.looks:
        evidence = live_evidence(seen, bundle.digest, at=rooms.now(), code=code_version())
        if evidence.measures != _last_measures(bundle.digest, rooms):
            attached = rooms.bundles.attach_evidence(evidence)
    return Monitored(name=name, version=made.version, bundle=bundle.digest, evidence=attached, watch=seen)


def _look_rows() -> int:
    project = here_project()
    return project.monitoring.look_rows if project else Monitoring().look_rows


def _last_measures(bundle: Digest, rooms: Rooms) -> tuple[Measure, ...]:
    live = [evidence for evidence in rooms.bundles.evidence(bundle) if evidence.kind == "live"]
    return live[-1].measures if live else ()
