"""Which models share a process under a memory budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.control.running.grouping import PROCESS_BYTES, Group, Model, plan, victim
from golive.domain.serving import Placed
from golive.errors import UsageError

MB = 2**20


def model(name: str, bundle_mb: float) -> Model:
    return Model(Placed(name, 1, f"sha256:{name}"), int(bundle_mb * MB))


def names(groups: tuple[Group, ...]) -> list[str]:
    return ["".join(placed.name for placed in group.placed) for group in groups]


def test_without_a_budget_there_are_no_groups() -> None:
    assert plan([model("a", 1000.0)], 0, 2) == ()


def test_models_that_fit_into_every_worker_need_no_groups() -> None:
    models = [model(name, 1.0) for name in "abc"]
    assert plan(models, 24 * MB, 2) == ()
    assert names(plan(models, 200 * MB, 20)) == ["abc"]


def test_big_models_have_groups_of_their_own_and_small_ones_share() -> None:
    models = [model("a", 40.0), model("b", 1.0), model("c", 40.0), model("d", 1.0), model("e", 100.0)]
    groups = plan(models, 400 * MB, 2)
    assert names(groups) == ["a", "bd", "c", "e"]
    assert [group.number for group in groups] == [1, 2, 3, 4]
    assert groups[0].need_bytes == PROCESS_BYTES + 82 * MB


def test_a_shared_group_is_full_at_a_part_of_the_budget() -> None:
    groups = plan([model(f"m{number:02}", 4.0) for number in range(20)], 400 * MB, 4)
    assert [len(group.placed) for group in groups] == [6, 6, 6, 2]


def test_a_new_model_moves_only_the_group_it_joins() -> None:
    models = [model("a", 40.0), model("b", 1.0), model("c", 40.0)]
    before = plan(models, 200 * MB, 4)
    after = plan([*models, model("aa", 1.0), model("0", 40.0)], 200 * MB, 4, before, first=4)
    assert names(after) == ["a", "aab", "c", "0"]
    assert [group.number for group in after] == [1, 4, 3, 5]
    assert (after[0], after[2]) == (before[0], before[2])


def test_a_model_that_is_gone_leaves_its_group_as_it_is_and_the_last_one_ends_it() -> None:
    models = [model("a", 40.0), model("b", 1.0), model("c", 1.0), model("d", 40.0)]
    before = plan(models, 200 * MB, 4)
    after = plan([models[0], models[1], models[3]], 200 * MB, 4, before, first=4)
    assert [(group.number, name) for group, name in zip(after, names(after), strict=True)] == [
        (1, "a"),
        (2, "b"),
        (3, "d"),
    ]
    assert names(plan([models[0], models[3]], 200 * MB, 4, after, first=4)) == ["a", "d"]


def test_a_model_that_comes_back_to_a_group_makes_it_another_one() -> None:
    models = [model("a", 90.0), model("b", 1.0), model("c", 1.0)]
    before = plan(models, 300 * MB, 4)
    without = plan(models[:2], 300 * MB, 4, before, first=3)
    again = plan(models, 300 * MB, 4, without, first=3)
    assert [(group.number, name) for group, name in zip(again, names(again), strict=True)] == [(1, "a"), (3, "bc")]


def test_a_model_larger_than_the_whole_budget_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"b@1 needs about 266 MB .* memory_mb allows 200 MB .* raise"):
        plan([model("a", 1.0), model("b", 100.0)], 200 * MB, 1)


@given(
    sizes=st.lists(st.integers(0, 60 * MB), min_size=1, max_size=12),
    kept=st.integers(0, 12),
    budget=st.integers(200 * MB, 900 * MB),
)
def test_every_model_is_in_exactly_one_group_that_fits_and_kept_ones_do_not_move(
    sizes: list[int], kept: int, budget: int
) -> None:
    models = [Model(Placed(f"m{number:02}", 1, "sha256:0"), size) for number, size in enumerate(sizes)]
    before = plan(models[:kept], budget, 50)
    groups = plan(models, budget, 50, before, first=100)
    if groups:
        assert sorted(placed for group in groups for placed in group.placed) == [each.placed for each in models]
        assert all(group.need_bytes <= budget for group in groups)
        assert len({group.number for group in groups}) == len(groups)
    seated = {placed: set(group.placed) for group in groups for placed in group.placed}
    for group in before if groups else ():
        assert all(set(group.placed) <= seated[placed] for placed in group.placed)


def test_the_group_that_was_not_needed_for_the_longest_makes_room() -> None:
    assert victim({1: 5.0, 2: 9.0, 3: 0.0}, {1: 60.0, 2: 60.0, 3: 60.0}, 1.0) == 2
    assert victim({1: 5.0, 2: 5.0}, {1: 60.0, 2: 90.0}, 1.0) == 2


def test_a_group_that_started_just_now_is_left_alone() -> None:
    assert victim({1: 0.5, 2: 0.0}, {1: 0.6, 2: 60.0}, 1.0) == 2
    assert victim({1: 0.5, 2: 0.1}, {1: 0.6, 2: 0.2}, 1.0) is None


def test_a_group_that_nobody_has_asked_for_yet_is_as_idle_as_it_is_old() -> None:
    assert victim({1: 5.0}, {1: 60.0, 2: 8.0}, 1.0) == 2
