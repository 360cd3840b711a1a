"""joblib in the sandbox: the one place where a stranger's pickle is loaded, after a person said ``--trust``.

Verbs: ``load`` (a path in, what was found out), ``convert`` (rows in, the converted model out), ``predict`` (rows
in, answers out) and ``ask`` (rows in, what one of its own methods gives out).
"""

import warnings
from collections.abc import Callable
from typing import Any

import joblib
import msgspec
import numpy as np

from golive import plugins
from golive.control.sandbox.arrays import pack
from golive.control.sandbox.orders import Loaded, Order
from golive.errors import DataError

PACKAGES = {
    "sklearn": "scikit-learn",
    "feature_engine": "feature-engine",
    "category_encoders": "category-encoders",
    "imblearn": "imbalanced-learn",
    "skopt": "scikit-optimize",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "pyyaml",
}
"""Module -> the package that brings it, where they are called differently."""
CHOSEN = "chosen"
"""Instead of a method: the class that a classifier without probabilities chooses."""
_MOST_WARNINGS = 3


Handler = Callable[[str, bytes], bytes]


def handler() -> Handler:
    """Give what answers the sandbox's questions about a file of joblib or a pickle."""
    return handler_of(joblib.load)


def handler_of(load: Callable[[str], Any]) -> Handler:
    """Give what answers the sandbox's questions; the loaded object stays here."""
    held: list[Any] = []

    def answer(verb: str, content: bytes) -> bytes:
        if verb == "load":
            model, found = loaded(load, content.decode())
            held[:] = [model]
            return msgspec.msgpack.encode(found)
        return _answered(held[0], verb, msgspec.msgpack.decode(content, type=Order))

    return answer


def _answered(model: Any, verb: str, order: Order) -> bytes:
    # Most files are refused before this, and these take seconds to import.
    import pyarrow as pa  # noqa: PLC0415

    from golive.control.packing.frameworks import framework_for  # noqa: PLC0415
    from golive.training.frame import from_arrow  # noqa: PLC0415

    frame = from_arrow(pa.ipc.open_stream(order.table).read_all())
    if verb == "ask":
        for name in order.nan_texts:
            frame[name] = frame[name].where(frame[name].notna(), float("nan"))
        table = frame.to_numpy() if order.is_array else frame
        return pack({"answers": _plain(_asked(model, order.target, table))})
    framework = framework_for(model)
    if verb == "convert":
        return msgspec.msgpack.encode(framework.convert(model, frame, target=order.target))
    return pack({"answers": framework.predict(model, frame)})


def _asked(model: Any, method: str, table: Any) -> Any:
    if method == CHOSEN:
        return plugins.attribute("golive.adapters.runtimes.isolated.program", "chosen")(model, table)
    return getattr(model, method)(table)


def _plain(answer: Any) -> np.ndarray[Any, Any]:
    return np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer)


def loaded(load: Callable[[str], Any], path: str) -> tuple[Any, Loaded]:
    """Load the object, and say what it is.

    Raises:
        DataError: it does not load here; the message says what is missing, or which version wrote it.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            model = load(path)
        except ModuleNotFoundError as error:
            raise DataError(_missing(path, error)) from error
        except Exception as error:  # a stranger's file raises what it likes
            message = f"{path} does not load here ({type(error).__name__}: {error}); {_remedy(error)}"
            raise DataError(message) from error
    texts = dict.fromkeys(" ".join(str(one.message).split()) for one in heard if _tells(one))
    return model, Loaded(
        kind=f"{type(model).__module__}.{type(model).__qualname__}",
        columns=tuple(str(name) for name in getattr(model, "feature_names_in_", ())),
        warnings=tuple(texts)[:_MOST_WARNINGS],
        none_texts=_none_texts(model),
    )


def _none_texts(model: Any) -> tuple[str, ...]:
    """Name the columns in which the encoders of a pipeline know None as what is missing."""
    markers = plugins.attribute("golive.adapters.frameworks.asking", "missing_markers")
    try:
        return tuple(str(name) for name, marker in markers(model).items() if marker is None)
    except Exception:  # noqa: BLE001 - any object may come; one that is no pipeline has no such columns
        return ()


def _missing(path: str, error: ModuleNotFoundError) -> str:
    module = (error.name or "").partition(".")[0]
    if module == "__main__" or not module:
        return f"{path} does not load here: {error}"
    if error.name in {"sklearn.externals", "sklearn.utils.testing"} or module == "sklearn":
        return (
            f"{path} needs the module {error.name!r}, which today's scikit-learn does not have: it was written by an "
            "older one; load it with that version and save it again, or train it again"
        )
    package = PACKAGES.get(module, module)
    return (
        f"{path} needs the module {module!r}, which is not installed here; `pip install {package}` brings it if it is "
        "a published package; a module of your own must be installed as a package"
    )


def _remedy(error: Exception) -> str:
    if isinstance(error, AttributeError) and "__main__" in str(error):
        return "the class was defined in a script or notebook: move it into an installed package and save it again"
    return "it was written by other versions of its libraries: install those, or load it there and save it again"


def _tells(heard: warnings.WarningMessage) -> bool:
    return heard.category.__name__ == "InconsistentVersionWarning"
