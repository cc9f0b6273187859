"""A DS-CNN in PyTorch: trained on MNIST, quantized, and run on the RTL.

    python examples/pytorch_cnn.py [--train 60000] [--test 10000] [--epochs 5]

Needs `pip install 'celosia[hw,train,torch]'`. Prints the accuracy of the float and of the int8
network, and how many of the RTL's bytes differ from the golden model's. Ten minutes on two cores.
"""

import argparse

import numpy as np
import torch
from torch import nn

import celosia
from celosia.importer.torch import from_module


def separable(channels: int) -> nn.Sequential:
    """A depthwise and a pointwise convolution, each with its batch normalization."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def ds_cnn(classes: int, channels: int = 32) -> nn.Sequential:
    """For images [1, 28, 28]."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        separable(channels),
        separable(channels),
        nn.MaxPool2d(2),
        separable(channels),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, classes),
    )


def train(model: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int, batch: int = 100) -> None:
    """Adam with one cycle of the learning rate."""
    images, labels = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))
    steps = epochs * -(-len(x) // batch)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps)
    for epoch in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch):
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", type=int, default=60_000, help="images to train on (60000)")
    parser.add_argument("--test", type=int, default=10_000, help="images to test on (10000)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=16, help="of the engine (16)")
    parser.add_argument("--cols", type=int, default=16, help="of the engine (16)")
    args = parser.parse_args()

    data = celosia.load_mnist()
    x_train, x_test = (
        celosia.scaled(x).reshape(-1, 1, 28, 28)
        for x in (data.x_train[: args.train], data.x_test[: args.test])
    )
    labels = data.y_test[: args.test]

    torch.manual_seed(1)
    model = ds_cnn(classes=10)
    train(model, x_train, data.y_train[: args.train], args.epochs)
    model.eval()
    with torch.no_grad():
        expected = model(torch.from_numpy(x_test)).numpy()

    network = celosia.to_network(from_module(model, torch.from_numpy(x_test[:1])), x_train[:1000])
    image = celosia.compile(network, celosia.Config.default(args.rows, args.cols))
    with celosia.open("golden", image) as device:
        golden = device.run(x_test)
    with celosia.open("rtl", image) as device:
        rtl = device.run(x_test)
        cycles = device.counters()["cycles"] / len(x_test)

    print(f"dataset: {data.name}, {len(x_train):,} images to train on, {len(x_test):,} to test on")
    print(f"float accuracy: {(expected.argmax(1) == labels).mean():.2%}")
    print(f"int8 accuracy: {(rtl.argmax(1) == labels).mean():.2%}")
    print(f"bytes that differ from golden: {np.count_nonzero(rtl != golden)} of {rtl.size:,}")
    print(f"cycles per image on {args.rows}x{args.cols}: {cycles:,.1f}")


if __name__ == "__main__":
    main()
