"""Proof: whether the first axes of a model's tensors are rows, so that requests may run together."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.signature import Signature
from golive.serving.batching.proof import RowProof, companies
from golive.serving.tensorial.examples import Values, first_that_runs, has_open_axes, tensors_of
from golive.serving.tensorial.tensor_rows import TensorRows

_KINDS: tuple[Values, ...] = ("varied", "few")
_LENGTHS = (1, 3, 8, 32)
"""Lengths of open axes that are tried; the proof holds for two of them."""
_OPEN_LENGTHS = 2
_TOLERANCES = {"float16": (2e-2, 2e-2), "float32": (1e-4, 1e-5), "float64": (1e-9, 1e-12)}
"""Relative, and absolute as a part of the largest output: another kernel adds in another order."""

Run = Callable[[TensorRows], TensorRows]


def follows_rows(run: Run, signature: Signature, *, rows: int) -> RowProof:
    """Run rows alone, together, in other orders and among other rows, and compare all outputs.

    The rows are made up from the signature. Where whole numbers up to 255 cannot be run, 0 and 1 are tried: an index
    must be one that the model knows.

    Args:
        run: the model.
        signature: what it takes; every tensor must have an open first axis.
        rows: how many are tried, each of them once alone.
    """
    bound = [tensor.name for tensor in signature.tensors if tensor.shape[:1] != (None,)]
    if bound:
        return _refused(f"the first axis of {bound[0]!r} is not open")
    wanted = _OPEN_LENGTHS if has_open_axes(signature) else 1
    is_exact, held, unproved = True, 0, _refused("it does not run on tensors made up from its signature")
    for length in _LENGTHS:
        together = first_that_runs((tensors_of(signature, kind, rows=rows, length=length) for kind in _KINDS), run)
        if together is None:
            continue
        proof = _of_length(run, together)
        if proof is None:
            unproved = _refused("its outputs were alike for all rows that were tried, which proves nothing")
            continue
        if not proof.follows:
            return proof
        is_exact, held = is_exact and proof.is_exact, held + 1
        if held == wanted:
            return RowProof(follows=True, is_exact=is_exact, reason="")
    return unproved


def _of_length(run: Run, given: TensorRows) -> RowProof | None:
    """Try rows of one shape; None when all have the same outputs."""
    try:
        alone = [run(given[row : row + 1]) for row in range(len(given))]
    except Exception as error:  # noqa: BLE001  engines have errors of their own
        return _refused(f"it fails on one row of a company that it runs ({type(error).__name__})")
    for name, first in alone[0].arrays.items():
        if first.ndim == 0 or any(each.arrays[name].shape != (1, *first.shape[1:]) for each in alone):
            return _refused(f"the output {name!r} has the shape {list(first.shape)} for one row")
    expected = {name: np.concatenate([each.arrays[name] for each in alone]) for name in alone[0].arrays}
    if len(given) > 1 and all((array == array[:1]).all() for array in expected.values()):
        return None
    return _in_company(run, given, expected)


def _in_company(run: Run, given: TensorRows, expected: Mapping[str, npt.NDArray[Any]]) -> RowProof:
    is_exact = True
    for company in _companies(len(given)):
        try:
            outputs = run(given[company]).arrays
        except Exception as error:  # noqa: BLE001  engines have errors of their own
            return _refused(f"it fails on {len(company)} rows at once ({type(error).__name__})")
        for name, array in expected.items():
            found, wanted = outputs[name], array[company]
            if found.shape != wanted.shape:
                return _refused(f"the output {name!r} has the shape {list(found.shape)} for {len(company)} rows")
            if not _are_alike(found, wanted):
                return _refused(f"the output {name!r} of a row depends on the rows beside it")
            is_exact = is_exact and _are_equal(found, wanted)
    return RowProof(follows=True, is_exact=is_exact, reason="")


def _companies(count: int) -> Iterator[npt.NDArray[np.int64]]:
    # The last of one row alone again: what a model remembers from run to run is no function of the row.
    return chain(companies(count), (np.array([row]) for row in range(count)))


def _are_alike(found: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> bool:
    if wanted.dtype.kind != "f":
        return bool((found == wanted).all())
    relative, part = _TOLERANCES[wanted.dtype.name]
    finite = np.abs(wanted[np.isfinite(wanted)])
    largest = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(found, wanted, rtol=relative, atol=part * largest, equal_nan=True))


def _are_equal(found: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> bool:
    return bool(np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f"))


def _refused(what: str) -> RowProof:
    return RowProof(follows=False, is_exact=False, reason=f"the model is not batched: {what}")
