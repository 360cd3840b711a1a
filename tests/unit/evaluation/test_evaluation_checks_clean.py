"""Rows in which nothing is wrong raise no finding, whatever their shape."""

import msgspec
import pytest
from clean_data import clean_run

from golive.domain.finding import FindingKind
from golive.evaluation.checks.section import checks


@pytest.mark.parametrize("seed", range(10))
def test_a_clean_run_has_no_finding(seed):
    section = checks(clean_run(seed, model="true"))
    assert section.findings == ()
    assert set(section.checked) == {
        *("leakage", "duplicates", "identifier", "time", "hidden_missing", "unit", "shift", "rows")
    }


def test_the_same_subject_gives_the_same_section():
    subject = clean_run(3, model="true", rows=25_000)
    first, second = checks(subject), checks(subject)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_details_are_plain_json_that_can_be_read_back():
    details = checks(clean_run(0, model="true")).details
    assert msgspec.json.decode(msgspec.json.encode(details)) == details
    assert "NaN" not in msgspec.json.encode(details).decode()


def test_without_training_rows_what_needs_them_is_not_said_to_be_checked():
    whole = clean_run(1, model="true")
    section = checks(msgspec.structs.replace(whole, training=None))
    unlooked: set[FindingKind] = {"duplicates", "time"}
    assert not unlooked & set(section.checked)
    assert [note["code"] for note in section.notes] == ["checks_no_training"]
    assert section.findings == ()
    assert section.details["training_rows"] is None
    bare = checks(msgspec.structs.replace(whole, training=None, profile=None))
    assert "shift" not in bare.checked
    assert bare.findings == ()
