"""Drive: carry planned steps out on a target, in order.

Every step may be done twice, so a drive that was cut short is finished by planning again from what is observed.
"""

from collections.abc import Sequence

from golive.domain.serving import Step
from golive.ports import Target


def drive(steps: Sequence[Step], target: Target) -> None:
    """Do the steps one after the other.

    Raises:
        UnavailableError: a step did not take effect; the ones after it were not tried.
    """
    for step in steps:
        target.apply(step)
