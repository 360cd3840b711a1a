"""The house rules that a linter cannot say."""

import ast
import re
import subprocess
import sys
from inspect import getmembers, isclass, ismodule
from pathlib import Path

import pytest

import golive
from golive import errors

SRC = Path(golive.__file__).parent
ROOT = SRC.parents[1]
FILES = sorted(SRC.rglob("*.py"))
HEAVY = {"torch", "sklearn", "pandas", "onnxruntime", "pydantic", "fastapi", "pyarrow", "matplotlib", "scipy", "onnx"}
DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
MAY_IMPORT_INSIDE = {"adapters"}  # an optional library is imported where it is used
MAY_LOAD_JOBLIB = {"adapters/formats/joblib_child.py"}
EXEMPT = {"__init__.py": "the public names are resolved on first use by a module-level __getattr__"}


def ids(path: Path) -> str:
    return str(path.relative_to(SRC))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_go_down_the_house() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_stand_at_the_top(path: Path) -> None:
    if path.relative_to(SRC).parts[0] in MAY_IMPORT_INSIDE or ids(path) in EXEMPT:
        return
    inside = [
        f"{ids(path)}:{node.lineno}"
        for function in ast.walk(tree_of(path))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert not inside


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_importing_a_module_does_nothing(path: Path) -> None:
    """Module bodies define; they do not call, read the environment or configure logging."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        assert isinstance(node, DEFINES), f"{ids(path)}:{node.lineno} runs at import"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path == SRC / "settings.py":
        return
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree_of(path))}
    assert not names & {"environ", "getenv"}


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_pickle_on_any_wire(path: Path) -> None:
    """joblib is for golive's own cache of fitted objects, and for files that a person trusts, in their sandbox."""
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {(node.module or "").partition(".")[0] for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
    if "joblib" in imported:
        assert path.relative_to(SRC).parts[0] == "training" or ids(path) in MAY_LOAD_JOBLIB


@pytest.mark.parametrize("module", ["golive", "golive.serving.protocol", "golive.cli.app"])
def test_light_modules_stay_light(module: str) -> None:
    code = f"import sys, {module}; heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_the_exported_names() -> None:
    public = {
        name
        for name, value in vars(golive).items()
        if not name.startswith("_") and not ismodule(value) and getattr(value, "__module__", "") != "typing"
    }
    assert public <= set(golive.__all__)
    assert all(getattr(golive, name) is not None for name in golive.__all__)


def test_every_error_is_in_the_drawn_tree() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+Error\b", errors.__doc__ or ""))
    defined = {name for name, value in getmembers(errors, isclass) if issubclass(value, errors.GoliveError)}
    assert drawn == defined


def test_the_project_speaks_of_itself_alone() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    machine = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm)/")
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".png", ".svg"} or not path.is_file() or name == "tests/architecture/test_house.py":
            continue
        assert not machine.search(path.read_text("utf-8", errors="replace")), name
