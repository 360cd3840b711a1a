"""Plan is a table: what is desired and observed, and the steps between."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from golive.deployment.drive import drive
from golive.deployment.plan import plan
from golive.domain.digest import Digest, digest_of
from golive.domain.release import Deployment, Share
from golive.domain.serving import Observed, Placed, Route, Shift, Start, Step
from golive.errors import NotFoundError, UnavailableError

NAMES = ("flats", "houses")
RELEASES = {(name, version): digest_of(f"{name}{version}".encode()) for name in NAMES for version in range(1, 6)}


def placed(version: int, name: str = "houses") -> Placed:
    return Placed(name, version, RELEASES[name, version])


def route(version: int, name: str = "houses") -> Route:
    return Route(name, (Share(version, 1.0),))


def wish(*shares: tuple[int, float], name: str = "houses", number: int = 1) -> Deployment:
    split = tuple(Share(version, share) for version, share in shares)
    return Deployment(number=number, name=name, target="local", split=split, created_at="", created_by="")


def serving(version: int, *others: int) -> Observed:
    loaded = tuple(placed(one) for one in (version, *others))
    return Observed(generation=1, loaded=loaded, traffic=(route(version),), healthy=True)


NOTHING = Observed()


@pytest.mark.parametrize(
    ("desired", "observed", "steps"),
    [
        ((), NOTHING, ()),
        ((wish((1, 1.0)),), NOTHING, (Start((placed(1),)), Shift((route(1),)))),
        ((wish((1, 1.0)),), serving(1), ()),
        ((wish((2, 1.0)),), serving(1), (Start((placed(1), placed(2))), Shift((route(2),)))),
        ((wish((1, 1.0)),), serving(2, 1), (Shift((route(1),)),)),
        ((wish((3, 1.0)),), serving(2, 1), (Start((placed(2), placed(3))), Shift((route(3),)))),
        ((wish((1, 1.0)), wish((2, 1.0), number=2)), serving(2), ()),
        ((), serving(1), (Shift(()),)),
        (
            (wish((2, 0.1), (1, 0.9)),),
            serving(1, 2),
            (Shift((Route("houses", (Share(1, 0.9), Share(2, 0.1))),)),),
        ),
        (
            (wish((1, 1.0)), wish((4, 1.0), name="flats")),
            serving(1),
            (Start((placed(4, "flats"), placed(1))), Shift((route(4, "flats"), route(1)))),
        ),
    ],
)
def test_the_steps_lead_from_what_is_observed_to_what_is_desired(desired, observed, steps) -> None:
    assert plan(desired, RELEASES, observed) == steps


def test_a_share_order_that_differs_is_not_a_difference() -> None:
    observed = Observed(
        generation=1,
        loaded=(placed(1), placed(2)),
        traffic=(Route("houses", (Share(2, 0.5), Share(1, 0.5))),),
        healthy=True,
    )
    assert plan((wish((1, 0.5), (2, 0.5)),), RELEASES, observed) == ()


def test_a_version_loaded_from_another_bundle_is_started_again() -> None:
    other = Placed("houses", 1, Digest("sha256:" + "0" * 64))
    observed = Observed(generation=1, loaded=(other,), traffic=(route(1),), healthy=True)
    assert plan((wish((1, 1.0)),), RELEASES, observed) == (Start((placed(1),)),)


def test_a_deployment_of_a_release_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NotFoundError, match="'houses' has no release 9"):
        plan((wish((9, 1.0)),), RELEASES, NOTHING)


class MemoryTarget:
    """A target that keeps the two laws of every target: only the loaded is routed, and the routed stays loaded."""

    name = "memory"

    def __init__(self) -> None:
        self.observed = Observed()
        self.refuses = False

    def observe(self) -> Observed:
        return self.observed

    def apply(self, step: Step) -> None:
        if self.refuses:
            message = "the target refuses; try again later"
            raise UnavailableError(message)
        routed = {(one.name, share.version) for one in self.observed.traffic for share in one.split}
        if isinstance(step, Start):
            assert routed <= {(one.name, one.version) for one in step.placed}
            self.observed = Observed(
                generation=self.observed.generation + 1,
                loaded=step.placed,
                traffic=self.observed.traffic,
                healthy=True,
            )
            return
        loaded = {(one.name, one.version) for one in self.observed.loaded}
        assert {(one.name, share.version) for one in step.traffic for share in one.split} <= loaded
        self.observed = Observed(
            generation=self.observed.generation, loaded=self.observed.loaded, traffic=step.traffic, healthy=True
        )


def test_a_refused_step_ends_the_drive_and_the_next_drive_finishes_it() -> None:
    target = MemoryTarget()
    target.refuses = True
    with pytest.raises(UnavailableError, match="refuses"):
        drive(plan((wish((1, 1.0)),), RELEASES, target.observe()), target)
    assert target.observe() == Observed()
    target.refuses = False
    drive(plan((wish((1, 1.0)),), RELEASES, target.observe()), target)
    assert target.observe() == Observed(generation=1, loaded=(placed(1),), traffic=(route(1),), healthy=True)


class Deployments(RuleBasedStateMachine):
    """Any wishes in any order, with drives cut short anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.target = MemoryTarget()
        self.desired: dict[str, Deployment] = {}
        self.number = 0

    @rule(name=st.sampled_from(NAMES), versions=st.sets(st.integers(1, 5), min_size=1, max_size=2))
    def wish(self, name: str, versions: set[int]) -> None:
        self.number += 1
        shares = tuple((version, 1.0 / len(versions)) for version in versions)
        self.desired[name] = wish(*shares, name=name, number=self.number)

    @rule(name=st.sampled_from(NAMES))
    def withdraw(self, name: str) -> None:
        self.desired.pop(name, None)

    @rule(done=st.integers(0, 1))
    def drive_and_die(self, done: int) -> None:
        drive(self.steps()[:done], self.target)

    @rule()
    def drive_to_the_end(self) -> None:
        drive(self.steps(), self.target)
        assert self.steps() == ()

    @precondition(lambda self: self.desired)
    @rule(data=st.data(), version=st.integers(1, 5))
    def deploy_and_roll_back(self, data: st.DataObject, version: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.desired)))
        drive(self.steps(), self.target)
        before = self.desired[name]
        self.desired[name] = wish((version, 1.0), name=name)
        drive(self.steps(), self.target)
        self.desired[name] = before
        assert not any(isinstance(step, Start) for step in self.steps())

    @invariant()
    def at_most_one_start_then_one_shift(self) -> None:
        assert [type(step) for step in self.steps()] in ([], [Start], [Shift], [Start, Shift])

    def steps(self) -> tuple[Step, ...]:
        return plan(tuple(self.desired.values()), RELEASES, self.target.observe())


Deployments.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestDeployments = Deployments.TestCase
