"""Scorer: one slice of a table in, a part of the output out."""

import traceback
from pathlib import Path
from typing import Any

import msgspec

from golive import plugins
from golive.control.predict.answers import Answering
from golive.control.predict.order import Done, Order, Refused, Task, schema_of
from golive.errors import GoliveError
from golive.inference.road import Road, open_road
from golive.ports import SlicedTable, TableWriter
from golive.store.bundles import BundleStore
from golive.store.files import refused as disk_refuses


class Scorer:
    """A bundle and both table formats, opened once for all slices of a run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._kept = schema_of(order.kept)
        self._road = _open(order)
        self._source: SlicedTable = plugins.load("tables", order.source)
        self._sink: SlicedTable = plugins.load("tables", order.sink)
        self._answering = Answering(self._road, self._kept, probabilities=order.probabilities, skip=order.skip)

    def score(self, task: Task) -> Done:
        """Predict a slice; an error is told, not raised."""
        path = Path(self._order.parts) / f"{task.number:08}"
        try:
            return self._score(task, path)
        except GoliveError as error:
            return Done(number=task.number, error=type(error).__name__, message=error.message)
        except OSError as error:
            told = disk_refuses(path, error)
            return Done(number=task.number, error=type(told).__name__, message=told.message)
        except Exception as error:  # noqa: BLE001 - the border between a process of the run and the run
            return Done(number=task.number, error=type(error).__name__, message=traceback.format_exc())

    def _score(self, task: Task, path: Path) -> Done:
        order = self._order
        seen = written = 0
        refused: list[Refused] = []
        writer: TableWriter | None = None
        try:
            for rows in self._source.read_slice(
                order.place, task.part, order.options, fields=self._road.signature.inputs, kept=self._kept
            ):
                batch, bad = self._answering.answer(rows)
                refused += [msgspec.structs.replace(one, position=seen + one.position) for one in bad]
                seen += rows.seen
                if bad and not order.skip:
                    break
                writer = writer or self._sink.writer(path, self._answering.schema)
                writer.write(batch)
                written += batch.num_rows
        finally:
            _close(writer)
        return Done(
            number=task.number, seen=seen, written=written, path=str(path) if writer else "", refused=tuple(refused)
        )


def _open(order: Order) -> Road:
    store = BundleStore(Path(order.store))
    bundle = store.open(order.bundle)
    manifest = bundle.manifest
    graph = store.files(bundle)[manifest.graph]
    # One thread, as where it is served: more of them may add the terms of a sum in another order.
    return open_road(manifest, graph, plugins.load("runtimes", manifest.runtime), threads=1)


def _close(writer: Any) -> None:
    if writer is not None:
        writer.close()
