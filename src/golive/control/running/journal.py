"""Journal: one line for each event, with its time, on standard error."""

import sys
from datetime import UTC, datetime


def tell(event: str) -> None:
    """Write one event. A journal that cannot be written (a closed terminal, a full disk) stops nothing."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        sys.stderr.write(f"{now} {event}\n")
        sys.stderr.flush()
    except OSError:
        return
