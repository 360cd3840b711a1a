"""Explained: what a notebook is given when it asks why; it shows itself as a table, or as a waterfall of one row."""

import base64
import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from golive.control.judging.explain import Explained
from golive.domain.digest import short
from golive.errors import UsageError
from golive.evaluation.numbers import sent
from golive.evaluation.pages import plots
from golive.evaluation.pages.drawing import figure
from golive.evaluation.pages.figures import table
from golive.evaluation.pages.markup import Markup, join, tag
from golive.ports import Float64
from golive.serving.explaining.account import shown

_SHOWN_ROWS = 20
_SHOWN_INPUTS = 12
_QUANTITIES = {"value": "answer", "log_odds": "log-odds", "probability": "probability"}


class ExplanationHandle:
    """The explanations of some rows."""

    def __init__(self, told: Explained) -> None:
        self.told = told

    @property
    def contributions(self) -> dict[str, Float64]:
        """Input -> how much it moved each answer, float64 ``[rows]``; ``pandas.DataFrame`` takes it as it is."""
        rows = self.told.explanations
        return {name: np.array([one["contributions"][name] for one in rows]) for name in rows[0]["contributions"]}

    @property
    def base(self) -> Float64:
        """What each answer would be without them, float64 ``[rows]``."""
        return np.array([one["base"] for one in self.told.explanations])

    @property
    def answers(self) -> Float64:
        """The answers on the scale of the explanation, float64 ``[rows]``: base and contributions added up."""
        return np.array([one["answer"] for one in self.told.explanations])

    def plot(self, row: int = 0) -> Figure:
        """Draw one row as a waterfall, from the usual answer to this one.

        Raises:
            UsageError: there is no such row.
        """
        if not -len(self) <= row < len(self):
            message = f"there is no row {row}; {len(self)} rows were explained, counted from 0"
            raise UsageError(message)
        one = self.told.explanations[row]
        steps = sorted(one["contributions"].items(), key=lambda step: -abs(step[1]))
        names = [f"{name} = {_as_sent(one['values'][name])}" for name, _ in steps[:_SHOWN_INPUTS]]
        moves = [moved for _, moved in steps[:_SHOWN_INPUTS]]
        if rest := steps[_SHOWN_INPUTS:]:
            names.append(f"{len(rest)} others")
            moves.append(sum(moved for _, moved in rest))
        quantity = _QUANTITIES[self.told.scale]
        what = quantity if one["output"] is None else f"{quantity} of {one['output']!r}"
        drawn = plots.waterfall(
            names,
            moves,
            base=one["base"],
            total=one["answer"],
            labels=(what, ""),
            alt=f"How each input moved the {what} from {one['base']:.4g} to {one['answer']:.4g}.",
            name=f"explanation-{row}",
            ends=("average", "this row"),
        )
        return figure(drawn)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.told.explanations)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Give one row's explanation, as ``:explain`` answers it."""
        return self.told.explanations[row]

    def _repr_html_(self) -> str:
        if len(self) > 1:
            return str(self._table())
        drawn = io.BytesIO()
        self.plot().savefig(drawn, format="png", dpi=110)
        picture = base64.b64encode(drawn.getvalue()).decode("ascii")
        alt = "; ".join(reason["text"] for reason in self[0]["reasons"])
        image = tag("img", src=f"data:image/png;base64,{picture}", alt=alt, style="max-width: 640px")
        return str(join(tag("p", f"prediction: {_said(self[0]['prediction'])}"), image, self._changes()))

    def _table(self) -> Markup:
        rows = [
            (str(row), _said(one["prediction"]), f"{one['answer']:.4g}", "; ".join(r["text"] for r in one["reasons"]))
            for row, one in enumerate(self.told.explanations[:_SHOWN_ROWS])
        ]
        more = len(self) - len(rows)
        return join(
            table(("row", "prediction", _QUANTITIES[self.told.scale], "reasons"), rows),
            tag("p", f"and {more} more") if more else Markup(),
        )

    def _changes(self) -> Markup:
        changed = self[0].get("counterfactual")
        if changed is None:
            return Markup()
        if changed["reason"]:
            return tag("p", f"no counterfactual: {changed['reason']}")
        texts = [
            ", ".join(
                f"{each['input']} {_said(each['after'])} instead of {_said(each['before'])}" for each in one["changes"]
            )
            + f": {_said(one['prediction'])}"
            for one in changed["found"]
        ]
        return tag("ul", *(tag("li", text) for text in texts))

    def __repr__(self) -> str:
        told = self.told
        return f"<golive explanations of {told.rows} rows by {told.model} {short(told.bundle)}, {told.method}>"


def _as_sent(value: Any) -> str:
    return sent(value) if isinstance(value, float) else shown(value)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)
