"""Network file: a network that stands in a file of its own library, checked as far as that goes without loading it."""

from pathlib import Path
from typing import Literal

import msgspec

NetworkKind = Literal["torchscript", "torch.export", "keras"]


class NetworkFile(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for a network until a sandbox loads it."""

    path: Path
    kind: NetworkKind
