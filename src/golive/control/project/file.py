"""The shape of golive.yaml. Reading it, with line numbers in every complaint, is ``project.py``."""

from typing import Annotated, Literal

import msgspec

from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.release import Strategy
from golive.optimization.limits import Prefer
from golive.packaging.finish import Finish
from golive.training.recipe import Candidate, Cleaning, Features, Recipe, SearchPlan, Source, Split, Unit, Validation

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Optimization(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the packaged model may be from the fitted one."""

    tolerance: Annotated[float, msgspec.Meta(ge=0.0)] = 1e-9
    """Greatest allowed difference: relative for values, absolute for probabilities. Labels may never differ."""


class Optimize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The search for a smaller or faster form of the model that training chose; without this section there is none."""

    max_loss: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.005
    """The greatest worsening of the metric, as a share of its value; the upper end of its interval must keep to it."""
    budget_s: Annotated[float, msgspec.Meta(ge=0.0)] = 60.0
    """No candidate is begun after so many seconds."""
    prefer: Prefer = "latency"
    """What the one that is taken is best at: one row, a thousand rows, or the bytes of the graph."""
    only: tuple[str, ...] = ()
    """The optimizers to ask; empty: all that are installed."""


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of a classifier's probabilities before they are answers."""

    threshold: Unit | None = None
    """Of two classes, the probability above which the second is answered; without one 0.5."""
    labels: dict[str, str] = {}
    """Class as the data has it -> what answers call it."""
    top_k: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Answers also name so many of the most probable labels, with their probabilities."""
    background: Annotated[int, msgspec.Meta(ge=0, le=100)] = 100
    """Training rows that stay in the bundle for explanations to compare with; with 0, nothing can be explained."""

    @property
    def finish(self) -> Finish:
        """The same as packaging takes it."""
        return Finish(threshold=self.threshold, labels=self.labels, top_k=self.top_k, background=self.background)


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The inference listener."""

    host: str = "127.0.0.1"
    port: Port = 8080
    admin_port: Port = 8082
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Processes; 0 means one for every core this process may use."""
    max_body_mb: Annotated[float, msgspec.Meta(gt=0.0)] = 16.0
    max_rows: Annotated[int, msgspec.Meta(gt=0)] = 100_000
    """Rows that one request may have."""
    queue_s: Annotated[float, msgspec.Meta(gt=0.0)] = 0.25
    """How long a request may wait for its model before it is refused instead, in seconds."""
    memory_mb: Annotated[int, msgspec.Meta(ge=0)] = 0
    """For all models together: when not every worker can hold all of them within it, they live in processes of their
    own, and the least recently used one makes room; 0 for no limit."""
    explain: bool = True
    """Whether ``:explain`` is answered, by a process of its own that is started when it is first asked."""
    explain_s: Annotated[float, msgspec.Meta(gt=0.0)] = 1.0
    """How long explaining the rows of one request may take, in seconds."""
    grpc_port: Port | None = None
    """Of the Open Inference Protocol over gRPC; without one that protocol is off."""
    tls_cert: str = ""
    """A PEM file with the certificate chain, relative to golive.yaml; with ``tls_key`` the server speaks TLS."""
    tls_key: str = ""
    """The PEM file with its private key, relative to golive.yaml."""


class ReleasePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a new version takes over."""

    target: str = "local"
    strategy: Strategy = "direct"


class Monitoring(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of live predictions, and how it is looked at."""

    sample: Unit = 1.0
    """Share of predicted rows that are recorded."""
    look_rows: Annotated[int, msgspec.Meta(ge=100)] = 1000
    """A look at drift is due when this many new rows are in (below 1,000 the alarm budget does not hold)."""
    keep_days: Annotated[int, msgspec.Meta(ge=1)] = 180


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """golive.yaml: the one file a user edits."""

    name: str
    data: Source
    target: str
    task: Literal["regression", "classification"]
    log_target: bool = False
    seed: int = 42
    split: Split = Split()
    cleaning: Cleaning = Cleaning()
    features: Features = Features()
    candidates: tuple[Candidate, ...] = ()
    validation: Validation = Validation()
    search: SearchPlan = SearchPlan()
    evaluation: Declared = Declared()
    gate: Policy = Policy()
    optimization: Optimization = Optimization()
    optimize: Optimize | None = None
    answers: Answers = Answers()
    serving: Serving = Serving()
    release: ReleasePlan = ReleasePlan()
    monitoring: Monitoring = Monitoring()
    version: Literal[1] = 1
    """The format of this file."""

    @property
    def declared(self) -> Declared:
        """What evaluation is told of the columns; of a split by time, its column is the time where none is named."""
        if self.split.method != "time" or self.evaluation.time:
            return self.evaluation
        return msgspec.structs.replace(self.evaluation, time=self.split.column)

    @property
    def recipe(self) -> Recipe:
        """What training needs of it."""
        return Recipe(
            target=self.target,
            task=self.task,
            log_target=self.log_target,
            split=self.split,
            cleaning=self.cleaning,
            features=self.features,
            candidates=self.candidates,
            validation=self.validation,
            search=self.search,
            seed=self.seed,
        )
