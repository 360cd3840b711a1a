"""The JSON Schema of golive.yaml agrees with what reading accepts."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from golive.control.project.init import example_text, examples
from golive.control.project.schema import DIALECT, schema

DOCUMENT = json.loads(schema())
EXAMPLES = Path(__file__).parents[3] / "examples"


def check(text: str) -> None:
    validator = jsonschema.Draft202012Validator(DOCUMENT)
    validator.validate(yaml.safe_load(text))


def test_the_schema_is_a_schema_of_the_draft_it_names():
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)
    assert DOCUMENT["$schema"] == DIALECT
    assert "$id" not in DOCUMENT


@pytest.mark.parametrize("name", examples())
def test_every_example_fits_the_schema(name: str):
    check(example_text(name))


def test_the_examples_folder_holds_the_examples_that_golive_brings():
    folders = {
        "credit_risk": EXAMPLES / "credit_risk",
        "heart_or_diabetes": EXAMPLES / "heart_or_diabetes",
        "house_prices": EXAMPLES / "house_prices",
        "house_prices_two_columns": EXAMPLES / "house_prices" / "two_columns",
        "iris": EXAMPLES / "iris",
    }
    assert set(folders) == set(examples())
    for name, folder in folders.items():
        assert (folder / "golive.yaml").read_text("utf-8") == example_text(name)


@pytest.mark.parametrize(
    ("found", "instead"),
    [("name: iris", "nmae: iris"), ("task: classification", "task: guess"), ("test: 0.3", "test: 3")],
)
def test_a_mistake_does_not_fit_the_schema(found: str, instead: str):
    with pytest.raises(jsonschema.ValidationError):
        check(example_text("iris").replace(found, instead))


def test_what_stands_under_a_field_describes_its_key():
    search = DOCUMENT["$defs"]["SearchPlan"]["properties"]
    assert search["jobs"]["description"] == "Processes; 0 means every core this process may use."
    assert DOCUMENT["$defs"]["SearchPlan"]["description"] == "How settings are chosen."


def test_the_schema_is_the_same_every_time():
    assert schema() == schema()
