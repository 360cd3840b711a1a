"""What runs on this machine: starting a server for a project or for bundles, waiting for it, ending it."""

from pathlib import Path

import msgspec

from golive.control.home import Home, home_of
from golive.control.project.file import Project
from golive.control.project.read import FILE, base_of
from golive.control.rooms import Rooms
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import START_S, RunningSupervisor, running, start_supervisor, stop
from golive.control.running_order import tell_what_waits
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.errors import NotFoundError, UnavailableError
from golive.settings import read_settings
from golive.store.files import write_whole

STOP_S = 30.0


def order_for(project: Project, rooms: Rooms, base: Path) -> SupervisorOrder:
    """Say how a project is served: as golive.yaml, in the folder ``base``, says, with what the ledger says."""
    serving = project.serving
    return SupervisorOrder(
        state=str(rooms.home.folder),
        host=serving.host,
        port=serving.port,
        admin_port=serving.admin_port,
        workers=serving.workers,
        max_body_bytes=int(serving.max_body_mb * (1 << 20)),
        max_rows=serving.max_rows,
        queue_s=serving.queue_s,
        memory_mb=serving.memory_mb,
        explain=serving.explain,
        explain_s=serving.explain_s,
        grpc_port=serving.grpc_port,
        tls_cert=str((base / serving.tls_cert).absolute()) if serving.tls_cert else "",
        tls_key=str((base / serving.tls_key).absolute()) if serving.tls_key else "",
        sample=project.monitoring.sample,
        keep_days=project.monitoring.keep_days,
    )


def ensure_running(order: SupervisorOrder, *, detach: bool, log: Path) -> RunningSupervisor:
    """Give the server of a state folder, starting it if none runs; says so when the one there has other settings.

    Raises:
        UnavailableError: it did not come up; the message says why.
    """
    there = running(Path(order.state))
    if there is not None:
        tell_what_waits(order)
        return there
    return start_supervisor(order, detach=detach, log=log, timeout_s=START_S)


def require_running(state: Path) -> RunningSupervisor:
    """Give the server of a state folder.

    Raises:
        UnavailableError: none runs.
    """
    there = running(state)
    if there is None:
        message = f"no server runs for {state}; `golive up --detach` starts one"
        raise UnavailableError(message)
    return there


def down(folder: Path) -> bool:
    """End the server of a project; says whether one was running.

    Raises:
        NotFoundError: there is neither a project nor its state.
    """
    base = base_of(folder)
    home = home_of(base, read_settings())
    if not base.is_dir() or not ((base / FILE).is_file() or home.folder.is_dir()):
        message = f"there is no project in {str(folder)!r}, so nothing was ended; `golive -C DIR down` names its folder"
        raise NotFoundError(message)
    return stop(home.folder, timeout_s=STOP_S)


def example_request(bundle: Bundle) -> str:
    """Give a request body that the bundle answers, from the examples in its signature."""
    sent = (field for field in bundle.signature.inputs if not field.nullable or field.example is not None)
    row = {field.name: field.sample for field in sent}
    return msgspec.json.encode({"instances": [row]}).decode().replace("'", "\\u0027")


def write_example(bundle: Bundle, home: Home) -> Path:
    """Write that request body as a file beside the reports, for models too wide for a line; gives its path."""
    path = home.reports / f"{bundle.name}-{short(bundle.digest)}.request.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, example_request(bundle).encode())
    return path
