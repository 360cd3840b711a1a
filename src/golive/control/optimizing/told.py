"""Told: what was found about candidates, in plain values and as the evidence of the one that was chosen."""

import msgspec

from golive.control.optimizing.halves import Rows
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle
from golive.domain.evidence import Evidence, Measure
from golive.optimization.limits import Limits
from golive.optimization.loss import Loss
from golive.optimization.measured import Comparison
from golive.optimization.search import Searched
from golive.optimization.tried import Tried


def evidence_of(
    child: Bundle, parent: Bundle, searched: Searched, limits: Limits, rows: Rows, rooms: Rooms
) -> Evidence:
    """Say of a bundle that it is as good as its parent, with what was found about every candidate."""
    best = searched.best
    measures = _measures(best.loss, best.comparison) if best and best.loss and best.comparison else ()
    return Evidence(
        bundle=child.digest,
        kind="optimization",
        data=rows.data,
        rows=len(rows.truth),
        rows_from=rows.rows_from,
        measured_at=rooms.now(),
        code=code_version(),
        measures=measures,
        details={
            "parent": parent.digest,
            "chosen": best.candidate.name if best else "",
            "max_loss": limits.max_loss,
            "prefer": limits.prefer,
            "candidates": [row_of(one, searched) for one in searched.tried],
            "left_out": list(searched.left_out),
        },
    )


def row_of(one: Tried, searched: Searched) -> dict[str, object]:
    """Say what was found about a candidate in plain values, for evidence and programs."""
    return {
        "name": one.candidate.name,
        "method": one.method,
        "outcome": one.outcome,
        "reason": one.reason,
        "pareto": any(one is other for other in searched.pareto),
        "chosen": one is searched.best,
        "cost": None if one.comparison is None else msgspec.to_builtins(one.comparison),
        "loss": None if one.loss is None else msgspec.to_builtins(one.loss),
    }


def _measures(loss: Loss, found: Comparison) -> tuple[Measure, ...]:
    rows, cost = loss.rows, found.candidate
    times = "on one core, in turns with the original"
    share = Measure(
        name="loss",
        value=loss.share,
        lower=loss.lower,
        upper=loss.upper,
        rows=rows,
        method="Poisson bootstrap of the paired difference",
        better="lower",
        note=f"worsening of {loss.metric} as a share of the original's",
    )
    return (
        Measure(name=loss.metric, value=loss.candidate, rows=rows),
        Measure(name=f"parent.{loss.metric}", value=loss.original, rows=rows),
        share,
        Measure(name="decisions_flipped", value=float(loss.flipped), rows=rows, better="lower"),
        Measure(name="graph_mb", value=cost.size_bytes / 1e6, better="lower"),
        Measure(name="parent.graph_mb", value=found.original.size_bytes / 1e6, better="lower"),
        Measure(name="one_row.p50_us", value=cost.p50_us, method=times, better="lower"),
        Measure(name="one_row.p99_us", value=cost.p99_us, method=times, better="lower"),
        Measure(name="one_row.speedup", value=found.one_row, method=times, better="higher"),
        Measure(name="thousand_rows.ms", value=cost.thousand_ms, method=times, better="lower"),
        Measure(name="thousand_rows.speedup", value=found.thousand_rows, method=times, better="higher"),
        Measure(name="load_ms", value=cost.load_ms, method=times, better="lower"),
        Measure(name="memory_mb", value=cost.memory_mb, method=times, better="lower"),
    )
