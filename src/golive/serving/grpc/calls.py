"""Calls: gRPC in one process: a codec for each of its lanes, and the server beside the one for HTTP."""

import asyncio
import secrets
import socket
from collections.abc import Callable

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.serving.answer import RequestIds
from golive.serving.codecs.codec import Codec, Labels
from golive.serving.grpc.codec import GrpcCodec
from golive.serving.grpc.hub import Gate, GrpcLimits
from golive.serving.grpc.protos import Messages
from golive.serving.grpc.server import GrpcConfig, serve_grpc
from golive.serving.grpc.service import About, Service
from golive.serving.grpc.tensor_codec import TensorGrpcCodec
from golive.serving.hall import Hall
from golive.serving.server import ServerConfig, limits_of
from golive.serving.switchboard import Switchboard
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.entrance import Entrance


class Calls:
    """What a process needs to answer calls; making it takes a tenth of a second."""

    def __init__(self) -> None:
        self._messages = Messages()

    def codec(self, placed: Placed, signature: Signature, labels: Labels) -> Codec:
        """Make the codec of a lane."""
        return GrpcCodec(placed, signature, labels, self._messages)

    def tensor_codec(
        self, placed: Placed, signature: Signature, entrance: Entrance, answers: Answers
    ) -> TensorGrpcCodec:
        """Make the codec of a lane of tensors."""
        return TensorGrpcCodec(placed, signature, entrance, answers, self._messages)

    async def serve(
        self,
        board: Switchboard,
        sock: socket.socket,
        config: ServerConfig,
        *,
        on_ready: Callable[[], None],
        stop: asyncio.Event,
    ) -> None:
        """Answer calls on a bound socket until ``stop`` is set, then drain; as ``serving.server.serve`` does for HTTP.

        Raises:
            OSError: the certificate or key cannot be read.
        """
        hall = Hall(board, limits_of(config), config.authorize, RequestIds(secrets.token_hex(6)))
        service = Service(
            board,
            lambda: bool(board.traffic) and not stop.is_set(),
            self._messages,
            About(title=config.title, version=config.version, max_rows=config.max_rows),
        )
        await serve_grpc(
            service,
            Gate(hall.caller, hall.denied, hall.request_ids),
            sock,
            GrpcConfig(
                limits=GrpcLimits(
                    message_bytes=config.max_body_bytes,
                    keep_alive_s=config.keep_alive_s,
                    request_s=config.request_s,
                    connections=config.max_connections,
                ),
                drain_s=config.drain_s,
                stop_s=config.stop_s,
                tls_certificate=config.tls_certificate,
                tls_key=config.tls_key,
            ),
            on_ready=on_ready,
            stop=stop,
        )
