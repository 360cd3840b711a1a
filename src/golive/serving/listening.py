"""Listening: several descriptors of one bound socket, so that an event loop accepts several connections in a turn."""

import socket


def several(bound: socket.socket, further: int) -> list[socket.socket]:
    """Give a bound socket and so many duplicates of it, none of which blocks.

    That a socket does not block is a property of what all its descriptors share, in every process that inherited one,
    and ``dup`` sets it anew. A blocking one stops its event loop in the middle of an accept, when another process has
    taken the connection first.
    """
    bound.setblocking(False)
    return [bound, *(bound.dup() for _ in range(further))]
