"""MLflow: a model folder, whose ``MLmodel`` file says which other format reads the model inside, without MLflow."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from golive import plugins
from golive.errors import DataError, NotFoundError
from golive.ports import CodeFile, ModelFormat

DESCRIPTION = "MLmodel"
MOST_BYTES = 1 << 20
_LIBRARY = {"sklearn": "scikit-learn"}
_PICKLES = {"sklearn": "pickled_model"}
"""Flavor -> the key under which its pickle's name stands."""
_DATA = ("onnx", "lightgbm", "xgboost", "catboost")
"""Flavors whose file another format reads as it is."""
_FILE = {"onnx": "model.onnx", "lightgbm": "model.lgb", "xgboost": "model.xgb", "catboost": "model.cb"}
"""What MLflow called the file before it wrote its name down."""


class MlflowFormat:
    """Reads a folder with an ``MLmodel`` file, of the flavors sklearn, onnx, lightgbm, xgboost and catboost."""

    name = "mlflow"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is an MLflow model folder, or the ``MLmodel`` file in one."""
        return (path / DESCRIPTION).is_file() or (path.name == DESCRIPTION and path.is_file())

    def read(self, path: Path) -> Any:
        """Give the model inside, as the format that knows it does.

        Raises:
            DataError: the folder is damaged, or its flavor is not one of those named here.
            MissingExtraError: the library of its flavor is not installed.
        """
        folder = path if path.is_dir() else path.parent
        flavors = _flavors(folder / DESCRIPTION)
        for flavor in _DATA:
            if flavor in flavors:
                return _read(folder, flavor, flavors[flavor])
        if "sklearn" in flavors:
            return _pickled(folder, "sklearn", flavors["sklearn"])
        message = (
            f"{folder} holds an MLflow model of the flavors {', '.join(sorted(flavors)) or 'none'}; golive reads "
            f"{', '.join((*_DATA, 'sklearn'))}: log the model with one of these, or export it to ONNX"
        )
        raise DataError(message)


def _flavors(description: Path) -> dict[str, dict[str, Any]]:
    if description.stat().st_size > MOST_BYTES:
        message = f"{description} has {description.stat().st_size} bytes, which no description of a model has"
        raise DataError(message)
    try:
        told = yaml.safe_load(description.read_bytes())
        return msgspec.convert(told.get("flavors"), dict[str, dict[str, Any]])
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"{description} cannot be read as the description of an MLflow model ({reason}); log the model again"
        raise DataError(message) from error


def _read(folder: Path, flavor: str, about: dict[str, Any]) -> Any:
    inside = _inside(folder, about.get("data") or _FILE[flavor])
    if _is_pickle(inside):
        return _pickled(folder, flavor, {"pickled_model": about.get("data")})
    model_format: ModelFormat
    try:
        model_format = plugins.load("formats", flavor)
    except NotFoundError as error:
        message = f"{inside} is a model of {flavor}, and no installed format reads those: {error.message}"
        raise DataError(message) from error
    return model_format.read(inside)


def _is_pickle(path: Path) -> bool:
    return path.suffix in {".pkl", ".pickle"}


def _pickled(folder: Path, flavor: str, about: dict[str, Any]) -> CodeFile:
    inside = _inside(folder, about.get(_PICKLES.get(flavor, "pickled_model")) or "model.pkl")
    found: CodeFile = plugins.load("formats", "skops" if inside.suffix == ".skops" else "joblib").read(inside)
    version = about.get(f"{flavor}_version")
    if version is None:
        return found
    return msgspec.structs.replace(found, saved_by={_LIBRARY.get(flavor, flavor): str(version)} | found.saved_by)


def _inside(folder: Path, name: Any) -> Path:
    """Give a file of the folder; a name that leads elsewhere is refused."""
    place = (folder / str(name)).resolve()
    if not place.is_relative_to(folder.resolve()) or not place.is_file():
        message = f"{folder / DESCRIPTION} names {str(name)!r}, which is no file in that folder; log the model again"
        raise DataError(message)
    return place
