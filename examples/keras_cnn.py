"""LeNet-5 in Keras: trained on MNIST, saved, quantized from its file, and run on the RTL.

    python examples/keras_cnn.py [--train 60000] [--test 10000] [--epochs 5] [--model lenet.keras]

Needs `pip install 'celosia[hw,train,keras]' keras jax`. Prints the accuracy of the float and of the
int8 network, and how many of the RTL's bytes differ from the golden model's. Ten minutes on two
cores.
"""

import argparse
import os
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")  # the lightest; any other will do

import keras
from keras import layers

import celosia


def lenet(classes: int) -> keras.Model:
    """For images [28, 28, 1]; gives logits."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(classes),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", type=int, default=60_000, help="images to train on (60000)")
    parser.add_argument("--test", type=int, default=10_000, help="images to test on (10000)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--model", type=Path, default=Path("lenet.keras"), help="file to write")
    parser.add_argument("--rows", type=int, default=16, help="of the engine (16)")
    parser.add_argument("--cols", type=int, default=16, help="of the engine (16)")
    args = parser.parse_args()

    data = celosia.load_mnist()
    x_train, x_test = (
        celosia.scaled(x).reshape(-1, 28, 28, 1)
        for x in (data.x_train[: args.train], data.x_test[: args.test])
    )
    labels = data.y_test[: args.test]

    keras.utils.set_random_seed(1)
    model = lenet(classes=10)
    steps = args.epochs * -(-len(x_train) // 100)
    rate = keras.optimizers.schedules.CosineDecay(0.002, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(x_train, data.y_train[: args.train], 100, args.epochs, verbose=2)
    expected = model.predict(x_test, verbose=0)
    model.save(args.model)

    config = celosia.Config.default(args.rows, args.cols)
    image = celosia.compile(args.model, config, calibration=x_train[:1000])
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
