"""From what a person types to a bundle, a release, a verdict, a deployment: without a server."""

import xml.etree.ElementTree as ET

import pytest
from sqlalchemy import Engine, event

from golive.control.deploy import deploy, release, rollback
from golive.control.export import export
from golive.control.judging.gate import deciding_evaluation, refuse_unless_allowed, verdict_on, write_junit
from golive.control.refs import find_bundle, find_release, find_used, serving_release
from golive.control.rooms import Rooms, open_rooms
from golive.control.status import history, status
from golive.control.trust import audit_entries, create_key, list_keys, revoke_key, verify_audit
from golive.domain.bundle import Bundle, Manifest
from golive.domain.evidence import Evidence, Measure, RowsFrom
from golive.domain.policy import Policy
from golive.domain.preparation import Preparation
from golive.domain.release import Share
from golive.domain.signature import Field, Signature
from golive.errors import GateRefusedError, NotFoundError, UnavailableError, UsageError
from golive.settings import Settings

POLICY = Policy(rules=("rmse <= 10",))


@pytest.fixture
def rooms(tmp_path) -> Rooms:
    return open_rooms(tmp_path, Settings(user="ada"))


def keep(rooms: Rooms, number: int, *, name: str = "homes", rmse: float = 5.0, at: str = "") -> Bundle:
    signature = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")
    manifest = Manifest(name=name, signature=signature, preparation=Preparation(numbers=("area",)))
    made_at = at or f"2026-01-0{number}T00:00:00+00:00"
    bundle = rooms.bundles.write(manifest, {"model.onnx": f"graph {number}".encode()}, created_at=made_at)
    rooms.bundles.attach_evidence(evidence_of(bundle, rmse, made_at))
    return bundle


def evidence_of(bundle: Bundle, rmse: float, at: str, rows_from: RowsFrom = "") -> Evidence:
    measure = Measure(name="rmse", value=rmse, rows=100)
    return Evidence(
        bundle=bundle.digest,
        kind="evaluation",
        data=bundle.digest,
        rows=100,
        rows_from=rows_from,
        measured_at=at,
        code="",
        measures=(measure,),
    )


def released(rooms: Rooms, bundle: Bundle, forced: str = ""):
    return release(bundle, verdict_on(bundle, POLICY, rooms, forced=forced), rooms)


def serve(rooms: Rooms, version: int) -> None:
    wish = rooms.ledger.add_deployment(
        "homes", "local", (Share(version, 1.0),), strategy="direct", reason="", at=rooms.now(), by="ada"
    )
    rooms.ledger.settle(wish.number, "live", "", at=rooms.now())


def test_a_bundle_is_found_by_every_kind_of_reference(rooms):
    old, new = keep(rooms, 1), keep(rooms, 2)
    serve(rooms, released(rooms, old).version)
    found = {
        reference: find_bundle(reference, rooms).digest
        for reference in ("homes", "homes:latest", "homes@1", "homes@v1", "homes:serving", old.digest, new.digest[7:15])
    }
    assert [reference for reference, digest in found.items() if digest == old.digest] == [
        "homes@1", "homes@v1", "homes:serving", old.digest,
    ]  # fmt: skip
    assert {found["homes"], found["homes:latest"], found[new.digest[7:15]]} == {new.digest}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("house", "there is no bundle named 'house'; the store holds: homes"),
        ("homes:best", "alias ':best'; the aliases are ':serving' and ':latest'"),
        ("homes@9", "'homes' has no release '9'; its releases are: 1"),
        ("homes:serving", "nothing serves as 'homes'"),
        ("sha256:" + "0" * 64, "000000"),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_there_is(rooms, reference, words):
    released(rooms, keep(rooms, 1))
    with pytest.raises(NotFoundError, match=words):
        find_bundle(reference, rooms)


def test_where_a_bundle_is_used_a_bare_name_means_what_serves(rooms, capsys):
    first, second, third = (keep(rooms, number) for number in (1, 2, 3))
    assert find_used("homes", rooms).digest == third.digest
    assert "homes was never released; its newest bundle" in capsys.readouterr().err
    released(rooms, first)
    released(rooms, second)
    assert find_used("homes", rooms).digest == second.digest
    serve(rooms, 2)
    serve(rooms, 1)
    used = {name: find_used(name, rooms).digest for name in ("homes", "homes:latest", "homes@2", third.digest[7:15])}
    assert list(used.values()) == [first.digest, third.digest, second.digest, third.digest]
    assert capsys.readouterr().err == ""


def test_after_a_roll_back_an_export_holds_what_serves(rooms, tmp_path):
    first, second = (keep(rooms, number) for number in (1, 2))
    for bundle in (first, second, first):
        serve(rooms, released(rooms, bundle).version)
    export("homes", "script", tmp_path / "out", rooms)
    export("homes:latest", "script", tmp_path / "newest", rooms)
    exported = [entry.subject for entry in audit_entries(rooms) if entry.action == "export"]
    assert exported == [first.digest, second.digest]


def test_rows_that_a_person_chose_do_not_decide_over_test_rows(rooms):
    bundle = keep(rooms, 1, rmse=5.0)
    tested = evidence_of(bundle, 6.0, "2026-02-01T00:00:00+00:00", rows_from="test")
    rooms.bundles.attach_evidence(tested)
    rooms.bundles.attach_evidence(evidence_of(bundle, 50.0, "2026-03-01T00:00:00+00:00", rows_from="given"))
    assert deciding_evaluation(bundle, rooms) == tested
    verdict = verdict_on(bundle, POLICY, rooms)
    assert (verdict.outcome, verdict.rows_from, verdict.rows, verdict.data) == ("pass", "test", 100, bundle.digest)


def test_a_reason_to_force_is_not_kept_on_a_bundle_that_passes(rooms):
    bundle = keep(rooms, 1, rmse=5.0)
    versions = [released(rooms, bundle, forced=why).version for why in ("", "in a hurry", "again")]
    assert versions == [1, 1, 1]
    assert find_release("homes", "1", rooms).verdict.forced == ""


def test_the_newest_evaluation_decides(rooms):
    bundle = keep(rooms, 1, rmse=5.0)
    rooms.bundles.attach_evidence(evidence_of(bundle, 50.0, "2026-02-01T00:00:00+00:00"))
    assert deciding_evaluation(bundle, rooms).find("rmse").value == 50.0
    verdict = verdict_on(bundle, POLICY, rooms)
    with pytest.raises(GateRefusedError, match=r"the gate says 'fail' for homes \w+: rmse is 50; <= 10 does not hold"):
        refuse_unless_allowed(verdict, bundle)


def test_a_bundle_that_was_never_evaluated_is_refused(rooms):
    signature = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")
    manifest = Manifest(name="homes", signature=signature, preparation=Preparation(numbers=("area",)))
    bundle = rooms.bundles.write(manifest, {"model.onnx": b"graph"}, created_at=rooms.now())
    with pytest.raises(GateRefusedError, match="was never evaluated; run `golive evaluate` on it first"):
        verdict_on(bundle, POLICY, rooms)


def test_a_junit_file_is_well_formed_whatever_stands_in_a_rule(rooms, tmp_path):
    bundle = keep(rooms, 1, rmse=50.0)
    verdict = verdict_on(bundle, Policy(rules=("rmse <= 10", "rmse - champion.rmse <= 1", "auc >= 0.5")), rooms)
    write_junit(verdict, bundle, tmp_path / "junit.xml")
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["error"]]
    assert suite[0][0].get("message") == "rmse is 50; <= 10 does not hold"
    with pytest.raises(UnavailableError, match="could not be written"):
        write_junit(verdict, bundle, tmp_path / "no folder" / "junit.xml")


def test_the_same_bundle_under_the_same_policy_keeps_its_version(rooms):
    first, second = keep(rooms, 1), keep(rooms, 2)
    assert [released(rooms, bundle).version for bundle in (first, second, first, second)] == [1, 2, 1, 2]


def test_a_forced_release_shows_its_reason_everywhere(rooms):
    bundle = keep(rooms, 1, rmse=50.0)
    made = released(rooms, bundle, forced="the shop opens today")
    serve(rooms, made.version)
    [line] = status(rooms).lines
    assert (line.verdict, line.forced, line.live) == ("fail", "the shop opens today", False)
    assert [one.verdict.forced for one in history("homes", rooms).releases] == ["the shop opens today"]
    [entry] = [entry for entry in audit_entries(rooms) if entry.action == "release"]
    assert (entry.actor, entry.details["forced"]) == ("ada", "the shop opens today")
    assert verify_audit(rooms) == len(audit_entries(rooms))


def test_a_long_history_asks_the_database_no_more_often_than_a_short_one(rooms):
    released(rooms, keep(rooms, 1))
    asked: list[int] = []
    for _ in range(2):
        for _ in range(10):
            serve(rooms, 1)
        statements: list[str] = []

        def count(_connection, _cursor, statement, *_rest, seen=statements):
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", count)
        outcomes = history("homes", rooms).outcomes
        event.remove(Engine, "before_cursor_execute", count)
        asked.append(len(statements))
    assert outcomes == dict.fromkeys(range(1, 21), "live")
    assert asked[0] == asked[1] > 0


def test_without_a_server_nothing_is_written_down(rooms):
    released(rooms, keep(rooms, 1))
    with pytest.raises(UnavailableError, match="no server runs for"):
        deploy("homes", 1, rooms)
    assert rooms.ledger.deployments("homes") == ()


def test_a_release_that_is_not_there_is_not_deployed(rooms):
    released(rooms, keep(rooms, 1))
    with pytest.raises(NotFoundError, match="'homes' has no release 2; its releases are: 1"):
        deploy("homes", 2, rooms)


def test_there_must_be_something_to_roll_back_to(rooms):
    released(rooms, keep(rooms, 1))
    with pytest.raises(NotFoundError, match="nothing serves as 'homes', so there is nothing to roll back"):
        rollback("homes", rooms)
    serve(rooms, 1)
    assert serving_release("homes", rooms) == find_release("homes", "1", rooms)
    with pytest.raises(UsageError, match="homes has no release before 1 to roll back to"):
        rollback("homes", rooms)


def test_a_key_is_kept_as_a_hash_and_can_be_revoked(rooms):
    key = create_key("shop", rooms)
    [kept] = list_keys(rooms)
    assert (kept.id, kept.label, kept.revoked_at) == (key.id, "shop", "")
    assert key.secret not in str(kept)
    revoke_key(key.id, rooms)
    assert list_keys(rooms)[0].revoked_at
    assert [entry.action for entry in audit_entries(rooms)][-2:] == ["key.create", "key.revoke"]
