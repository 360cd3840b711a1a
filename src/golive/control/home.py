"""Home: where the state of a project lives on disk."""

from pathlib import Path

import msgspec

from golive.settings import Settings

STATE = ".golive"


class Home(msgspec.Struct, frozen=True):
    """The state folder: an OCI layout, a ledger, a cache that may be thrown away, records and run files."""

    folder: Path

    @property
    def store(self) -> Path:
        """Bundles and what is attached to them."""
        return self.folder / "store"

    @property
    def ledger(self) -> Path:
        """Trials, releases, deployments, keys, audit log."""
        return self.folder / "ledger.db"

    @property
    def cache(self) -> Path:
        """Results of stages, by the digest of what went in."""
        return self.folder / "cache"

    @property
    def records(self) -> Path:
        """Predictions, as Parquet."""
        return self.folder / "records"

    @property
    def reports(self) -> Path:
        """HTML reports, by bundle."""
        return self.folder / "reports"

    @property
    def log(self) -> Path:
        """What a detached supervisor writes."""
        return self.folder / "run" / "supervisor.log"


def home_of(project: Path | None, settings: Settings) -> Home:
    """Find the state folder: ``GOLIVE_HOME``, else ``.golive`` in the project, else in the user's home."""
    if settings.home is not None:
        return Home(settings.home.absolute())
    if project is not None:
        return Home(project.absolute() / STATE)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "golive.yaml").is_file():
            return Home(folder / STATE)
    return Home(Path.home() / STATE)
