"""The page about golive.yaml and the published schema say what the code says."""

import json

import pytest
from doc_pages import ROOT

from golive.control.project.schema import schema

PAGE = (ROOT / "docs" / "project-file.md").read_text("utf-8")
SECTIONS = {
    "Project": "",
    "Source": "data",
    "Split": "split",
    "Cleaning": "cleaning",
    "Range": "cleaning.ranges.COLUMN",
    "Outliers": "cleaning.outliers",
    "Features": "features",
    "Construct": "features.construct[]",
    "Select": "features.select",
    "Candidate": "candidates[]",
    "Validation": "validation",
    "SearchPlan": "search",
    "Declared": "evaluation",
    "Costs": "evaluation.costs",
    "Picture": "evaluation.picture",
    "Policy": "gate",
    "Optimization": "optimization",
    "Optimize": "optimize",
    "Answers": "answers",
    "Serving": "serving",
    "ReleasePlan": "release",
    "Monitoring": "monitoring",
}


def documented():
    rows = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def expected():
    for name, section in json.loads(schema())["$defs"].items():
        prefix = f"{SECTIONS[name]}." if SECTIONS[name] else ""
        for key, shape in section["properties"].items():
            yield pytest.param(f"{prefix}{key}", key in section.get("required", ()), shape, id=f"{prefix}{key}")


@pytest.mark.parametrize(("key", "required", "shape"), list(expected()))
def test_a_key_is_documented_with_its_choices_and_default(key, required, shape):
    kind, default, meaning = documented()[key]
    assert meaning.endswith((".", ")."))
    assert all(f"`{choice}`" in kind for choice in shape.get("enum", ()))
    is_plain = "$ref" not in shape and shape.get("default") not in ("", [], {}, None)
    assert default == ("required" if required else f"`{json.dumps(shape['default'])}`" if is_plain else "")


def test_no_key_is_documented_that_does_not_exist():
    assert set(documented()) == {case.values[0] for case in expected()}


def test_the_published_schema_is_current():
    published = json.loads((ROOT / "docs" / "golive.schema.json").read_text("utf-8"))
    assert published == json.loads(schema()), "run `make docs`"
