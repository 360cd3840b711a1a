"""Trains a small convolutional network on scikit-learn's digits and makes a bundle of it."""

import sys

import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import nn

import golive

EPOCHS = 12
BATCH = 64


def network(width: int = 32) -> nn.Module:
    """Give an untrained network for images [rows, 1, 8, 8] with values of 0 to 16, which gives ten logits."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(2 * width * 4, 10),
    )


def fit(
    module: nn.Module, images: torch.Tensor, digits: torch.Tensor, *, epochs: int = EPOCHS, rate: float = 3e-3
) -> nn.Module:
    """Train a network in place."""
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    module.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(images[rows]), digits[rows]).backward()
            optimizer.step()
    return module


def as_images(pixels: pd.DataFrame) -> torch.Tensor:
    """Turn the table's 64 columns into what the network reads."""
    return torch.tensor(pixels.to_numpy("float32")).reshape(-1, 1, 8, 8)


def rows() -> list[tuple[pd.DataFrame, pd.Series]]:
    """Give images and digits three times: to train on, to choose a smaller network by, and to test it in the end."""
    pixels, digits = load_digits(return_X_y=True, as_frame=True)
    digits.name = "digit"
    order = pixels.sample(frac=1.0, random_state=0).index
    return [(pixels.loc[some], digits.loc[some]) for some in (order[:900], order[900:1500], order[1500:])]


def main(home: str | None = None) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    (x_train, y_train), _, (x_test, y_test) = rows()
    module = fit(network(), as_images(x_train), torch.tensor(y_train.to_numpy()))
    bundle = golive.package(
        golive.network(module, gives="logits", classes=range(10), shape=(1, 8, 8)),
        sample=x_train,
        target=y_train,
        name="digits",
        home=home,
    )
    evidence = golive.evaluate(bundle, x_test, y_test)
    print(f"{bundle} has an accuracy of {evidence['accuracy']:.3f} on {evidence.evidence.rows} images it never saw")


if __name__ == "__main__":
    main(*sys.argv[1:])
