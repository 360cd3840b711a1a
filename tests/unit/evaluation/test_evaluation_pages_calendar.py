"""An axis of time: few ticks, where years, months or days begin, written as ISO 8601 does."""

from datetime import UTC, datetime

import pytest

from golive.evaluation.pages.calendar import calendar


def seconds(*moment):
    return datetime(*moment, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        ((2006, 1, 1), (2010, 7, 1), ["2006", "2008", "2010"]),
        ((2011, 1, 5), (2011, 11, 3), ["2011-04", "2011-07", "2011-10"]),
        ((2011, 1, 5), (2011, 1, 8), ["2011-01-05", "2011-01-06", "2011-01-07", "2011-01-08"]),
        ((1900, 1, 1), (2020, 1, 1), ["1900", "1950", "2000"]),
        ((2011, 1, 5, 3, 0, 1), (2011, 1, 5, 9), ["03:00:01", "09:00:00"]),
        ((1969, 12, 31), (1970, 1, 1), ["1969-12-31", "1970-01-01"]),
    ],
)
def test_ticks_are_few_and_read_as_dates(first, last, written):
    assert calendar([seconds(*last), seconds(*first)])[1] == written


def test_ticks_stand_where_they_say_and_within_the_moments():
    first, last = seconds(2016, 7, 9), seconds(2017, 8, 31)
    ticks, written = calendar([first, last])
    assert all(first <= tick <= last for tick in ticks)
    assert [f"{datetime.fromtimestamp(tick, UTC):%Y-%m}" for tick in ticks] == written
    assert len(ticks) == 4
