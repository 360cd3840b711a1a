"""Grouping: which models share a process under a memory budget. Pure: sizes and the last plan in, groups out."""

from collections.abc import Mapping, Sequence

import msgspec

from golive.domain.serving import Placed
from golive.errors import UsageError

PROCESS_BYTES = 64 << 20
"""What a process with its libraries takes before it has a model: about 55 MB of its own, measured."""
_PER_BYTE = 2
"""An open graph takes about twice its file: the weights once, and what the runtime makes of them."""
_MODEL_BYTES = 2 << 20
"""What the smallest model takes."""
_PARTS = 8
"""A shared group is at most this part of the budget, so that ending one leaves most of what is resident alone."""
_LEAST_SHARED_BYTES = 64 << 20
"""But the models of a shared group may take so much, or the libraries would take most of a small budget."""


class Model(msgspec.Struct, frozen=True):
    """A placed version and the bytes of its bundle."""

    placed: Placed
    bundle_bytes: int

    @property
    def need_bytes(self) -> int:
        """The memory that it is expected to take; it is measured once it runs."""
        return _PER_BYTE * self.bundle_bytes + _MODEL_BYTES


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models in one process: they start, and are ended, together."""

    number: int
    """Never given twice by one server; a group with a further model is another group."""
    placed: tuple[Placed, ...]
    need_bytes: int
    """The memory that its process is expected to take."""


def plan(
    models: Sequence[Model], budget_bytes: int, workers: int, before: Sequence[Group] = (), *, first: int = 1
) -> tuple[Group, ...]:
    """Divide models into groups; none when all of them fit into every worker.

    A group of ``before`` stays as it is, without the models that are no longer wanted; a new model joins the first
    shared group with room for it, which thereby becomes another group. A model that fills a shared group by itself
    has a group of its own.

    Args:
        models: what is wanted.
        budget_bytes: for the processes of all groups together; 0 for no limit.
        workers: the processes that hold the connections of callers; without groups each has every model.
        before: the groups of the last plan.
        first: the number that the next new group gets; above all that were ever given.

    Raises:
        UsageError: a model does not fit into the budget by itself.
    """
    if not budget_bytes or workers * sum(model.need_bytes for model in models) <= budget_bytes:
        return ()
    _refuse_too_large(models, budget_bytes)
    needs = {model.placed: model.need_bytes for model in models}
    kept = [tuple(placed for placed in group.placed if placed in needs) for group in before]
    drafts = [list(placed) for placed in kept]
    known = {placed for placed in needs if any(placed in draft for draft in drafts)}
    room = min(budget_bytes - PROCESS_BYTES, max(budget_bytes // _PARTS - PROCESS_BYTES, _LEAST_SHARED_BYTES))
    for placed in sorted(needs.keys() - known):
        _seat(placed, needs, drafts, room)
    numbers = [group.number for group in before]
    groups = []
    for index, draft in enumerate(drafts):
        is_kept = index < len(kept) and len(draft) == len(kept[index])
        number = numbers[index] if is_kept else first
        first += not is_kept
        if draft:
            groups.append(Group(number, tuple(sorted(draft)), PROCESS_BYTES + sum(needs[placed] for placed in draft)))
    return tuple(groups)


def victim(idle_s: Mapping[int, float], age_s: Mapping[int, float], stay_s: float) -> int | None:
    """Choose the group to end: of those that had time to be of use, the one that was not needed for the longest.

    Args:
        idle_s: group -> how long ago it was last needed.
        age_s: group -> how long ago it started; these are the groups to choose from.
        stay_s: a group that started less than so long ago is left alone.

    Returns:
        Its number, or None when all of them started just now: to end one for another would only cost starts.
    """
    settled = [number for number in age_s if age_s[number] >= stay_s]
    return max(settled, key=lambda number: (idle_s.get(number, age_s[number]), age_s[number]), default=None)


def _seat(placed: Placed, needs: dict[Placed, int], drafts: list[list[Placed]], room: int) -> None:
    need = needs[placed]
    # Two that fill more than half each would never share; a large one among small ones would cost them their place.
    if need <= room // 2:
        for draft in drafts:
            if draft and need + sum(needs[other] for other in draft) <= room:
                draft.append(placed)
                return
    drafts.append([placed])


def _refuse_too_large(models: Sequence[Model], budget_bytes: int) -> None:
    for model in models:
        whole = PROCESS_BYTES + model.need_bytes
        if whole > budget_bytes:
            placed = model.placed
            message = (
                f"{placed.name}@{placed.version} needs about {whole / 2**20:.0f} MB in a process of its own, and "
                f"memory_mb allows {budget_bytes / 2**20:.0f} MB for all models; raise serving.memory_mb"
            )
            raise UsageError(message)
