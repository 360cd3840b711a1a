"""Forms: what the exports to other frameworks share: what each is asked, and the proof before anything is kept."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive import plugins
from golive.adapters.exports.companions.described import model_json
from golive.adapters.exports.companions.parity import jsonable, parity_json
from golive.adapters.exports.frameworks.form_check import cases, differences
from golive.adapters.graphs.program import Program
from golive.domain.bundle import Bundle
from golive.domain.signature import Tensor
from golive.errors import NotConvertibleError, ParityError

EXACT, NARROW = 1e-9, 1e-5
"""How far apart answers may be, relative to max(1, |answer|): in double precision, and in float32."""
_PAIR = 2

Arrays = dict[str, npt.NDArray[Any]]


class Cases(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Inputs for a graph, and golive's answers to them."""

    inputs: tuple[Tensor, ...]
    feeds: tuple[Arrays, ...]
    wanted: tuple[Arrays, ...]
    parity: dict[str, Any]
    """What ``parity.json`` is to hold."""
    renamed: bool = False
    """Whether inputs or outputs have other names than in the bundle; those of ``inputs`` are the bundle's always."""

    @property
    def tolerance(self) -> float:
        """How far apart answers may be."""
        return float(self.parity["tolerance"])


def cases_of(bundle: Bundle, files: Mapping[str, bytes], *, is_narrow: bool = False) -> Cases:
    """Make cases: rows made to break a conversion, or tensors of the signature's shapes.

    Args:
        bundle: what is exported.
        files: its files.
        is_narrow: the form computes in float32, so that it is asked numbers that float32 has, and so is golive.

    Raises:
        NotConvertibleError: no inputs could be made up for the bundle's tensors.
    """
    parity = msgspec.json.decode(parity_json(bundle, files))
    parity["tolerance"] = max(NARROW if is_narrow else EXACT, parity.get("tolerance", 0.0))
    parity["difference"] = "relative"
    if bundle.signature.task == "tensors":
        inputs = bundle.signature.tensors
        _check_tensors(bundle, inputs, is_narrow=is_narrow)
        # What computes in float32 inside may add in another order.
        parity["tolerance"] = max(parity["tolerance"], NARROW)
    else:
        inputs = _table_inputs(bundle)
        if is_narrow:
            _narrow(bundle, files, parity)
    listed = list(cases(parity))
    if not listed:
        message = f"no inputs could be made up that {bundle.name!r} runs on, so no other form of it can be proved"
        raise NotConvertibleError(message)
    return Cases(
        inputs=inputs,
        feeds=tuple(feeds for feeds, _ in listed),
        wanted=tuple(wanted for _, wanted in listed),
        parity=parity,
    )


def program_of(bundle: Bundle, files: Mapping[str, bytes]) -> Program:
    """Read the graph of a bundle.

    Raises:
        NotConvertibleError: it needs an operator that is not in the table; it is named.
    """
    return Program(files[bundle.manifest.graph])


def words_of(names: Sequence[str]) -> dict[str, str]:
    """Give each name a form that is a word, as TensorFlow wants them; no two the same."""
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_0123456789") or "tensor"
        while word in found.values():
            word += "_"
        found[name] = word
    return found


def renamed(asked: Cases, names: Mapping[str, str]) -> Cases:
    """Call inputs and outputs by other names, in ``parity.json`` too."""
    if all(name == other for name, other in names.items()):
        return asked
    parity = dict(asked.parity)
    parity["cases"] = [
        {side: {names.get(name, name): told for name, told in case[side].items()} for side in ("inputs", "outputs")}
        for case in asked.parity["cases"]
    ]
    return msgspec.structs.replace(
        asked,
        feeds=tuple({names.get(name, name): array for name, array in feeds.items()} for feeds in asked.feeds),
        wanted=tuple({names.get(name, name): array for name, array in wanted.items()} for wanted in asked.wanted),
        parity=parity,
        renamed=True,
    )


def prove(form: str, bundle: Bundle, asked: Cases, answers: Sequence[Mapping[str, Any]]) -> float:
    """Compare the answers of another form with golive's, and give the greatest difference.

    Raises:
        ParityError: they are further apart than the tolerance, or a decision is another one; the message has the place.
    """
    greatest = 0.0
    for wanted, found in zip(asked.wanted, answers, strict=True):
        for name, expected in wanted.items():
            got = np.asarray(found[name])
            apart = differences(expected, got)
            greatest = max(greatest, float(apart.max(initial=0.0)))
            if not greatest <= asked.tolerance:
                raise ParityError(_apart(form, bundle, asked, expected, got, int(apart.argmax())))
    _check_decisions(form, bundle, asked, answers)
    return greatest


def companions(bundle: Bundle, asked: Cases, readme: str, libraries: str) -> dict[str, bytes]:
    """Give what stands beside a model: its description, its cases, its check, what that needs, and its README."""
    return {
        "model.json": model_json(bundle),
        "parity.json": msgspec.json.encode(asked.parity) + b"\n",
        "check.py": Path(__file__).with_name("form_check.py").read_bytes(),
        "requirements.txt": libraries.encode(),
        "README.md": readme.encode(),
    }


def inputs_text(bundle: Bundle, *, is_narrow: bool = False) -> str:
    """Say in Markdown what a graph reads and gives."""
    if bundle.signature.task == "tensors":
        return "\n".join(
            f"- {side} `{one.name}`: {one.dtype} {['?' if length is None else length for length in one.shape]}"
            for side, tensors in (("reads", bundle.signature.tensors), ("gives", bundle.signature.outputs))
            for one in tensors
        )
    number = "float32" if is_narrow else "float64"
    preparation = bundle.manifest.preparation
    lines = []
    if preparation.numbers:
        lines.append(f"- reads `N`, {number} `[rows, {len(preparation.numbers)}]`; a missing number is NaN")
    if preparation.categories:
        lines.append(f"- reads `C`, int64 `[rows, {len(preparation.categories)}]`: the code of each text")
    gives = ", ".join(bundle.signature.classes) or bundle.signature.target
    lines.append(f"- gives `P`, {number} `[rows, {max(1, len(bundle.signature.classes))}]`: {gives}")
    steps = " and the declared `steps` that come first" if preparation.steps else ""
    return "\n".join(lines) + f"\n\n`model.json` has the columns in order, the code of each text{steps}."


def _check_tensors(bundle: Bundle, inputs: Sequence[Tensor], *, is_narrow: bool) -> None:
    for one in (*inputs, *bundle.signature.outputs):
        if one.dtype == "string" or (is_narrow and one.dtype == "float64"):
            message = (
                f"the tensor {one.name!r} of {bundle.name!r} is {one.dtype}, which this form does not take; export it "
                "as onnx, which takes the graph as it is"
            )
            raise NotConvertibleError(message)


def _table_inputs(bundle: Bundle) -> tuple[Tensor, ...]:
    preparation = bundle.manifest.preparation
    numbers, codes = len(preparation.numbers), len(preparation.categories)
    return (
        *([Tensor(name="N", dtype="float64", shape=(None, numbers))] if numbers else []),
        *([Tensor(name="C", dtype="int64", shape=(None, codes))] if codes else []),
    )


def _narrow(bundle: Bundle, files: Mapping[str, bytes], parity: dict[str, Any]) -> None:
    """Round the numbers of the rows to float32, leave out rows beyond it, and ask golive again."""
    (feeds, _), *_ = cases(parity)
    count = len(parity["P"])
    numbers = feeds.get("N", np.empty((count, 0)))
    codes = feeds.get("C", np.empty((count, 0), np.int64))
    with np.errstate(over="ignore"):
        rounded = numbers.astype(np.float32).astype(np.float64)
    kept = (np.isinf(rounded) == np.isinf(numbers)).all(axis=1)
    session = plugins.load("runtimes", bundle.manifest.runtime).open(files[bundle.manifest.graph], threads=1)
    answers = session.run(rounded[kept], codes[kept])
    parity |= {
        "dtype": "float32",
        "N": jsonable(rounded[kept]),
        "C": codes[kept].tolist(),
        "P": jsonable(answers),
    }
    # They belong to the numbers before they were rounded.
    parity.pop("rows")
    parity.pop("labels")


def _check_decisions(form: str, bundle: Bundle, asked: Cases, answers: Sequence[Mapping[str, Any]]) -> None:
    """See that every decision is the same, except where golive's own is closer to a tie than the tolerance."""
    if bundle.signature.task != "classification":
        return
    expected, got = asked.wanted[0]["P"], np.asarray(answers[0]["P"], np.float64)
    if expected.shape[1] == _PAIR:
        threshold = bundle.manifest.decision.threshold
        differ = (expected[:, 1] > threshold) != (got[:, 1] > threshold)
        margin = np.abs(expected[:, 1] - threshold)
    else:
        ordered = np.sort(expected, axis=1)
        differ = expected.argmax(axis=1) != got.argmax(axis=1)
        margin = ordered[:, -1] - ordered[:, -2]
    wrong = np.flatnonzero(differ & (margin > asked.tolerance))
    if len(wrong):
        raise ParityError(_apart(form, bundle, asked, expected, got, int(wrong[0]) * expected.shape[1]))


def _apart(
    form: str, bundle: Bundle, asked: Cases, expected: npt.NDArray[Any], got: npt.NDArray[Any], place: int
) -> str:
    if expected.shape != got.shape:
        found, wanted = f"the shape {list(got.shape)}", f"{list(expected.shape)}"
        where = ""
    else:
        found, wanted = f"{got.reshape(-1)[place]:.9g}", f"{expected.reshape(-1)[place]:.9g}"
        row = place // max(1, expected.shape[-1] if expected.ndim > 1 else 1)
        where = f" for row {row} of its parity rows"
    return (
        f"{bundle.name!r} as {form} gives {found}{where} where golive gives {wanted}, more than {asked.tolerance:g} "
        "apart; nothing was written: export it as onnx, which takes the graph as it is"
    )
