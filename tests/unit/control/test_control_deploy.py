"""Deployments and roll-backs as wishes in the ledger; the target is a real implementation kept in memory."""

import memory_target
import pytest

from golive.control.deploy import before_the_last, deploy, rollback
from golive.control.rooms import Rooms, open_rooms
from golive.domain.digest import digest_of
from golive.domain.policy import Verdict
from golive.domain.release import Deployment, Share
from golive.errors import NotFoundError, UsageError
from golive.settings import Settings

AT = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def rooms(tmp_path, monkeypatch) -> Rooms:
    """A state folder with three releases of one name, and a target that takes every step."""
    memory_target.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    rooms = open_rooms(tmp_path / "project", Settings(user="test"))
    for number in (1, 2, 3):
        digest = digest_of(f"bundle {number}".encode())
        verdict = Verdict(bundle=digest, outcome="pass", policy=digest_of(b"policy"))
        rooms.ledger.add_release("homes", digest, verdict, at=AT, by="test")
    return rooms


def served(rooms: Rooms) -> list[int]:
    [route] = memory_target.MemoryTarget(rooms.home.folder).observe().traffic
    return [share.version for share in route.split]


def killed_on_its_way_to(version: int, rooms: Rooms) -> Deployment:
    split = (Share(version, 1.0),)
    return rooms.ledger.add_deployment("homes", "memory", split, strategy="direct", reason="", at=AT, by="test")


def test_a_deployment_that_was_cut_short_does_not_make_the_next_one_lie(rooms):
    deploy("homes", 1, rooms, target="memory")
    killed_on_its_way_to(2, rooms)
    deployed = deploy("homes", 1, rooms, target="memory")
    assert (deployed.deployment.number, deployed.deployment.split) == (3, (Share(1, 1.0),))
    assert served(rooms) == [1]
    assert [wish.words for wish in rooms.ledger.wishes("homes")] == ["live", "pending", "live"]
    assert rooms.ledger.serving("homes") == deployed.deployment


def test_a_deployment_that_was_cut_short_is_finished_by_asking_again(rooms):
    killed = killed_on_its_way_to(2, rooms)
    assert deploy("homes", 2, rooms, target="memory").deployment == killed
    assert served(rooms) == [2]
    assert rooms.ledger.outcome(killed.number) == "live"


def test_two_roll_backs_go_back_two_releases(rooms):
    for version in (1, 2, 3):
        deploy("homes", version, rooms, target="memory")
    went_to = []
    for _ in range(2):
        rollback("homes", rooms)
        went_to += served(rooms)
    assert went_to == [2, 1]
    with pytest.raises(UsageError, match="homes has no release before 1 to roll back to"):
        rollback("homes", rooms)


def test_a_strategy_that_is_not_built_is_refused_and_nothing_is_written_down(rooms):
    with pytest.raises(UsageError, match="there is no strategy 'canary'; the one so far is 'direct'"):
        deploy("homes", 1, rooms, target="memory", strategy="canary")
    assert rooms.ledger.deployments("homes") == ()


@pytest.mark.parametrize(
    ("lived", "expected"),
    [
        ([], None),
        ([1], None),
        ([1, 2], 1),
        ([1, 2, 3], 2),
        ([1, 2, 3, 2], 1),
        ([1, 2, 3, 2, 1], None),
        ([1, 2, 1, 3], 1),
        ([1, 2, 1, 2], 1),
    ],
)
def test_rolling_back_twice_goes_back_twice(lived, expected):
    assert before_the_last(lived) == expected


def test_a_target_that_does_not_exist_leaves_no_wish_behind(tmp_path):
    rooms = open_rooms(tmp_path, Settings(user="test"))
    digest = digest_of(b"bundle")
    made = rooms.ledger.add_release(
        "homes", digest, Verdict(bundle=digest, outcome="pass", policy=digest_of(b"policy")), at=AT, by="test"
    )
    with pytest.raises(NotFoundError, match="mars"):
        deploy("homes", made.version, rooms, target="mars")
    assert rooms.ledger.deployments("homes") == ()
    assert [entry.action for entry in rooms.ledger.audit_entries()] == ["release"]
