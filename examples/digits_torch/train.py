"""Trains a small convolutional network on scikit-learn's digits and makes a bundle of it."""

import sys

import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import golive

EPOCHS = 12
BATCH = 64


def network(width: int = 16) -> nn.Module:
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
    """Train a network in place; also what fine-tunes one after a part of it was cut away."""
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


def main(home: str | None = None) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pixels, digits = load_digits(return_X_y=True, as_frame=True)
    digits.name = "digit"
    x_train, x_test, y_train, y_test = train_test_split(pixels, digits, test_size=0.3, random_state=0)

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
