"""What docs/architecture.md says of folders and floors is so."""

import re
import tomllib
from pathlib import Path

import pytest

import golive

SRC = Path(golive.__file__).parent
ROOT = SRC.parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
WITH_TABLES = ["control", "serving", "evaluation"]


def table(head: str) -> list[list[str]]:
    """Give the cells of the rows below a table's head."""
    _, found, rest = PAGE.partition(f"| {head} |\n")
    assert found, head
    rows = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def named(head: str) -> set[str]:
    return {name for row in table(head) for name in re.findall(r"`([a-z_/]+)`", row[0])}


def folders(room: str) -> set[str]:
    return {place.parent.name for place in (SRC / room).glob("*/__init__.py")}


def modules(room: str) -> set[str]:
    return {place.stem for place in (SRC / room).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("room", WITH_TABLES)
def test_every_folder_of_a_room_with_a_table_stands_in_it_and_nothing_stands_there_that_is_not(room: str) -> None:
    told = named(f"{'folder ' if room == 'control' else ''}in `{room}` | is")
    assert folders(room) <= told <= folders(room) | modules(room)


def test_every_module_of_control_and_of_serving_is_told() -> None:
    assert named("flat in `control` | is") == modules("control")
    assert named("in `serving` | is") == modules("serving") | folders("serving")


def test_the_floors_are_those_that_imports_are_held_to() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    held = [set(layer.split(" | ")) for layer in layers if layer != "__main__"]
    floors: dict[int, set[str]] = {}
    for floor, rooms, _ in table("floor | room | owns"):
        floors.setdefault(int(floor), set()).update(name for name in re.findall(r"`([a-z_]+)`", rooms))
    told = [floors[floor] - {"settings"} for floor in sorted(floors, reverse=True)]
    assert told == held


def test_every_place_of_the_code_that_a_page_names_is_there() -> None:
    rooms = "|".join(sorted(folders(".")))
    lost = [
        f"{page.relative_to(ROOT)}: {place}"
        for page in PAGES
        for place in re.findall(rf"`(?:src/golive/)?((?:{rooms})/[a-z_/]+(?:\.py)?)`", page.read_text("utf-8"))
        if not (SRC / place).exists() and not (SRC / f"{place}.py").exists()
    ]
    assert not lost
