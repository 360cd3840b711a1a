"""Opened: a bundle's graph in this process, and a data frame in the form that it is asked in."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive import plugins
from golive.domain.bundle import Bundle
from golive.domain.signature import Signature
from golive.inference.front import compile_front
from golive.inference.road import Road, open_road
from golive.inference.table import columns_of
from golive.ports import Column, Int64


def open_bundle(bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1) -> Road:
    """Open a bundle's graph in this process."""
    manifest = bundle.manifest
    return open_road(manifest, files[manifest.graph], plugins.load("runtimes", manifest.runtime), threads=threads)


def accepted(bundle: Bundle, columns: Mapping[str, Column]) -> Int64:
    """Give the positions of the rows that a bundle's signature lets pass."""
    front = compile_front(bundle.manifest.preparation, bundle.signature)
    return np.flatnonzero(front.accepted(columns)).astype(np.int64)


def table_columns(signature: Signature, frame: Any) -> dict[str, Column]:
    """Give a data frame's columns in the canonical form."""
    return columns_of(signature, {str(name): frame[name].to_numpy() for name in frame.columns})
