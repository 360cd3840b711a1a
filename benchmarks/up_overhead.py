"""``golive up --no-serve examples/house_prices`` beside the same search written directly with scikit-learn."""

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.process import run
from benchmarks.result import spread

RUNS = 3
ROOT = Path(__file__).parents[1]


def measure() -> dict[str, object]:
    """Interleave both; every run starts from nothing."""
    mine, direct = [], []
    for _ in range(RUNS):
        direct.append(run([sys.executable, str(ROOT / "benchmarks" / "house_prices_by_hand.py")], ROOT)[0])
        with tempfile.TemporaryDirectory() as name:
            shutil.copy(ROOT / "examples" / "house_prices" / "golive.yaml", name)
            mine.append(run([sys.executable, "-m", "golive", "up", "--no-serve", name], Path(name))[0])
    allowed = 1.3 * sorted(direct)[RUNS // 2] + 5
    return {
        "golive_up_s": spread(mine, 1),
        "scikit_learn_by_hand_s": spread(direct, 1),
        "median_ratio": round(sorted(mine)[RUNS // 2] / sorted(direct)[RUNS // 2], 2),
        "allowed_s": round(allowed, 1),
        "within": sorted(mine)[RUNS // 2] <= allowed,
        "note": "by hand: read, split, the same 3 candidates and grids, 5 folds, refit, test RMSE; no cleaning report, "
        "conversion, proof, intervals, HTML report or gate",
    }
