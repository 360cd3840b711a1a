"""The isolated runtime keeps the promises of the port, over a process and shared memory that grows."""

import numpy as np
import pytest
from isolated_models import no_codes, packed

from golive import plugins, testing
from golive.errors import VerificationError


def total(table):
    return table.sum(axis=1)


def test_the_isolated_runtime_keeps_its_promises():
    numbers = np.array([[1.0, 2.0], [np.nan, 1.0], [np.inf, 1.0], [-0.0, 0.0]])
    testing.check_runtime(plugins.load("runtimes", "isolated"), packed(total), numbers, numbers.sum(axis=1)[:, None])


def test_any_number_of_rows_is_answered_while_the_memory_grows():
    session = plugins.load("runtimes", "isolated").open(packed(total, width=50), threads=1)
    rng = np.random.default_rng(0)
    for count in (0, 1, 2, 255, 256, 257, 1000, 3):
        rows = rng.normal(size=(count, 50))
        assert session.run(rows, no_codes(count)).tolist() == rows.sum(axis=1)[:, None].tolist()
    session.close()


def test_rows_of_another_width_are_refused_on_this_side():
    session = plugins.load("runtimes", "isolated").open(packed(total), threads=1)
    with pytest.raises(VerificationError, match="reads 2 numbers and 0 codes a row"):
        session.run(np.zeros((1, 3)), no_codes(1))
    with pytest.raises(VerificationError, match="reads 2 numbers and 0 codes a row"):
        session.run(np.zeros((2, 2)), no_codes(1))
    session.close()


def test_tensors_are_refused():
    with pytest.raises(VerificationError, match="answers rows of fields, not tensors"):
        plugins.load("runtimes", "isolated").open_tensors(packed(total), threads=1)
