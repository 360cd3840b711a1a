"""What a running server would have to be started again for."""

import msgspec
import pytest

from golive.control.running.order import SupervisorOrder
from golive.control.running.run_files import RunFolder
from golive.control.running_order import tell_what_waits, what_waits

RUNNING = SupervisorOrder(state="here", port=8080, workers=1)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (RUNNING, ""),
        (SupervisorOrder(state="here", port=0, workers=1), ""),
        (
            SupervisorOrder(state="here", port=8081, workers=0),
            "asked for: port 8081, workers one for every core; the running server has port 8080, workers 1: "
            "golive down, then golive up",
        ),
        (
            SupervisorOrder(state="here", port=8080, workers=1, max_body_bytes=3 << 19, sample=0.5, tls_cert="/c.pem"),
            "asked for: max_body_mb 1.5, tls_cert /c.pem, sample 0.5; the running server has max_body_mb 16, "
            "tls_cert none, sample 1.0: golive down, then golive up",
        ),
    ],
)
def test_each_setting_that_the_running_server_does_not_have_is_named(asked, text):
    assert what_waits(asked, RUNNING) == text


def test_the_running_servers_order_is_read_from_its_run_folder(tmp_path, capsys):
    order = SupervisorOrder(state=str(tmp_path), port=8080)
    asked = msgspec.structs.replace(order, keep_days=7)
    tell_what_waits(asked)
    run = RunFolder(tmp_path)
    run.make()
    run.order.write_bytes(msgspec.json.encode(order))
    tell_what_waits(order)
    assert capsys.readouterr().err == ""
    tell_what_waits(asked)
    assert "asked for: keep_days 7; the running server has keep_days 180" in capsys.readouterr().err
