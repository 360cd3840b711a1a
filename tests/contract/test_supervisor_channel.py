"""Channel, order and run files: what processes say to each other and leave for each other."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from golive.control.running.access import refuse_unguarded, rules_for
from golive.control.running.channel import MAX_FRAME_BYTES, framed, open_channel
from golive.control.running.door import Door
from golive.control.running.listeners import bind
from golive.control.running.messages import AccessRules, Command, Drain, Probe, Reroute
from golive.control.running.order import cores_of, worker_count
from golive.control.running.run_files import RunFile, RunFolder
from golive.domain.api_key import KeyRow
from golive.domain.release import Share
from golive.domain.serving import Route
from golive.errors import UnavailableError, UsageError
from golive.security.keys import make_key


def test_messages_arrive_whole_and_in_order() -> None:
    sent = [Probe(number=1), Reroute(number=2, traffic=(Route("houses", (Share(1, 1.0),)),)), Drain(number=3)]

    async def talk() -> list[object]:
        ours, theirs = socket.socketpair()
        one, other = await open_channel(ours, Command), await open_channel(theirs, Command)
        for message in sent:
            await one.send(message)
        one.close()
        received = []
        while (message := await other.receive()) is not None:
            received.append(message)
        other.close()
        return received

    assert asyncio.run(talk()) == sent


def received_from(content: bytes) -> object:
    async def talk() -> object:
        ours, theirs = socket.socketpair()
        with ours:
            ours.sendall(content)
        channel = await open_channel(theirs, Command)
        try:
            return await channel.receive()
        finally:
            channel.close()

    return asyncio.run(talk())


def test_a_frame_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnavailableError, match="was announced, more than the 16777216 that are accepted"):
        received_from((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(UnavailableError, match="does not fit into a frame"):
        framed(bytes(MAX_FRAME_BYTES + 1))


@pytest.mark.parametrize("content", [b"", b"\x00\x00", framed(b"cut short")[:-1]])
def test_a_sender_that_is_gone_is_an_end_also_in_the_middle_of_a_frame(content: bytes) -> None:
    assert received_from(content) is None


@pytest.mark.parametrize("content", [b"\xff", msgspec.msgpack.encode({"type": "probe"}), b"cPickle\n"])
def test_a_frame_that_is_not_a_message_is_refused(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="is not a message"):
        received_from(framed(content))


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000\n", None), ("150000 100000\n", 1.5), ("-1 100000", None), ("50000 100000", 0.5)]
)
def test_a_container_limit_is_read_as_cores(limit: str, cores: float | None) -> None:
    assert cores_of(limit) == cores


def test_workers_are_as_asked_or_one_for_each_core_at_least_one() -> None:
    assert worker_count(3) == 3
    assert 1 <= worker_count(0) <= len(os.sched_getaffinity(0))


def test_only_one_process_holds_the_run_folder_and_its_death_lets_go(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.make()
    script = (
        "import sys, pathlib; from golive.control.running.run_files import RunFolder; "
        f"run = RunFolder(pathlib.Path({str(tmp_path)!r})); lock = run.lock(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        assert (run.holder(), run.lock()) == (other.pid, None)
        other.kill()
    assert run.holder() == 0


def test_what_a_supervisor_says_of_itself_reads_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.make()
    found = RunFile(pid=7, url="http://h:1", admin="/a.sock", admin_url="http://h:2", started_at="2026-01-01T00:00:00Z")
    assert run.read() is None
    run.write(found)
    assert run.read() == found
    run.remove()
    assert run.read() is None


KEY = make_key(os.urandom)
VALID = KeyRow(id=KEY.id, hash=KEY.hash, label="", created_at="2026-01-01", revoked_at="")
REVOKED = msgspec.structs.replace(VALID, revoked_at="2026-01-02")


@pytest.mark.parametrize(
    ("host", "keys", "secret", "opens_for_all", "opens_for_the_key"),
    [
        ("127.0.0.1", (), "", True, True),
        ("127.0.0.1", (VALID,), "", False, True),
        ("127.0.0.1", (REVOKED,), "", False, False),
        ("127.0.0.1", (), "other", False, False),
        ("0.0.0.0", (VALID,), "", False, True),
    ],
)
def test_a_door_opens_for_valid_keys_and_for_all_only_while_no_key_was_ever_made(
    host: str, keys: tuple[KeyRow, ...], secret: str, opens_for_all: bool, opens_for_the_key: bool
) -> None:
    door = Door(rules_for(host, keys, secret))
    assert (door(None, None) is not None, door(None, KEY.secret.encode()) is not None) == (
        opens_for_all,
        opens_for_the_key,
    )


def test_a_door_takes_new_rules_while_it_stands() -> None:
    door = Door(AccessRules(is_open=True))
    assert door(None, None)
    door.admit(AccessRules(hashes={KEY.id: KEY.hash}))
    assert not door(None, None)
    assert door(b"Bearer " + KEY.secret.encode(), None)


def test_beyond_loopback_a_valid_key_is_needed() -> None:
    with pytest.raises(UsageError, match=r"host '0\.0\.0\.0' can be reached from other machines"):
        refuse_unguarded("0.0.0.0", rules_for("0.0.0.0", (REVOKED,), ""))
    refuse_unguarded("0.0.0.0", rules_for("0.0.0.0", (VALID,), ""))
    refuse_unguarded("127.0.0.1", rules_for("127.0.0.1", (), ""))


def test_a_host_that_is_not_of_this_machine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"'192\.0\.2\.1' is not an address of this machine"):
        bind("192.0.2.1", 0, option="--port")
