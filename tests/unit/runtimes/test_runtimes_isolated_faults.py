"""Whatever an isolated model does, the request that met it is refused with a sentence and the next one is answered."""

import ctypes
import gc
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from isolated_models import no_codes, packed

from golive.adapters.runtimes.isolated.program import ANSWER, HEADER, Header
from golive.adapters.runtimes.isolated.runtime import IsolatedRuntime, IsolatedSession, waited_s
from golive.errors import GoliveError, InvalidRowError, UnavailableError, VerificationError

PLAIN = np.array([[1.0, 2.0], [3.0, 4.0]])
SUMS = [[3.0], [7.0]]
ROW = no_codes(1)


@pytest.fixture
def opened():
    """Give a function that opens a model; what it opened is closed."""
    sessions = []

    def open_it(predict, **kinds) -> IsolatedSession:
        sessions.append(IsolatedRuntime().start(packed(predict, **kinds), threads=1))
        return sessions[-1]

    yield open_it
    for session in sessions:
        session.close()


def asked(session, rows):
    """Ask, and again while the process is being started: a busy machine takes its time for that."""
    until = time.monotonic() + 60
    while True:
        try:
            return session.run(rows, no_codes(len(rows))).tolist()
        except UnavailableError as error:
            if "started again" not in error.message or time.monotonic() > until:
                raise
        time.sleep(0.02)


def marked(number: float) -> np.ndarray:
    """Give a row that makes the model of a test misbehave."""
    return np.array([[number, 0.0]])


def crash(table):
    kind = table[0, 0]
    if kind == -1:
        os._exit(3)
    if kind == -2:
        ctypes.string_at(0)
    if kind == -3:
        os.kill(os.getpid(), signal.SIGKILL)
    return table.sum(axis=1)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(-1, r"ended its process \(exit code 3\)"), (-2, "was ended by SIGSEGV"), (-3, "was ended by SIGKILL")],
)
def test_a_model_that_ends_its_process_costs_one_request(opened, kind, sentence):
    session = opened(crash)
    with pytest.raises(UnavailableError, match=f"{sentence}; its process is replaced, try again"):
        session.run(marked(kind), ROW)
    assert asked(session, PLAIN) == SUMS


def test_a_model_that_crashes_again_and_again_is_started_ever_later(opened):
    session = opened(crash)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="its process is replaced"):
            asked(session, marked(-1))
    with pytest.raises(UnavailableError, match=r"exit code 3\); it is started again in [01]\.\d s"):
        session.run(PLAIN, no_codes(2))
    assert [waited_s(count, hung=False) for count in (0, 1, 2, 3, 40)] == [0, 1, 2, 4, 30]
    assert [waited_s(count, hung=True) for count in (0, 1, 40)] == [1, 1, 30]


def hang(table):
    while table[0, 0] == -1:
        pass
    return table.sum(axis=1)


def test_a_model_that_hangs_is_ended_at_its_deadline(opened):
    session = opened(hang, call_s=1.0)
    with pytest.raises(UnavailableError, match=r"did not answer within 1 s"):
        session.run(marked(-1), ROW)
    with pytest.raises(UnavailableError, match="it is started again in"):
        session.run(PLAIN, no_codes(2))
    assert asked(session, PLAIN) == SUMS


def wrong(table):
    match table[0, 0]:
        case -1:
            return table.sum(axis=1)[:-1]
        case -2:
            return ["a text"] * len(table)
        case -3:
            return np.array([object()] * len(table))
        case -4:
            return np.zeros((len(table), 3))
        case -5:
            return table.sum(axis=1) * 1j
        case -6:
            return None
        case -7:
            message = "the value cannot be\nread"
            raise ValueError(message)
        case -8:
            return 1 / 0
        case -9:
            raise SystemExit(4)
    return table.sum(axis=1)


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        (-1, GoliveError, r"predict gave the shape \[0, 1\] for 1 rows, and \[1, 1\] is needed"),
        (-2, GoliveError, "predict gave <U6, and numbers are needed"),
        (-3, GoliveError, "predict gave object"),
        (-4, GoliveError, r"the shape \[1, 3\] for 1 rows"),
        (-5, GoliveError, "predict gave complex128"),
        (-6, GoliveError, "predict gave object"),
        (-7, InvalidRowError, r"refuses the request \(ValueError: the value cannot be\); send other values"),
        (-8, GoliveError, r"fails on this request \(ZeroDivisionError: division by zero\); mend the model"),
        (-9, UnavailableError, r"ended its process \(exit code 4\)"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_the_next_one_is_given(wrong_session, kind, error, sentence):
    with pytest.raises(error, match=sentence):
        asked(wrong_session, marked(kind))
    assert asked(wrong_session, PLAIN) == SUMS


@pytest.fixture(scope="module")
def wrong_session():
    session = IsolatedRuntime().start(packed(wrong), threads=1)
    yield session
    session.close()


GARBAGE = {
    -1: b"\0" * 200,
    -2: Header(ANSWER, 77, 1, 0, 0, 1).packed(),
    -3: Header(ANSWER, 1, 1, 0, 0, 1, 1 << 40).packed(),
    -4: Header(ANSWER, 1).packed()[: HEADER.size // 2],
}


def garbage(table):
    """Write to whatever socket is open, as no honest model does."""
    written = GARBAGE.get(table[0, 0])
    if written:
        for number in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    socket.socket(fileno=os.dup(number)).sendall(written)
            except OSError:
                continue
        if table[0, 0] == -4:
            os._exit(0)
    return table.sum(axis=1)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (-1, "does not keep to the protocol"),
        (-2, "answers question 77 when it is asked 1"),
        (-3, "announces a text of 1099511627776 bytes"),
        (-4, r"ended its process \(exit code 0\)"),
    ],
)
def test_garbage_in_the_protocol_ends_the_process_that_wrote_it(opened, kind, sentence):
    session = opened(garbage)
    with pytest.raises(UnavailableError, match=sentence):
        session.run(marked(kind), ROW)
    assert asked(session, PLAIN) == SUMS


FILES = 4
"""The model's and that of the rows, two attempts at each."""


def shorten(table):
    """Make the shared memory shorter, which would end whoever reads it, or as large as the disk."""
    tried = refused = 0
    for number in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
        try:
            if "memfd:golive" in str(Path(f"/proc/self/fd/{number}").readlink()):
                for size in (0, 1 << 33):
                    tried += 1
                    try:
                        os.ftruncate(number, size)
                    except OSError:
                        refused += 1
        except OSError:
            continue
    return np.full(len(table), float(refused == tried >= FILES))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no sealed memory")
def test_a_model_can_neither_shorten_the_shared_memory_nor_fill_the_machine_with_it(opened):
    session = opened(shorten)
    assert session.run(PLAIN, no_codes(2)).tolist() == [[1.0], [1.0]]


def fill(table):
    if table[0, 0] == -1:
        np.ones(1 << 40)
    return table.sum(axis=1)


def test_a_model_that_wants_too_much_memory_is_refused_it_and_lives_on(opened):
    session = opened(fill, memory_mb=4096)
    with pytest.raises(UnavailableError, match=r"more than its 4096 MB of memory .*send fewer rows"):
        session.run(marked(-1), ROW)
    assert asked(session, PLAIN) == SUMS


def chat(table):
    print("x" * int(table[0, 0]))
    print("said at", table[0, 1], file=sys.stderr, flush=True)
    return table.sum(axis=1)


def test_what_a_model_prints_goes_to_the_log_up_to_a_bound(opened, caplog):
    caplog.set_level(logging.INFO, "golive.isolated")
    session = opened(chat)
    session.run(np.array([[3.0, 4.0]]), ROW)
    assert session.run(np.array([[1e6, 5.0]]), ROW).tolist() == [[1e6 + 5]]
    session.close()
    assert "said at 4.0" in caplog.text
    assert "the rest is dropped" in caplog.text
    assert len(caplog.text) < 200_000


def lonely(table):
    """Say what of the server's it can see: the environment, the network."""
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
        network = 2.0
    except ConnectionRefusedError:
        network = 1.0
    except OSError:
        network = 0.0
    seen = float("GOLIVE_API_KEY" in os.environ)
    return np.full(len(table), 10 * seen + network)


def test_a_model_sees_no_key_of_the_server_and_no_network_where_it_can_be_kept_off(opened, monkeypatch):
    monkeypatch.setenv("GOLIVE_API_KEY", "secret")
    allowed = opened(lonely, network=True).run(PLAIN[:1], ROW)
    assert allowed.tolist() == [[1.0]]
    assert opened(lonely).run(PLAIN[:1], ROW).tolist() in ([[0.0]], [[1.0]])


def whoami(table):
    return np.full(len(table), float(os.getpid()))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_closing_a_session_ends_its_process_and_so_does_forgetting_it(opened):
    closed = opened(whoami)
    pid = int(closed.run(PLAIN, no_codes(2))[0, 0])
    closed.close()
    closed.close()
    assert not is_there(pid)
    with pytest.raises(UnavailableError, match="was closed"):
        closed.run(PLAIN, no_codes(2))
    forgotten = IsolatedRuntime().start(packed(whoami), threads=1)
    pid = int(forgotten.run(PLAIN, no_codes(2))[0, 0])
    assert is_there(pid)
    del forgotten
    gc.collect()
    assert not is_there(pid)


def test_a_process_that_is_killed_from_outside_is_replaced_with_the_next_request(opened):
    session = opened(whoami)
    pid = int(session.run(PLAIN, no_codes(2))[0, 0])
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match=r"was ended by SIGKILL|closed its connection"):
        session.run(PLAIN, no_codes(2))
    assert asked(session, PLAIN)[0][0] != pid


def test_a_model_that_does_not_load_is_refused_when_it_is_opened():
    class Unloadable:
        def __reduce__(self):
            return (int, ("no number",))

    with pytest.raises(VerificationError, match=r"does not load: ValueError: invalid literal .*; package it again"):
        IsolatedRuntime().open(packed(Unloadable()), threads=1)


def test_a_model_that_loads_for_ever_is_given_up():
    class Endless:
        def __reduce__(self):
            return (time.sleep, (60.0,))

    with pytest.raises(VerificationError, match=r"did not load within 0\.5 s"):
        IsolatedRuntime().open(packed(Endless(), load_s=0.5), threads=1)


OPENS = """
import sys
from pathlib import Path
import numpy as np
from golive.adapters.runtimes.isolated.runtime import IsolatedRuntime
session = IsolatedRuntime().start(Path(sys.argv[1]).read_bytes(), threads=1)
print(int(session.run(np.zeros((1, 2)), np.empty((1, 0), np.int64))[0, 0]), flush=True)
if sys.argv[2] == "busy":
    session.run(np.ones((1, 2)), np.empty((1, 0), np.int64))
sys.stdin.read()
"""


def whoami_or_busy(table):
    while table[0, 0] == 1:
        pass
    return np.full(len(table), float(os.getpid()))


@pytest.mark.parametrize("doing", ["idle", "busy"])
def test_no_process_outlives_the_one_that_opened_it(tmp_path, doing):
    content = tmp_path / "model.zip"
    content.write_bytes(packed(whoami_or_busy, call_s=20.0))
    with subprocess.Popen(
        [sys.executable, "-c", OPENS, content, doing], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as opener:
        pid = int(opener.stdout.readline())
        assert is_there(pid)
        opener.kill()
    until = time.monotonic() + 10
    while is_there(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_there(pid)
