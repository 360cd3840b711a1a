import sqlite3

import msgspec
import pytest

from golive.domain.audit import AuditHead, AuditNote, chain
from golive.errors import AuditError
from golive.security.audit import verify
from golive.store.ledger import Ledger


def make_log(length):
    entries = []
    for step in range(length):
        note = AuditNote(action="release", subject=f"houses@{step}", details={"step": step, "share": 0.5})
        entries.append(chain(entries[-1] if entries else None, note, at=str(step), by="ann"))
    return tuple(entries), AuditHead(entries[-1].sequence, entries[-1].hash) if entries else None


@pytest.mark.parametrize("length", [0, 1, 5])
def test_an_untouched_log_verifies(length):
    verify(*make_log(length))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "x"),
        ("actor", "bob"),
        ("action", "alias"),
        ("subject", "x"),
        ("details", {"step": 2, "share": 1.0}),
        ("previous", "sha256:" + "1" * 64),
        ("hash", "sha256:" + "1" * 64),
    ],
)
def test_a_change_of_any_field_names_the_entry(field, value):
    entries, head = make_log(5)
    altered = (*entries[:2], msgspec.structs.replace(entries[2], **{field: value}), *entries[3:])
    with pytest.raises(AuditError, match="entry 3 "):
        verify(altered, head)


def test_a_removed_entry_is_named():
    entries, head = make_log(5)
    with pytest.raises(AuditError, match="entry 2 is missing"):
        verify((entries[0], *entries[2:]), head)


def test_a_log_cut_short_is_noticed_by_its_head():
    entries, head = make_log(5)
    with pytest.raises(AuditError, match="ends at entry 4, but its head file says 5"):
        verify(entries[:4], head)
    with pytest.raises(AuditError, match="ends at entry 0"):
        verify((), head)


def test_a_rewritten_end_is_noticed_by_its_head():
    entries, head = make_log(5)
    forged = chain(entries[3], AuditNote(action="nothing", subject="x"), at="4", by="eve")
    with pytest.raises(AuditError, match="entry 5 is not the one"):
        verify((*entries[:4], forged), head)


def test_a_head_one_entry_behind_is_what_a_crash_leaves():
    entries, _ = make_log(5)
    verify(entries, AuditHead(4, entries[3].hash))
    verify(entries[:1], None)


def test_a_head_further_behind_or_missing_is_refused():
    entries, _ = make_log(5)
    with pytest.raises(AuditError, match="out of date"):
        verify(entries, AuditHead(3, entries[2].hash))
    with pytest.raises(AuditError, match="head file says 0"):
        verify(entries, None)


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    for step in range(4):
        made.note(AuditNote(action="export", subject=f"s{step}", details={1: [step, 0.1], "b": None}), at="t", by="ann")
    return made


def tamper(tmp_path, statement):
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute(statement)
    connection.close()


def test_the_ledgers_own_log_verifies(ledger):
    verify(ledger.audit_entries(), ledger.audit_head())
    assert [entry.sequence for entry in ledger.audit_entries()] == [1, 2, 3, 4]


def test_one_changed_character_in_the_database_is_found(ledger, tmp_path):
    tamper(tmp_path, "UPDATE audit SET subject = 's9' WHERE sequence = 2")
    with pytest.raises(AuditError, match="entry 2 "):
        verify(ledger.audit_entries(), ledger.audit_head())


def test_one_changed_byte_in_the_database_file_is_found(ledger, tmp_path):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = path.read_bytes()
    assert content.count(b"exports2") == 1
    path.write_bytes(content.replace(b"exports2", b"exports7"))
    with pytest.raises(AuditError, match="entry 3 "):
        verify(ledger.audit_entries(), ledger.audit_head())


def test_a_deleted_last_row_is_found_and_stops_later_writes_from_hiding_it(ledger, tmp_path):
    tamper(tmp_path, "DELETE FROM audit WHERE sequence = 4")
    with pytest.raises(AuditError, match="ends at entry 3"):
        verify(ledger.audit_entries(), ledger.audit_head())
    with pytest.raises(AuditError, match="ends at entry 3"):
        ledger.note(AuditNote(action="export", subject="x"), at="t", by="eve")
    assert len(ledger.audit_entries()) == 3


def test_a_head_left_behind_by_a_crash_is_repaired_by_the_next_entry(ledger, tmp_path):
    third = ledger.audit_entries()[2]
    (tmp_path / "audit.head").write_bytes(msgspec.json.encode(AuditHead(3, third.hash)))
    verify(ledger.audit_entries(), ledger.audit_head())
    ledger.note(AuditNote(action="export", subject="x"), at="t", by="ann")
    verify(ledger.audit_entries(), ledger.audit_head())
    assert ledger.audit_head().sequence == 5
