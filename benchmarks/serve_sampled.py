"""``golive serve`` of a state's only bundle with a chosen share of recorded rows: STATE PORT SAMPLE [GRPC-PORT].

Ends when its starter ends it.
"""

import os
import sys
from pathlib import Path

import msgspec

from golive.control.home import Home
from golive.control.running.order import SupervisorOrder
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.store.bundles import BundleStore


def main(state: str, port: str, sample: str, grpc_port: str = "") -> None:
    """Write the order and become its supervisor."""
    bundle = BundleStore(Home(Path(state)).store).list()[0]
    order = SupervisorOrder(
        state=state,
        port=int(port),
        admin_port=0,
        grpc_port=int(grpc_port) if grpc_port else None,
        workers=1,
        sample=float(sample),
        ledger=False,
        placed=(Placed(bundle.name, 1, bundle.digest),),
        traffic=(Route(bundle.name, (Share(1, 1.0),)),),
    )
    path = Path(state) / "order.json"
    path.write_bytes(msgspec.json.encode(order))
    os.execv(sys.executable, [sys.executable, "-m", "golive.control.running.supervisor", str(path)])


if __name__ == "__main__":
    main(*sys.argv[1:])
