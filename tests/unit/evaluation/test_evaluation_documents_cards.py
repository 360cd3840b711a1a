"""Documents from records: every figure is traced, gaps are marked, nothing from data becomes markup."""

import importlib
import json
import re
import string
from pkgutil import iter_modules

import jsonschema
import msgspec
import pytest
import yaml
from markdown_it import MarkdownIt

from golive.control.judging.documents import schema
from golive.domain.bundle import Bundle, Decision, FileEntry, Lineage, Manifest
from golive.domain.data_report import Change, DataReport
from golive.domain.digest import digest_of, digest_of_value
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.domain.policy import Policy
from golive.domain.preparation import Preparation
from golive.domain.release import Release
from golive.domain.signature import Field, Signature
from golive.errors import UsageError
from golive.evaluation.documents import words
from golive.evaluation.documents.annex import annex
from golive.evaluation.documents.assessment import assessment
from golive.evaluation.documents.card import card
from golive.evaluation.documents.draft import WORDS
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.schema import EvidenceDocument, document_json
from golive.evaluation.documents.summary import summary
from golive.evaluation.documents.trace import walked
from golive.judge import judge

NASTY = "---\n# <script>alert(1)</script> | `x` [a](http://x.y) **b** @me {0} ```\n- model-index: \u202e1. \x07"
DOCUMENTS = [card, annex, assessment, summary]
LANGUAGES = ["en", "zh"]
FIGURE = re.compile(
    r"(?P<value>−?[\d,.]+(?:e[−-]?\d+)?)(?: \((?P<lower>−?[\d,.e−]+) … (?P<upper>−?[\d,.e−]+)\))? "
    r"`\[(?P<label>[A-Z]\d) (?P<path>[^\]]+)\]`"
)


def evidence_of(bundle, *, name="age"):
    return Evidence(
        bundle=bundle,
        kind="evaluation",
        data=digest_of(b"rows"),
        rows=1234,
        rows_from="test",
        measured_at="2026-11-20T10:00:00.000000+00:00",
        code="golive 0.1.0",
        measures=(
            Measure(name="auc", value=0.83127, lower=0.80213, upper=0.85941, rows=1234, better="higher"),
            Measure(name="baseline.auc", value=0.5, lower=0.5, upper=0.5, rows=1234, better="higher"),
            Measure(name="auc - baseline.auc", value=0.33127, lower=0.30213, upper=0.35941, rows=1234),
            Measure(name="size_mb", value=0.0592, better="lower"),
            Measure(name="latency.p99_ms", value=0.00871, rows=300),
            Measure(name="fairness.sex.selection_ratio", value=0.72, lower=0.66, upper=0.79, rows=1234),
            Measure(name="robustness.missing_10.auc_drop", value=0.0123, lower=0.0101, upper=0.0152, rows=1234),
            Measure(name="importance.age", value=0.61, lower=0.58, upper=0.64, rows=500),
        ),
        findings=(
            Finding(
                kind="group_gap",
                severity="warn",
                code="unknown",
                text=f"{name} is treated otherwise",
                values={"value": 0.72},
            ),
        ),
        checked=("group_gap", "leakage"),
        details={
            "task": "classification",
            "notes": [{"code": "few_of_all", "text": f"there are few rows of {name}", "rows": 7}],
            "fairness": {
                "columns": [
                    {
                        "label": name,
                        "groups": [
                            {
                                "name": name,
                                "rows": 617,
                                "selection_rate": {"value": 0.41, "lower": 0.37, "upper": 0.45},
                                "tpr": None,
                            }
                        ],
                    }
                ]
            },
            "slices": {
                "metric": "auc",
                "slices": [
                    {
                        "kind": "hard",
                        "text": name,
                        "text_zh": name,
                        "rows": 92,
                        "inside": {"auc": {"value": 0.6046, "lower": 0.4069, "upper": 0.7731}},
                    }
                ],
            },
        },
    )


def known_of(*, name="age", forced="", released=False):
    manifest = Manifest(
        name="payer",
        signature=Signature(
            inputs=(
                Field(name=name, dtype="float64", minimum=18.0, maximum=79.5, example=30.0),
                Field(name="job", dtype="string", categories=(name, "b"), nullable=True),
            ),
            task="classification",
            target=name,
            classes=("no", "yes"),
        ),
        preparation=Preparation(),
        decision=Decision(threshold=0.35),
        lineage=Lineage(
            data={name: digest_of(b"source")},
            rows=4321,
            code="golive 0.1.0",
            environment={"numpy": "2.4.6"},
            seed=42,
            model="logistic",
            parameters={"C": 0.5, "penalty": name},
        ),
    )
    bundle = Bundle(
        digest=digest_of(b"bundle"),
        manifest=manifest,
        files=(FileEntry(path="model.onnx", digest=digest_of(b"graph"), size=100, media_type="x"),),
        created_at="2026-11-19T10:00:00.000000+00:00",
    )
    evidence = evidence_of(bundle.digest, name=name)
    verdict = judge(evidence, Policy(rules=("auc.lower >= 0.9",)), forced=forced)
    release = Release(
        name="payer",
        version=3,
        bundle=bundle.digest,
        verdict=verdict,
        created_at="2026-11-21T10:00:00.000000+00:00",
        created_by=name,
    )
    parity = Evidence(
        bundle=bundle.digest,
        kind="parity",
        rows=733,
        measured_at="2026-11-19T11:00:00.000000+00:00",
        code="golive 0.1.0",
        measures=(Measure(name="parity.difference", value=2.2e-16, rows=733),),
    )
    report = DataReport(
        rows_in=6000,
        rows_out=5555,
        rows_train=4321,
        rows_test=1234,
        changes=(Change(rule="duplicates", column=name, action="drop", rows=445),),
        notes=(name,),
    )
    return Known(
        bundle=bundle,
        evidence=evidence,
        evidence_digest=digest_of_value(evidence),
        parity=parity,
        parity_digest=digest_of_value(parity),
        data_report=report,
        data_report_digest=digest_of_value(report),
        verdict=verdict,
        release=release if released else None,
        releases=(release,) if released else (),
        at="2026-11-22T10:00:00.000000+00:00",
    )


def number_of(text):
    return float(text.replace("−", "-").replace(",", ""))


def is_rounded(text, stored):
    """Say whether a printed number is the stored one, to the last digit that is printed."""
    digits = re.sub(r"e.*", "", text).partition(".")[2]
    exponent = int(number_of(text.partition("e")[2])) if "e" in text else 0
    return abs(number_of(text) - stored) <= 0.5001 * 10.0 ** (exponent - len(digits))


def recorded(record, path):
    """Look a figure up again, by the reference that stands behind it."""
    measures = {measure["name"]: measure for measure in record.get("measures", ())}
    found = measures.get(path, walked(record, path))
    return found if isinstance(found, dict) else {"value": found, "lower": None, "upper": None}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("write", DOCUMENTS)
def test_every_cited_figure_is_the_one_on_record(write, language):
    known = known_of(released=True)
    text = write(known, language)
    body = text.partition(WORDS["figures"][LANGUAGES.index("zh" if write is assessment else language)])[0]
    seen = list(FIGURE.finditer(body))
    assert {"auc", "fairness.sex.selection_ratio", "rows"} <= {found["path"] for found in seen}
    for found in seen:
        stored = recorded(json.loads(msgspec.json.encode(known.record(found["label"]))), found["path"])
        assert is_rounded(found["value"], stored["value"]), found[0]
        assert (found["lower"] is not None) == (stored["lower"] is not None)
        if found["lower"]:
            assert is_rounded(found["lower"], stored["lower"])
            assert is_rounded(found["upper"], stored["upper"])


@pytest.mark.parametrize("write", DOCUMENTS)
def test_the_appendix_holds_every_cited_figure_exactly(write):
    known = known_of(released=True)
    body, _, listed = write(known, "zh").partition(WORDS["figures"][1])
    rows = dict(re.findall(r"^\| `(\[[^|]*?\])` \| ([^|]*) \|", listed, re.MULTILINE))
    cited = set(re.findall(r"`(\[[A-Z]\d [^\]]+\])`", body))
    assert cited == set(rows)
    for reference, value in rows.items():
        label, _, path = reference[1:-1].partition(" ")
        stored = recorded(json.loads(msgspec.json.encode(known.record(label))), path).get("value")
        assert value.strip() == (repr(stored) if isinstance(stored, (int, float)) else "")


@pytest.mark.parametrize("write", DOCUMENTS)
def test_the_sources_are_named_with_their_digests(write):
    known = known_of()
    text = write(known, "en")
    for source in known.sources():
        assert f"`{source.label}`" in text
        assert f"`{source.digest}`" in text
    assert known.evidence.data in text
    assert known.verdict.policy in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("write", DOCUMENTS)
def test_texts_from_data_are_no_markup(write, language):
    plain, hostile = (prose(write(known_of(name=name, released=True), language)) for name in ("age", NASTY))
    assert shape(hostile) == shape(plain)
    assert "<script" not in hostile
    assert "\x07" not in hostile
    assert "\u202e" not in hostile
    assert "http://" not in hostile
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]\(", hostile)


@pytest.mark.parametrize("write", DOCUMENTS)
def test_a_reader_of_markdown_sees_the_same_structure_whatever_the_data_says(write):
    plain, hostile = (structure(prose(write(known_of(name=name, released=True), "en"))) for name in ("age", NASTY))
    assert hostile == plain


def structure(text):
    """Give the kinds of all parts that a reader of Markdown finds, without the texts in them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    parts = (part for token in tokens for part in (token, *(token.children or ())))
    return [part.type for part in parts if part.type not in {"text", "text_special"}]


def prose(text):
    """Leave out what YAML and Python read."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    return re.sub(r"^```python\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def shape(text):
    """Give the kind of every line, and the cells of every table row."""
    return [(re.match(r"#+ |\| |- |> |", line)[0], len(re.findall(r"(?<!\\)\|", line))) for line in text.splitlines()]


def test_the_front_matter_of_a_card_is_yaml_that_the_hub_reads():
    text = card(known_of(name=NASTY), "en")
    front = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    (model,) = front["model-index"]
    (result,) = model["results"]
    assert model["name"] == "payer"
    assert front["pipeline_tag"] == result["task"]["type"] == "tabular-classification"
    assert set(result["dataset"]) == {"name", "type", "split", "revision"}
    assert result["dataset"]["name"].startswith("--- # <script>")
    assert result["metrics"] == [
        {
            "type": "roc_auc",
            "name": "auc",
            "value": 0.83127,
            "args": {"lower": 0.80213, "upper": 0.85941, "level": 0.95, "rows": 1234},
        }
    ]


def test_the_program_in_a_card_is_python_whatever_the_columns_are_called():
    text = card(known_of(name=NASTY), "en")
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    compile(program, "card", "exec")
    assert repr(NASTY) in program


def test_a_document_about_ten_thousand_columns_stays_one_that_can_be_read():
    known = known_of()
    manifest = known.bundle.manifest
    fields = tuple(Field(name=f"x{number}", dtype="float64", minimum=0.0, maximum=1.0) for number in range(10_000))
    lineage = msgspec.structs.replace(manifest.lineage, parameters={"weights": list(range(100_000))})
    signature = msgspec.structs.replace(manifest.signature, inputs=fields)
    wide = msgspec.structs.replace(manifest, signature=signature, lineage=lineage)
    evidence = msgspec.structs.replace(
        known.evidence,
        measures=(*known.evidence.measures, *(Measure(name=f"importance.x{n}", value=1e-4) for n in range(10_000))),
    )
    bundle = msgspec.structs.replace(known.bundle, manifest=wide)
    for write in DOCUMENTS:
        text = write(msgspec.structs.replace(known, bundle=bundle, evidence=evidence), "en")
        assert len(text) < 150_000
        assert "9961" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("write", DOCUMENTS)
def test_a_forced_release_is_loud(write, language):
    quiet = write(known_of(released=True), language)
    loud = write(known_of(released=True, forced="the old one was worse"), language)
    said = "强制发布" if language == "zh" or write is assessment else "FORCED RELEASE"
    assert "the old one was worse" not in quiet
    assert re.search(rf"^> ⚠️ \*\*{said}", loud, re.MULTILINE)
    assert loud.count("the old one was worse") >= 2
    assert "the old one was worse" in write(known_of(forced="the old one was worse"), language)


@pytest.mark.parametrize("write", DOCUMENTS[:3])
def test_what_golive_cannot_know_is_left_to_a_person(write):
    assert write(known_of(), "zh").count("【待人工填写：") >= 9


def test_the_annex_has_its_nine_points_in_order():
    text = annex(known_of(), "en")
    assert re.findall(r"^## (\d)\. ", text, re.MULTILINE) == [str(number) for number in range(1, 10)]
    assert re.findall(r"^### (\d\(\w\)) ", text, re.MULTILINE) == [
        *(f"1({letter})" for letter in "abcdefgh"),
        *(f"2({letter})" for letter in "abcdefgh"),
    ]
    assert "Draft of 2026-11-22" in text
    assert "no legal advice" in text


def test_the_self_assessment_is_in_chinese_always():
    chinese, both = assessment(known_of(), "zh"), assessment(known_of(), "en")
    assert re.findall(r"^## (.*)$", chinese, re.MULTILINE)[:5] == [
        "一、算法基本情况",
        "二、服务情况",
        "三、风险研判",
        "四、风险防控情况",
        "五、安全评估结论",
    ]
    assert "## 三、风险研判 / 3. Risks" in both
    assert "To be filled in" not in both


def test_a_document_in_another_language_is_refused():
    for write in DOCUMENTS:
        with pytest.raises(UsageError, match="'fr'"):
            write(known_of(), "fr")


def test_a_model_that_golive_did_not_train_and_nobody_compared_is_described_too():
    known = msgspec.structs.replace(
        known_of(), parity=None, parity_digest=None, data_report=None, data_report_digest=None
    )
    bare = msgspec.structs.replace(
        known, evidence=msgspec.structs.replace(known.evidence, measures=(), findings=(), checked=(), details={})
    )
    for write in DOCUMENTS:
        text = write(bare, "en")
        assert "`E2`" not in text
        assert "`D1`" not in text
    assert "Fairness was not measured" in card(bare, "en")
    assert "Robustness was not measured" in card(bare, "en")
    assert yaml.safe_load(card(bare, "en").split("\n---\n")[0].removeprefix("---\n"))["model-index"][0]["results"] == []


def test_rows_that_a_person_chose_are_not_called_test_rows():
    known = known_of()
    given = msgspec.structs.replace(known, evidence=msgspec.structs.replace(known.evidence, rows_from="given"))
    assert "cannot say whether training has read them" in " ".join(card(given, "en").split())


def test_a_verdict_on_other_rows_is_said_to_be():
    known = known_of(released=True)
    other = msgspec.structs.replace(
        known, evidence=msgspec.structs.replace(known.evidence, data=digest_of(b"other rows"))
    )
    assert "given on other rows" in card(other, "en")
    assert "given on other rows" not in card(known, "en")


def test_the_json_fits_its_published_schema():
    text = document_json(known_of(released=True, forced="why not"))
    jsonschema.Draft202012Validator(json.loads(schema("evidence"))).validate(json.loads(text))
    read = msgspec.json.decode(text, type=EvidenceDocument)
    assert read.schema == "golive.evidence/1"
    assert read.forced
    assert read.evidence.find("auc").value == 0.83127
    assert [source.label for source in read.sources] == ["E1", "E2", "B1", "V1", "D1"]


def test_every_text_is_there_in_both_languages_with_the_same_fillings():
    files = {name for _, name, _ in iter_modules(words.__path__)}
    tables = [importlib.import_module(f"{words.__name__}.{name}").WORDS for name in files]
    assert len(WORDS) == sum(map(len, tables))
    for key, (english, chinese) in WORDS.items():
        fillings = [
            {field for _, field, _, _ in string.Formatter().parse(text) if field} for text in (english, chinese)
        ]
        assert fillings[0] == fillings[1], key
        said = [re.sub(r"\{\w+\}", "", text) for text in (english, chinese)]
        assert re.search(r"[\u4e00-\u9fff]", said[1]) or not re.search(r"[A-Za-z]", said[0]), key
