"""Train the demo's float network on handwritten digits."""

import argparse
from typing import TYPE_CHECKING

from . import options
from .console import Console

if TYPE_CHECKING:
    from celosia.demo import Dataset

__all__ = ["add_arguments", "dataset_line", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_data(parser)
    parser.add_argument("--epochs", type=int, default=10, help="passes over the images (10)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and image order (0)")
    options.add_output(parser, "the model, .npz")


def run(args: argparse.Namespace) -> int:
    from celosia.demo import load_mnist, scaled
    from celosia.demo.train import train_mlp

    options.check_outputs(args.output)
    console = Console(args.quiet)
    with console.progress() as progress:
        dataset = load_mnist(args.data, progress)
    console.say(dataset_line(dataset))
    with console.progress() as progress:
        model = train_mlp(dataset, epochs=args.epochs, seed=args.seed, progress=progress)
    right = (model.predict(scaled(dataset.x_test)) == dataset.y_test).mean()
    model.save(args.output)
    sizes = "-".join(map(str, model.sizes))
    console.say(f"{args.output}: network {sizes}, {right:.2%} of the test images right")
    return 0


def dataset_line(dataset: "Dataset") -> str:
    """What the data are; a stand-in for MNIST says so first."""
    count = f"{len(dataset.x_train):,} images to train on, {len(dataset.x_test):,} to test on"
    if dataset.name == "mnist":
        return f"dataset: MNIST, {count}, from {dataset.source}"
    if dataset.name == "digits":
        return f"dataset: NOT MNIST but {dataset.source}: {count}"
    return f"dataset: {dataset.name} (not MNIST), {count}, from {dataset.source}"
