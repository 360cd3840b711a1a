"""Every bundle of rows holds what it is explained with, unless its author says otherwise."""

import pytest
from sklearn.ensemble import GradientBoostingClassifier

import golive
from golive.inference.explaining.background import BACKGROUND
from golive.inference.explaining.container import EXPLAINER, read
from golive.inference.explaining.open import open_explainer


@pytest.fixture
def packaged(table, tmp_path):
    frame, value = table
    frame, answers = frame[["area", "age"]].fillna(0.0), (value > 0).astype(int)
    model = GradientBoostingClassifier(n_estimators=4).fit(frame, answers)

    def package(**words):
        return golive.package(model, sample=frame, target=answers, name="m", home=str(tmp_path), **words), frame

    return package


def files_of(handle):
    return handle._rooms.bundles.files(handle.bundle)


def test_a_bundle_holds_its_background_and_its_trees(packaged):
    handle, frame = packaged()
    files = files_of(handle)
    assert read(files[EXPLAINER]).head.scale == "log_odds"
    told = open_explainer(handle.road, files).explain({name: frame[name].to_numpy() for name in frame})
    assert told.error < 1e-9


def test_an_author_may_keep_rows_out(packaged):
    handle, _ = packaged(background=0)
    assert not {BACKGROUND, EXPLAINER} & set(files_of(handle))
    few, _ = packaged(background=7)
    assert len(next(iter(open_explainer(few.road, files_of(few)).background.values()))) == 7
