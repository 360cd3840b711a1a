"""A conversation with a server of values: no socket, and time goes by only when it is waited for."""

import math

import pytest
from oip_server import Model, Server

from golive.client.chances import Chances
from golive.client.conversation import Conversation
from golive.client.exchange import Late, Reply, Send

NUMBERS = Model(inputs=(("a", "FP64", 1), ("b", "FP64", 1)))
MIXED = Model(
    inputs=(("area", "FP64", 1), ("rooms", "INT64", 1), ("pool", "BOOL", 1), ("zone", "BYTES", 1)),
    classes=("low", "mid", "high"),
)


class World:
    """Carries out flows against a server and notes what was sent and waited for."""

    def __init__(self, server, *, retries=2, api_key="", jitter=0.5):
        self.server = server
        self.now = 100.0
        self.waits = []
        self.sent = []
        self.ids = iter(f"id-{number}" for number in range(1, 1000))
        chances = Chances(clock=lambda: self.now, jitter=lambda: jitter, new_id=lambda: next(self.ids))
        self.talk = Conversation(
            shown="http://there", api_key=api_key, timeout_s=10.0, retries=retries, chances=chances
        )

    def run(self, flow):
        outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as done:
                return done.value
            outcome = self._done(step)

    def predict(self, *args, **options):
        return self.run(self.talk.predict(*args, **options))

    def posts(self):
        return [step for step in self.sent if step.method == "POST"]

    def _done(self, step):
        if not isinstance(step, Send):
            self.waits.append(step.seconds)
            self.now += step.seconds
            return None
        self.sent.append(step)
        answered = self.server.answer(step.method, step.path, step.headers, step.body)
        if not isinstance(answered, tuple):
            self.now += step.timeout_s if isinstance(answered, Late) else 0.0
            return answered
        status, headers, body = answered
        self.now += float(headers.get("took-s", 0))
        return Reply(status=status, headers=headers, body=body)


@pytest.fixture
def server():
    placed = Server()
    placed.place("sums", "1", NUMBERS)
    placed.place("houses", "3", MIXED)
    return placed


@pytest.fixture
def world(server):
    return World(server)


@pytest.fixture
def world_of():
    return World


@pytest.fixture
def same():
    def are_same(one, other):
        return len(one) == len(other) and all(
            a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
            for a, b in zip(one, other, strict=True)
        )

    return are_same
