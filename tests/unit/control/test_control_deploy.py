"""Deployments and roll-backs as wishes in the ledger; the target is a real implementation kept in memory."""

import pytest

from golive.control.deploy import before_the_last, deploy
from golive.control.rooms import open_rooms
from golive.domain.digest import digest_of
from golive.domain.policy import Verdict
from golive.errors import NotFoundError
from golive.settings import Settings

AT = "2026-01-01T00:00:00+00:00"


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
