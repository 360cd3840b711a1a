"""A listening socket that several processes have."""

import os
import socket

from golive.serving.listening import several


def test_a_socket_that_another_process_has_too_never_blocks():
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setblocking(False)
        # A worker makes a socket of the descriptor that it inherited, and does not know that it must not block.
        inherited = socket.socket(fileno=os.dup(bound.fileno()))
        made = several(inherited, 3)
        assert len(made) == 4
        assert not os.get_blocking(bound.fileno())
        for each in made:
            each.close()


def test_each_descriptor_accepts():
    with socket.create_server(("127.0.0.1", 0)) as bound:
        made = several(bound, 1)
        callers = [socket.create_connection(bound.getsockname()) for _ in made]
        accepted = [each.accept()[0] for each in made]
        assert len(accepted) == len(callers)
        for each in [*callers, *accepted, *made[1:]]:
            each.close()
