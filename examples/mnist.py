"""MNIST from training to the simulated hardware: ``python examples/mnist.py``."""

import numpy as np

import celosia

data = celosia.load_mnist()
model = celosia.train_mlp(data, hidden=(32,), epochs=2)
network = celosia.quantize(model, celosia.scaled(data.x_train[:1000]))
image = celosia.compile(network, celosia.Config.default(4, 8, convolution=0))

x, labels = celosia.scaled(data.x_test[:500]), data.y_test[:500]
with celosia.open("golden", image) as device:
    golden = device.run(x)
with celosia.open("rtl", image) as device:
    scores = device.run(x)
print(f"{data.name}: {np.mean(scores.argmax(1) == labels):.1%} right")
print(f"bytes that differ from golden: {np.count_nonzero(scores != golden)}")
