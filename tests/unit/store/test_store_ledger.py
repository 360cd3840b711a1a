import sqlite3
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from golive.domain.digest import Digest
from golive.domain.policy import Reason, Verdict
from golive.domain.release import Share
from golive.domain.trial import Trial
from golive.errors import NotFoundError, UnavailableError, UsageError, VerificationError
from golive.security.audit import verify
from golive.store.ledger import Ledger

BUNDLE = Digest("sha256:" + "a" * 64)
POLICY = Digest("sha256:" + "c" * 64)
VERDICT = Verdict(
    bundle=BUNDLE, outcome="pass", policy=POLICY, reasons=(Reason(rule="rmse <= 1", outcome="pass", text="ok"),)
)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "home" / "ledger.db")


def release(ledger, name="houses"):
    return ledger.add_release(name, BUNDLE, VERDICT, at="t", by="ann")


def deploy(ledger, version, *, name="houses", target="local"):
    split = (Share(version, 1.0),) if version else ()
    return ledger.add_deployment(name, target, split, strategy="direct", reason="why", at="t", by="ann")


def test_versions_count_from_one_for_each_name(ledger):
    versions = [release(ledger, name).version for name in ("houses", "houses", "iris", "houses")]
    assert versions == [1, 2, 1, 3]
    assert [(made.name, made.version) for made in ledger.releases()] == [
        ("houses", 1),
        ("houses", 2),
        ("houses", 3),
        ("iris", 1),
    ]
    assert len(ledger.releases("houses")) == 3


def test_a_release_reads_back_with_its_verdict(ledger):
    made = release(ledger)
    assert ledger.release("houses", 1) == made
    assert made.verdict == VERDICT
    assert (made.created_at, made.created_by) == ("t", "ann")


def test_a_verdict_about_another_bundle_is_refused(ledger):
    with pytest.raises(UsageError, match="the verdict is about"):
        ledger.add_release("houses", Digest("sha256:" + "b" * 64), VERDICT, at="t", by="ann")


def test_an_unknown_release_is_not_found_and_known_ones_are_named(ledger):
    release(ledger)
    with pytest.raises(NotFoundError, match="its releases are: 1"):
        ledger.release("houses", 7)
    with pytest.raises(NotFoundError, match="are: none"):
        deploy(ledger, 1, name="iris")


def test_a_deployment_is_pending_until_it_is_settled(ledger):
    release(ledger)
    made = deploy(ledger, 1)
    assert ledger.desired("local") == (made,)
    assert ledger.serving("houses") is None
    assert ledger.outcome(made.number) == "pending"
    ledger.settle(made.number, "live", "", at="t")
    assert ledger.serving("houses") == made
    assert ledger.outcome(made.number) == "live"


def test_a_failed_deployment_leaves_the_one_before_it_desired(ledger):
    release(ledger)
    release(ledger)
    first, second = deploy(ledger, 1), deploy(ledger, 2)
    ledger.settle(first.number, "live", "", at="t")
    assert ledger.desired("local") == (second,)
    ledger.settle(second.number, "failed", "the graph is broken", at="t")
    assert ledger.desired("local") == (first,)
    assert ledger.serving("houses") == first
    assert ledger.lived("houses") == (first,)
    assert ledger.outcome(second.number) == "failed: the graph is broken"


def test_of_several_outcomes_the_newest_counts(ledger):
    release(ledger)
    first, second = deploy(ledger, 1), deploy(ledger, 1)
    ledger.settle(first.number, "live", "", at="t")
    ledger.settle(second.number, "failed", "no memory", at="t")
    ledger.settle(second.number, "live", "", at="t")
    ledger.settle(first.number, "failed", "gone", at="t")
    assert [(wish.deployment, wish.words) for wish in ledger.wishes()] == [(first, "failed: gone"), (second, "live")]
    assert [wish.deployment for wish in ledger.wanted("local")] == [second]
    with pytest.raises(NotFoundError, match="no deployment 9"):
        ledger.outcome(9)


def test_targets_and_names_are_kept_apart(ledger):
    release(ledger)
    release(ledger, "iris")
    local, cloud, iris = deploy(ledger, 1), deploy(ledger, 1, target="cloud"), deploy(ledger, 1, name="iris")
    assert ledger.desired("local") == (local, iris)
    assert ledger.desired("cloud") == (cloud,)
    assert ledger.deployments("houses") == (local, cloud)


def test_an_empty_split_takes_a_name_down(ledger):
    release(ledger)
    for version in (1, None):
        ledger.settle(deploy(ledger, version).number, "live", "", at="t")
    assert ledger.desired("local") == ()
    assert ledger.serving("houses") is None


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (0.0, 0.0)])
def test_shares_that_do_not_sum_to_one_are_refused(ledger, shares):
    release(ledger)
    release(ledger)
    split = [Share(version, share) for version, share in enumerate(shares, start=1)]
    with pytest.raises(UsageError, match="sum to 1"):
        ledger.add_deployment("houses", "local", split, strategy="direct", reason="", at="t", by="ann")


def test_settling_twice_writes_once(ledger):
    release(ledger)
    made = deploy(ledger, 1)
    ledger.settle(made.number, "live", "", at="t")
    length = len(ledger.audit_entries())
    ledger.settle(made.number, "live", "", at="t")
    assert len(ledger.audit_entries()) == length
    with pytest.raises(NotFoundError, match="no deployment 99"):
        ledger.settle(99, "live", "", at="t")


def test_every_administrative_write_is_in_the_audit_log(ledger):
    release(ledger)
    made = deploy(ledger, 1)
    ledger.settle(made.number, "failed", "why", at="t")
    ledger.add_key("k1", b"hash", label="ci", at="t", by="ann")
    ledger.revoke_key("k1", at="t", by="ann")
    ledger.revoke_key("k1", at="t", by="ann")
    log = [(entry.actor, entry.action, entry.subject) for entry in ledger.audit_entries()]
    assert log == [
        ("ann", "release", "houses@1"),
        ("ann", "deploy", "houses on local"),
        ("golive", "deploy.failed", "houses on local"),
        ("ann", "key.create", "k1"),
        ("ann", "key.revoke", "k1"),
    ]
    verify(ledger.audit_entries(), ledger.audit_head())


def test_a_write_that_fails_leaves_neither_itself_nor_an_audit_entry(ledger):
    ledger.add_key("k1", b"hash", label="", at="t", by="ann")
    with pytest.raises(UnavailableError):
        ledger.add_key("k1", b"other", label="", at="t", by="ann")
    assert [key.hash for key in ledger.keys()] == [b"hash"]  # noqa: SIM118
    assert len(ledger.audit_entries()) == 1
    verify(ledger.audit_entries(), ledger.audit_head())


def test_keys_are_listed_with_the_time_of_their_revocation(ledger):
    ledger.add_key("k1", b"one", label="ci", at="1", by="ann")
    ledger.add_key("k2", b"two", label="", at="2", by="ann")
    ledger.revoke_key("k1", at="3", by="ann")
    assert [(key.id, key.label, key.revoked_at) for key in ledger.keys()] == [("k1", "ci", "3"), ("k2", "", "")]  # noqa: SIM118
    with pytest.raises(NotFoundError, match="no API key 'k9'"):
        ledger.revoke_key("k9", at="t", by="ann")


def test_trials_read_back_in_order_and_a_run_is_kept_once(ledger):
    trials = (
        Trial(
            candidate="ridge", parameters={"alpha": np.float64(0.5), "n": np.int64(3)}, scores=(-1.5, -2.0), fit_s=0.1
        ),
        Trial(candidate="forest", parameters={"depth": None}, scores=(), fit_s=0.2, error="too deep"),
        Trial(candidate="boost", parameters={}, scores=(float("nan"), 1.0), fit_s=0.2),
    )
    ledger.add_trials("run1", trials, chosen=0, at="1")
    ledger.add_trials("run1", trials, chosen=1, at="2")
    ledger.add_trials("run0", trials[:1], chosen=0, at="3")
    rows = ledger.trials("run1")
    assert [row.trial for row in rows[:2]] == list(trials[:2])
    assert rows[0].trial.parameters == {"alpha": 0.5, "n": 3}
    assert np.isnan(rows[2].trial.scores[0])
    assert [row.chosen for row in rows] == [True, False, False]
    assert ledger.runs() == ("run1", "run0")
    assert len(ledger.trials()) == 4


@pytest.mark.parametrize("table", ["audit", "releases", "deployments", "deployment_events"])
@pytest.mark.parametrize("action", ["UPDATE {} SET rowid = rowid + 100", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_history(ledger, tmp_path, table, action):
    release(ledger)
    ledger.settle(deploy(ledger, 1).number, "live", "", at="t")
    connection = sqlite3.connect(tmp_path / "home" / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        connection.execute(action.format(table))
    connection.close()


def test_a_ledger_opens_again_with_all_it_held(ledger, tmp_path):
    made = release(ledger)
    assert Ledger(tmp_path / "home" / "ledger.db").releases() == (made,)


def test_a_ledger_of_a_newer_format_is_refused(ledger, tmp_path):
    path = tmp_path / "home" / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
    connection.close()
    with pytest.raises(VerificationError, match="format 2"):
        Ledger(path)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database, it is a text" * 100)
    with pytest.raises(UnavailableError, match="ledger"):
        Ledger(path)


RELEASER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from golive.domain.digest import Digest
    from golive.domain.policy import Verdict
    from golive.store.ledger import Ledger
    bundle = Digest("sha256:" + "a" * 64)
    verdict = Verdict(bundle=bundle, outcome="pass", policy=bundle)
    ledger = Ledger(Path(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(ledger.add_release("houses", bundle, verdict, at="t", by="p").version, flush=True)
    """
)


def start_releaser(path, count):
    command = [sys.executable, "-c", RELEASER, str(path), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_release_at_once_get_distinct_versions(tmp_path):
    path = tmp_path / "ledger.db"
    processes = [start_releaser(path, 15) for _ in range(3)]
    versions = []
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        versions += [int(line) for line in output.split()]
    assert sorted(versions) == list(range(1, 46))
    ledger = Ledger(path)
    verify(ledger.audit_entries(), ledger.audit_head())
    assert len(ledger.audit_entries()) == 45


def test_a_killed_releaser_leaves_releases_and_audit_log_in_step(tmp_path):
    path = tmp_path / "ledger.db"
    for told in (1, 4, 9):
        process = start_releaser(path, 1000)
        for _ in range(told):
            assert process.stdout.readline()
        process.kill()
        process.communicate()
        ledger = Ledger(path)
        assert len(ledger.releases()) == len(ledger.audit_entries())
        verify(ledger.audit_entries(), ledger.audit_head())
    assert len(Ledger(path).releases()) >= 14
