"""A framework's model through golive's own proof: converted, opened, and asked beside the original."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive import plugins
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble
from golive.packaging.parity import Proof, prove
from golive.ports import Converted, Framework


def proved(
    framework: Framework, model: Any, sample: Any, tests: Any, *, within: float = 1e-12
) -> tuple[Converted, Proof]:
    """Convert a model and prove it on the tests and on rows made to break it; raises ParityError where it differs."""
    converted = framework.convert(model, sample, target="y")
    manifest = assemble("proved", converted)
    road = open_road(manifest, converted.graph, plugins.load("runtimes", "onnxruntime"))
    rows = columns_of(manifest.signature, {name: tests[name].to_numpy() for name in manifest.signature.names})
    boundary = boundary_rows(rows, converted.thresholds, manifest, rng=np.random.default_rng(0))

    def original(columns: Mapping[str, Any]) -> Any:
        return framework.predict(model, type(sample)({name: columns[str(name)] for name in sample.columns}))

    proof = prove(original, road, rows, boundary, tolerance=max(within, converted.tolerance))
    return converted, proof
