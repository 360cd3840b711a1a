"""Frameworks: the plug-in that knows a fitted model, the conversion by it, and the models that no bundle can hold."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from golive import plugins
from golive.errors import NotConvertibleError
from golive.ports import Converted, Framework


def framework_for(model: object) -> Framework:
    """Find the framework plug-in that knows a model.

    Raises:
        NotConvertibleError: none does.
    """
    frameworks: Iterator[Framework] = plugins.load_all("frameworks")
    for framework in frameworks:
        if framework.recognizes(model):
            return framework
    known = ", ".join(plugins.names("frameworks"))
    message = (
        f"no framework plug-in knows a {type(model).__module__}.{type(model).__qualname__}; installed are: {known}"
    )
    raise NotConvertibleError(message)


def converted_by(framework: Framework, model: Any, sample: Any, *, target: str) -> Converted:
    """Convert a fitted model.

    Raises:
        NotConvertibleError: a part has no exact form; the message names it, and the way out.
    """
    try:
        return framework.convert(model, sample, target=target)
    except NotConvertibleError as error:
        if "isolated" in error.message:
            raise
        message = f"{error.message}; or serve it as it is, in a process of its own, by packaging it with isolated=True"
        raise NotConvertibleError(message, field=error.field) from error


def refuse_several_targets(model: object, answers: Any) -> None:
    """Refuse several true answers a row: one number, or one label, is what a bundle of rows answers with.

    Raises:
        NotConvertibleError: there are several; the message says how to package them.
    """
    count = np.shape(answers)[1] if np.ndim(answers) > 1 else 1
    if count == 1:
        return
    name, each = type(model).__name__, _package_each(model, answers)
    message = f"{name} predicts {count} targets, and a bundle of rows answers with one; {each}"
    raise NotConvertibleError(message)


def _package_each(model: object, answers: Any) -> str:
    """Say how a model of several targets comes to a bundle for each, with the line that does it."""
    target = "Y.iloc[:, k]" if hasattr(answers, "iloc") else "Y[:, k]"
    if type(model).__name__.startswith("MultiOutput"):
        what, where = "package each of its .estimators_ with the target that it was fitted on", "model.estimators_[k]"
    else:
        what, where = "fit a model for each target and package those", f"clone(model).fit(X, {target})"
    line = f"golive.package({where}, sample=X, target={target}, name=f'model-{{k}}')"
    return f"{what}: {line} for k in range({np.shape(answers)[1]})"
