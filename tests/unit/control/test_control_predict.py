"""Offline prediction: any kind of table into any other, row for row what a server answers, and resumable."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from offline import homes, read, rooms_with_models, run, write

from golive import plugins
from golive.control.refs import find_bundle
from golive.errors import DataError, UnavailableError, UsageError
from golive.inference.road import open_road

KINDS = ("csv", "jsonl", "parquet", "db")


@pytest.fixture
def state(tmp_path, linear_graph):
    return rooms_with_models(tmp_path / "state", linear_graph)


def place_for(folder: Path, kind: str) -> str:
    return f"sqlite:///{folder / 'out.db'}?table=out" if kind == "db" else str(folder / f"out.{kind}")


def served(rooms, name: str, table: pa.Table) -> list[list[float]]:
    """What a server answers, one row at a time."""
    bundle = find_bundle(name, rooms)
    graph = rooms.bundles.files(bundle)[bundle.manifest.graph]
    road = open_road(bundle.manifest, graph, plugins.load("runtimes", "onnxruntime"))
    rows = [[row[name] for name in bundle.signature.names] for row in table.to_pylist()]
    return [road.rows([row])[0].tolist() for row in rows]


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_every_kind_of_table_into_every_other_gives_what_a_server_answers(state, tmp_path, source, target):
    table = homes(120, missing=True)
    output = place_for(tmp_path, target)
    done = run(state, "price", write(table, tmp_path, source), output)
    found = read(output)
    assert (done.rows, done.written, done.refused) == (120, 120, 0)
    assert [row["prediction"] for row in found] == [answer[0] for answer in served(state, "price", table)]
    kept = [{name: row[name] for name in table.column_names} for row in found]
    assert kept == table.to_pylist()


def test_a_classifier_gives_labels_and_the_probability_of_each(state, tmp_path):
    table = homes(120)
    output = str(tmp_path / "out.parquet")
    run(state, "sold", write(table, tmp_path, "parquet"), output, columns=("id",))
    found = pa.parquet.read_table(output)
    answers = served(state, "sold", table)
    assert found.column_names == ["id", "prediction", "probability_no", "probability_yes"]
    assert np.array_equal(np.column_stack([found["probability_no"], found["probability_yes"]]), answers)
    assert found["prediction"].to_pylist() == ["yes" if yes > 0.5 else "no" for _, yes in answers]


def test_probabilities_and_columns_may_be_left_out(state, tmp_path):
    output = str(tmp_path / "out.csv")
    run(state, "sold", write(homes(60), tmp_path, "csv"), output, columns=(), probabilities=False)
    assert set(read(output)[0]) == {"prediction"}


def test_several_processes_write_the_bytes_that_one_writes(state, tmp_path):
    place = write(homes(400), tmp_path, "parquet")
    one, two = str(tmp_path / "one.parquet"), str(tmp_path / "two.parquet")
    run(state, "price", place, one)
    done = run(state, "price", place, two, workers=2)
    assert Path(one).read_bytes() == Path(two).read_bytes()
    assert done.workers == 2


def test_a_nullable_input_may_be_absent(state, tmp_path):
    table = homes(60).drop_columns(["city"])
    output = str(tmp_path / "out.parquet")
    run(state, "price", write(table, tmp_path, "parquet"), output)
    whole = table.append_column("city", pa.nulls(60, pa.string()))
    assert [row["prediction"] for row in read(output)] == [answer[0] for answer in served(state, "price", whole)]


class KilledError(Exception):
    """Stands for a signal that ends the run between two slices."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_ended_anywhere_goes_on_without_repeating_or_losing_rows(state, tmp_path, kind):
    place = write(homes(400), tmp_path, "parquet")
    whole, output = place_for(tmp_path / "whole", kind), place_for(tmp_path, kind)
    (tmp_path / "whole").mkdir()
    run(state, "price", place, whole)
    chance = random.Random(0)

    def end_at(limit: int):
        def move(done: int, total: int, text: str) -> None:
            del total, text
            if done >= limit:
                raise KilledError

        return move

    for limit in sorted(chance.sample(range(1, 8), 3)):
        with pytest.raises(KilledError):
            run(state, "price", place, output, move=end_at(limit), resume=True)
        spoil(tmp_path, chance)
    done = run(state, "price", place, output, resume=True)
    assert done.resumed_at > 0
    assert read(output) == read(whole)
    assert not list(tmp_path.glob("*.unfinished"))


def spoil(folder: Path, chance: random.Random) -> None:
    """Leave behind what a power cut may: half a journal line, bytes that no line speaks of, half a part."""
    unfinished = next((path.parent for path in folder.rglob("plan.json")), None)
    assert unfinished is not None
    with (unfinished / "journal").open("ab") as journal:
        journal.write(b'{"seen":50,"written":50,"refu')
    with (unfinished / "whole").open("ab") as whole:
        whole.write(chance.randbytes(chance.randrange(1, 5_000)))
    (unfinished / "parts").mkdir(exist_ok=True)
    (unfinished / "parts" / "00000007").write_bytes(b"half")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_is_ended_beside_its_delivery_is_delivered_once(state, tmp_path, moment):
    place, output = write(homes(100), tmp_path, "csv"), tmp_path / "out.csv"

    def block(done: int, total: int, text: str) -> None:
        del text
        if done == total:
            (output / "in the way").mkdir(parents=True)

    with pytest.raises(UnavailableError, match="could not be written"):
        run(state, "price", place, str(output), move=block)
    shutil.rmtree(output)
    if moment == "after":
        (tmp_path / "out.csv.unfinished" / "whole").rename(output)
    done = run(state, "price", place, str(output), resume=True)
    assert (done.rows, done.resumed_at) == (100, 100)
    assert [row["id"] for row in read(str(output))] == list(range(100))
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.fixture
def unfinished(state, tmp_path):
    place, output = write(homes(200), tmp_path, "csv"), str(tmp_path / "out.csv")

    def move(done: int, total: int, text: str) -> None:
        del total, text
        if done == 1:
            raise KilledError

    with pytest.raises(KilledError):
        run(state, "price", place, output, move=move, rows=20)
    return place, output


def test_an_unfinished_run_is_neither_mixed_up_nor_thrown_away_by_itself(state, unfinished):
    place, output = unfinished
    with pytest.raises(UsageError, match="--resume goes on"):
        run(state, "price", place, output, rows=20)
    assert not Path(output).exists()
    assert run(state, "price", place, output, overwrite=True).resumed_at == 0


@pytest.mark.parametrize(
    ("change", "wish", "reason"),
    [
        ("input", {}, "the input was changed"),
        ("", {"columns": ("id",)}, "other columns are kept"),
        ("", {"rows": 30}, "rows is another"),
        ("bundle", {}, "the bundle is another one"),
    ],
)
def test_a_run_goes_on_only_with_the_plan_that_it_began_with(state, unfinished, change, wish, reason):
    place, output = unfinished
    if change == "input":
        with Path(place).open("a") as file:
            file.write("200,1,1,rome\n")
    with pytest.raises(UsageError, match=reason):
        run(state, "sold" if change == "bundle" else "price", place, output, **{"rows": 20, "resume": True, **wish})


def test_an_output_that_is_there_stays_until_the_new_one_is_whole(state, tmp_path):
    place, output = write(homes(100), tmp_path, "parquet"), tmp_path / "out.csv"
    output.write_text("what was there")
    with pytest.raises(UsageError, match="is there already; --overwrite"):
        run(state, "price", place, str(output))
    with pytest.raises(KilledError):
        run(state, "price", place, str(output), overwrite=True, move=lambda *_: (_ for _ in ()).throw(KilledError))
    assert output.read_text() == "what was there"
    run(state, "price", place, str(output), resume=True)
    assert len(read(str(output))) == 100


def test_two_runs_do_not_write_one_output(state, tmp_path):
    place, output = write(homes(100), tmp_path, "csv"), str(tmp_path / "out.csv")
    seen = []

    def second(*_):
        if not seen:
            seen.append("once")
            with pytest.raises(UnavailableError, match="another golive predict is writing"):
                run(state, "price", place, output)

    run(state, "price", place, output, move=second)
    assert seen


@pytest.mark.parametrize(("kind", "workers"), [("csv", 1), ("jsonl", 1), ("parquet", 2), ("db", 1)])
def test_a_row_that_cannot_be_predicted_is_named_and_ends_the_run(state, tmp_path, kind, workers):
    table = homes(200)
    areas = table["area"].to_pylist()
    areas[120] = areas[170] = None
    place = write(table.set_column(1, "area", pa.array(areas)), tmp_path, kind)
    output = str(tmp_path / "out.parquet")
    with pytest.raises(DataError, match=r"row 121 of .* cannot be predicted: field 'area' is missing"):
        run(state, "price", place, output, workers=workers)
    assert not Path(output).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_cannot_be_predicted_are_left_out_and_listed(state, tmp_path, kind):
    table = homes(200)
    areas = table["area"].to_pylist()
    areas[0] = areas[120] = areas[199] = None
    place, output = write(table.set_column(1, "area", pa.array(areas)), tmp_path, kind), str(tmp_path / "out.jsonl")
    done = run(state, "price", place, output, skip=True)
    listed = [orjson.loads(line) for line in Path(done.refused_file).read_bytes().splitlines()]
    assert [one["row"] for one in listed] == [1, 121, 200]
    assert all("field 'area' is missing" in one["reason"] for one in listed)
    assert [row["id"] for row in read(output)] == [row for row in range(200) if row not in {0, 120, 199}]
    assert (done.rows, done.written, done.refused) == (200, 197, 3)


def test_a_run_that_met_a_bad_row_goes_on_without_such_rows(state, tmp_path):
    table = homes(200)
    areas = [None if row == 170 else area for row, area in enumerate(table["area"].to_pylist())]
    place, output = write(table.set_column(1, "area", pa.array(areas)), tmp_path, "parquet"), str(tmp_path / "out.csv")
    with pytest.raises(DataError, match=r"row 171 of .* --on-error skip, and --resume keeps what is done"):
        run(state, "price", place, output)
    done = run(state, "price", place, output, skip=True, resume=True)
    assert (done.resumed_at, done.written, done.refused) == (150, 199, 1)
    assert [row["id"] for row in read(output)] == [row for row in range(200) if row != 170]


def test_a_run_that_has_done_nothing_leaves_nothing(state, tmp_path):
    (tmp_path / "in.csv").write_text("id,area\n1,many\n")
    refused(state, tmp_path / "in.csv", tmp_path / "out.csv", "row 1 of .*the text 'many' was found")


def test_lines_that_are_no_rows_are_refused_with_their_number(state, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(
        'id,area,rooms,city\n1,80,2,"ro\nme"\n2,80\n3,many,2,rome\n\n4,90,,paris,x\n5,inf,1,rome\n6,70,1,rome\n'
    )
    done = run(state, "price", str(path), str(tmp_path / "out.csv"), skip=True)
    listed = [orjson.loads(line) for line in Path(done.refused_file).read_bytes().splitlines()]
    assert {one["row"]: one["reason"].partition(",")[0] for one in listed} == {
        2: "it has 2 fields where the header has 4",
        3: "field 'area' is a number",
        4: "it has 5 fields where the header has 4",
        5: "field 'area' is a number",
    }
    assert [row["id"] for row in read(str(tmp_path / "out.csv"))] == [1, 6]


def test_a_line_that_is_no_json_object_is_refused_with_its_number(state, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"area": 80}\n[1]\n{"area": "x"}\n{"area": 1e999}\n{"area": 70, "rooms": 2, "city": 7}\nnonsense\n'
    )
    skipped = run(state, "price", str(path), str(tmp_path / "out.csv"), columns=(), skip=True)
    listed = [orjson.loads(line) for line in Path(skipped.refused_file).read_bytes().splitlines()]
    assert [one["row"] for one in listed] == [2, 3, 4, 6]
    assert skipped.written == 2


def refused(rooms, place, output, match, kind=DataError, name="price", **wish):
    with pytest.raises(kind, match=match):
        run(rooms, name, str(place), str(output), **wish)
    assert not list(Path(str(output)).absolute().parent.glob("*.unfinished"))


def test_what_cannot_be_carried_out_is_refused_before_anything_is_written(state, tmp_path):
    place = write(homes(60), tmp_path, "csv")
    out = tmp_path / "out.csv"
    (tmp_path / "empty.csv").touch()
    (tmp_path / "head.csv").write_text("id,area,rooms,city\n")
    (tmp_path / "other.csv").write_text("id,size\n1,2\n")
    pa.parquet.write_table(pa.table({"area": ["80"], "rooms": [1]}), tmp_path / "texts.parquet")
    refused(state, tmp_path / "absent.csv", out, "there is no file .*absent.csv")
    refused(state, tmp_path / "absent.parquet", out, "there is no file .*absent.parquet")
    refused(state, tmp_path / "absent.db", out, "there is no file .*absent.db")
    refused(state, tmp_path / "empty.csv", out, "is empty")
    refused(state, tmp_path / "head.csv", out, "no rows")
    refused(state, tmp_path / "other.csv", out, "lacks 'area', which price reads; its columns are 'id', 'size'")
    refused(state, tmp_path / "texts.parquet", out, "'area' of .* is string, but the model reads it as float64")
    refused(state, place, out, "no column 'nonsense' to keep", columns=("nonsense",))
    refused(state, place, place, "is the input", UsageError)
    refused(state, place, tmp_path / "out.xlsx", "no table that golive writes", UsageError)
    refused(state, tmp_path / "in.xlsx", out, "no table that golive reads", UsageError)
    refused(state, place, tmp_path / "absent" / "out.csv", "a folder that is there", UsageError)
    refused(state, place, out, "choose one", UsageError, resume=True, overwrite=True)


def test_the_output_of_an_earlier_run_says_so_as_an_input(state, tmp_path):
    first, second = str(tmp_path / "first.csv"), str(tmp_path / "second.csv")
    run(state, "price", write(homes(60), tmp_path, "csv"), first)
    refused(
        state, first, second, "already has 'prediction', as the output of an earlier run does.*'id,area,rooms,city'"
    )
    run(state, "price", first, second, columns=("id",))
    assert read(second) == [{"id": row["id"], "prediction": row["prediction"]} for row in read(first)]


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(state, tmp_path):
    place, output = write(homes(3_000), tmp_path, "csv"), tmp_path / "out.csv"
    script = (
        "import resource, sys; from golive.cli.app import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); main()"
    )
    command = [sys.executable, "-c", script, "predict", "price", place, "-o", str(output), "--workers", "1",
               "--rows-per-piece", "1000"]  # fmt: skip
    environment = {"GOLIVE_HOME": str(state.home.folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 6, done.stderr
    assert "could not be written (File too large)" in done.stderr
    assert run(state, "price", place, str(output), resume=True, rows=1_000).resumed_at > 0
    assert len(read(str(output))) == 3_000
