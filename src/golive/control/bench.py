"""``golive bench``: how fast a model is served, by a closed loop, an open loop, and what it costs."""

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from golive import __version__
from golive.control.clock import utc_now
from golive.control.home import Home, home_of
from golive.control.load.cores import Cores, allowed_cores, cpu_model, split, used_so_far
from golive.control.load.crew import run_load
from golive.control.load.described import example_of, model_of, types_of
from golive.control.load.plan import Plan, check, loads_after, orders_of, row_count
from golive.control.load.points import Load, Point, point_of
from golive.control.load.private import private_server
from golive.control.load.report import Machine, Report, Service, notes_of
from golive.control.load.requests import Body, bodies_of, form_of, path_of
from golive.control.load.rows import Row, examples_around, varied_rows
from golive.control.load.target import Target, checked_target, described, metadata, try_out, whole_requests
from golive.control.load.tensors import has_row_axes, made_up, of_file, signature_of, tensor_bodies
from golive.control.running.processes import running
from golive.control.stored import find_served
from golive.domain.bundle import Bundle
from golive.domain.signature import DType, Signature
from golive.errors import RequestError, TooLargeError, UnavailableError, UsageError
from golive.packaging.build import PROFILE, profile_of
from golive.settings import read_settings, secret_key
from golive.store.bundles import BundleStore

Say = Callable[[int, int, str], None]
"""Is told how many measurements are done, of how many, and which one is under way."""


class _Aim(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers, its process where it can be seen, and the requests for it."""

    target: Target
    service: Service
    pid: int
    requests: tuple[bytes, ...]
    cores: Cores


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and what is asked of it."""

    name: str
    tensors: Signature | None = None
    """Of a model of tensors."""
    types: dict[str, DType] = {}
    """Column -> type, of a model of rows."""
    draw: Callable[[Plan], list[Row]] = lambda _: []


def bench(
    reference: str, plan: Plan, *, workers: int = 0, record: bool = True, data: Path | None = None, say: Say
) -> Report:
    """Serve a bundle for itself alone and load it; a bare name means what serves.

    Args:
        reference: name, name@version, digest.
        plan: what to measure.
        workers: processes of the server; 0 means one for every core that it is given.
        record: whether predictions are recorded, as they are in service.
        data: of a model of tensors: an ``.npz`` file to take them from, which are made up otherwise.
        say: is told of the progress.

    Raises:
        NotFoundError: the reference leads nowhere.
        UsageError: the plan makes no sense.
        UnavailableError: the server did not come up.
        RequestError: it refuses the requests, such as those of too many rows.
    """
    check(plan)
    settings = read_settings()
    home = home_of(None, settings)
    bundle = find_served(reference, home)
    refuse_data(data, bundle.signature)
    cores = split(allowed_cores(), pin=plan.pin)
    with private_server(bundle, home, workers=workers, cores=cores.server, record=record) as server:
        target = checked_target(server.url, key=secret_key(settings))
        plan, requests = _asked(target, _subject(bundle, bundle.name, home), plan, data)
        service = Service(model=bundle.name, bundle=bundle.digest, url=server.url, private=True, record=record)
        return _measure(_Aim(target=target, service=service, pid=server.pid, requests=requests, cores=cores), plan, say)


def bench_url(
    url: str,
    plan: Plan,
    *,
    model: str = "",
    reference: str = "",
    tls_ca: str = "",
    data: Path | None = None,
    say: Say,
) -> Report:
    """Load a server that runs already.

    Args:
        url: where it listens.
        plan: what to measure.
        model: which of its models; may be left out when it serves one, or when ``reference`` names it.
        reference: the bundle that it serves, whose training rows the requests then look like; without it they are
            made from the example that the server's own description gives.
        tls_ca: the path of a PEM file to trust instead of what the system trusts.
        data: of a model of tensors: an ``.npz`` file to take them from, which are made up otherwise.
        say: is told of the progress.

    Raises:
        NotFoundError: the reference leads nowhere, or the server has no such model.
        UsageError: the URL or the plan makes no sense.
        UnavailableError: no server answers there.
        DeniedError: it asks for another API key.
        RequestError: it refuses the requests, such as those of too many rows.
    """
    check(plan)
    settings = read_settings()
    home = home_of(None, settings)
    target = checked_target(url, key=secret_key(settings), tls_ca=tls_ca)
    bundle = find_served(reference, home) if reference else None
    subject = _subject(bundle, model or bundle.name, home) if bundle else _told(target, model)
    name = subject.name
    if subject.tensors is None:
        refuse_data(data, None)
    plan, requests = _asked(target, subject, plan, data)
    service = Service(model=name, bundle=bundle.digest if bundle else "", url=target.url, private=False, record=None)
    found = running(home.folder)
    pid = found.pid if found is not None and found.url == target.url else 0
    generator = split(allowed_cores(), pin=plan.pin and target.is_here).generator
    aim = _Aim(target=target, service=service, pid=pid, requests=requests, cores=Cores(generator=generator))
    return _measure(aim, plan, say)


def _measure(aim: _Aim, plan: Plan, say: Say) -> Report:
    points: list[Point] = []
    cut_short, broken = False, ""
    try:
        for point in _points(aim, plan, say):
            # What was cut off while it warmed up has nothing to show.
            if point.requests:
                points.append(point)
            cut_short = point.cut_short
            if cut_short:
                break
    except KeyboardInterrupt:
        cut_short = True
    except UnavailableError as error:
        if not points:
            raise
        broken = error.message
    notes = notes_of(points, aim.cores, plan, is_here=aim.target.is_here, pid=aim.pid)
    return Report(
        golive=__version__,
        at=utc_now(),
        service=aim.service,
        machine=Machine(
            cpu=cpu_model(),
            system=platform.system(),
            cores=len(allowed_cores()) or os.cpu_count() or 1,
            server_cores=aim.cores.server,
            generator_cores=aim.cores.generator,
        ),
        plan=plan,
        points=tuple(points),
        notes=notes,
        cut_short=cut_short,
        broken=broken,
    )


def _points(aim: _Aim, plan: Plan, say: Say) -> Iterator[Point]:
    closed = [Load(connections=count) for count in plan.connections]
    total = len(closed) + len(plan.rates or (plan.sweep if closed else ()))
    peak: float | None = None
    for done, load in enumerate(closed):
        say(done, total, load.name)
        point = _point(aim, load, plan)
        peak = max(peak or 0.0, point.throughput)
        yield point
    for done, load in enumerate(loads_after(plan, peak), start=len(closed)):
        say(done, total, load.name)
        yield _point(aim, load, plan)


def _point(aim: _Aim, load: Load, plan: Plan) -> Point:
    orders = orders_of(load, plan, aim.target, aim.requests, aim.cores)
    return point_of(load, plan.rows, plan.price_per_core_hour, run_load(orders, lambda: used_so_far(aim.pid)))


def _subject(bundle: Bundle, name: str, home: Home) -> _Subject:
    """Say what requests for a bundle look like: like its training rows, where it says which these were."""
    signature = bundle.signature
    if signature.task == "tensors":
        return _Subject(name=name, tensors=signature)
    files = BundleStore(home.store).files(bundle)
    profile = profile_of(files) if PROFILE in files else None
    types = {field.name: field.dtype for field in signature.inputs}
    return _Subject(
        name=name, types=types, draw=lambda plan: varied_rows(signature, profile, row_count(plan), seed=plan.seed)
    )


def _told(target: Target, model: str) -> _Subject:
    """Say what requests look like by what the server itself tells of its model."""
    description = described(target)
    name = model_of(description, model, target.url)
    if (signature := signature_of(metadata(target, name))) is not None:
        return _Subject(name=name, tensors=signature)
    _, example = example_of(description, name, target.url)
    return _Subject(
        name=name,
        types=types_of(example),
        draw=lambda plan: examples_around(example, row_count(plan), seed=plan.seed),
    )


def refuse_data(data: Path | None, signature: Signature | None) -> None:
    """Refuse arrays for a model of rows, whose requests are drawn from its own training rows.

    Raises:
        UsageError: they were given.
    """
    if data is not None and (signature is None or signature.task != "tensors"):
        message = (
            "--data FILE.npz is for models of tensors; rows of fields are drawn like those of training, leave it out"
        )
        raise UsageError(message)


def _asked(target: Target, subject: _Subject, plan: Plan, data: Path | None) -> tuple[Plan, tuple[bytes, ...]]:
    """Write the requests, and send each once."""
    tensors = subject.tensors
    plan = msgspec.structs.replace(plan, form=form_of(plan.form, tensors=tensors is not None))
    path = path_of(subject.name, plan.form)
    if tensors is None:
        bodies = bodies_of(subject.draw(plan), plan.rows, plan.form, subject.types)
        try_out(target, path, bodies)
    elif data is not None:
        bodies = tensor_bodies(of_file(data, tensors, plan.rows), plan.form)
        try_out(target, path, bodies)
    else:
        bodies = _that_run(target, path, tensors, plan)
    if tensors is not None and not has_row_axes(tensors):
        plan = msgspec.structs.replace(plan, rows=1)
    return plan, whole_requests(target, path, bodies)


def _that_run(target: Target, path: str, signature: Signature, plan: Plan) -> list[Body]:
    """Give the first made-up tensors that the model takes.

    Raises:
        RequestError: it takes none of them; the message is about the plainest.
    """
    refused: RequestError | None = None
    for requests in made_up(signature, plan.rows):
        bodies = tensor_bodies(requests, plan.form)
        try:
            try_out(target, path, bodies)
        except TooLargeError:
            raise
        except RequestError as error:
            refused = error
            continue
        return bodies
    message = (
        f"the model takes no tensors that can be made up from its signature; give some: --data FILE.npz ({refused})"
    )
    raise RequestError(message)
