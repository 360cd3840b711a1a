"""``golive import`` of a network's file with arrays: it is served as the tensors that it reads and gives."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from golive import plugins
from golive.control.arrays import read_arrays
from golive.control.packing.tensors import is_of_tensors, package_tensors
from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.digest import digest_of
from golive.errors import UsageError
from golive.packaging.finish import UNFINISHED, Finish
from golive.ports import ModelFormat, NetworkFormat

ARRAYS = ".npz"


def is_of_arrays(sample: Any) -> bool:
    """Say whether a sample is of arrays by name, here or in a file of numpy, and not a table."""
    if isinstance(sample, (str, Path)):
        return Path(sample).suffix.lower() == ARRAYS
    return is_of_tensors(sample)


def bring_tensors(
    path: Path,
    model_format: ModelFormat,
    sample: Any,
    rooms: Rooms,
    *,
    name: str,
    target: str = "",
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    finish: Finish = UNFINISHED,
) -> Bundle:
    """Write a network's file as a graph of tensors, prove on arrays that both answer alike, and write the bundle.

    Args:
        path: a file of a network.
        model_format: what knows it.
        sample: a ``.npz`` file, or an array for each input by name, or the only one.
        rooms: where the bundle is written.
        name: what the model is called.
        target: the name of what is predicted; without one, that of the first output.
        outputs: names for what the network gives.
        open_axes: input -> axes whose length is only known of a request; where not said, the first ones.
        finish: must say nothing, because tensors are answered as they are.

    Raises:
        UsageError: the file is of no network, or words about the answers are given.
        DataError: the file or the sample is damaged or hostile.
        NotConvertibleError: it cannot be written.
        ParityError: the graph answers differently.
    """
    if finish != UNFINISHED:
        message = f"{path} comes in as tensors, whose answers are left as they are; leave out threshold, label and such"
        raise UsageError(message)
    if not isinstance(model_format, NetworkFormat):
        message = (
            f"{path} is read by the format {model_format.name!r}, which takes no arrays as a sample; give a table with "
            "--sample DATA --target COL, or of an ONNX file none at all"
        )
        raise UsageError(message)
    feeds = read_arrays(Path(sample)) if isinstance(sample, (str, Path)) else sample
    file = model_format.network(path)
    with plugins.attribute("golive.adapters.frameworks.network_tensors", "NetworkTensors")(file) as opened:
        return package_tensors(
            opened,
            file,
            feeds,
            rooms,
            name=name,
            target=target,
            outputs=outputs,
            open_axes=open_axes,
            files={path.name: digest_of(path.read_bytes())},
            kind=file.kind,
        )
