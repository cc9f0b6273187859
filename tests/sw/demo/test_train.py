"""Training: good enough, repeatable, done once, and honest when it cannot be done."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from celosia.demo import Dataset, load_mnist, scaled
from celosia.demo.digits import load_digits
from celosia.demo.train import train_mlp
from celosia.support.errors import CelosiaError


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def weights(model):
    return b"".join(layer.weights.tobytes() + layer.bias.tobytes() for layer in model.layers)


def test_learns_digits(digits, cache):
    reports = []
    model = train_mlp(digits, progress=lambda *report: reports.append(report))
    assert model.sizes == (784, 128, 64, 10) and model.name == "mlp"
    assert [layer.function.label for layer in model.layers] == ["relu", "relu", "none"]
    accuracy = np.mean(model.predict(scaled(digits.x_test)) == digits.y_test)
    assert accuracy > 0.9
    assert [report[1:] for report in reports] == [(k, 10) for k in range(1, 11)]
    assert all(text.startswith("training, loss 0.") for text, *_ in reports[1:])


def test_learns_mnist(mnist_dir, cache):
    data = load_mnist(mnist_dir)
    model = train_mlp(data, epochs=1)
    assert np.mean(model.predict(scaled(data.x_test)) == data.y_test) > 0.94


def test_matches_scikit_learns_own_prediction(digits, cache, monkeypatch):
    from sklearn.neural_network import MLPClassifier

    nets = []
    original = MLPClassifier.partial_fit

    def spy(self, *args, **kwargs):
        nets.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(MLPClassifier, "partial_fit", spy)
    model = train_mlp(digits, (16,), epochs=2)
    logits = model.forward(scaled(digits.x_test)).astype(float)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    theirs = nets[-1].predict_proba(scaled(digits.x_test))
    np.testing.assert_allclose(softmax, theirs, rtol=1e-3, atol=1e-6)


def test_second_call_reads_the_cache(digits, cache):
    first = train_mlp(digits, (8,), epochs=1)
    (path,) = (cache / "models").iterdir()
    stamp = path.stat().st_mtime_ns

    def never(*_):
        raise AssertionError("trained again")

    assert weights(train_mlp(digits, (8,), epochs=1, progress=never)) == weights(first)
    assert path.stat().st_mtime_ns == stamp


def test_repeatable_and_every_argument_counts(digits, cache, monkeypatch):
    first = train_mlp(digits, (8,), epochs=1)
    arguments = [
        {"hidden": (9,)},
        {"hidden": ()},
        {"epochs": 2},
        {"batch": 16},
        {"batch": 10**6},
        {"seed": 1},
    ]
    for change in arguments:
        assert weights(train_mlp(digits, **{"hidden": (8,), "epochs": 1} | change)) != weights(
            first
        )
    relabelled = Dataset(
        digits.x_train, digits.y_train[::-1], digits.x_test, digits.y_test, "digits", ""
    )
    assert weights(train_mlp(relabelled, (8,), epochs=1)) != weights(first)
    assert len(list((cache / "models").iterdir())) == 2 + len(arguments)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "another")
    assert weights(train_mlp(digits, (8,), epochs=1)) == weights(first)
    assert len(list((cache / "models").iterdir())) == 3 + len(arguments)


def test_images_come_in_another_order_every_epoch(digits, cache):
    from sklearn.neural_network import MLPClassifier

    repeats_its_order = MLPClassifier((8,), batch_size=32, random_state=0)
    for epoch, same in ((1, True), (2, False)):
        repeats_its_order.partial_fit(scaled(digits.x_train), digits.y_train, classes=np.arange(10))
        ours = train_mlp(digits, (8,), epochs=epoch)
        assert np.allclose(ours.layers[0].weights, repeats_its_order.coefs_[0]) == same


def test_damaged_cache_is_trained_again(digits, cache):
    first = train_mlp(digits, (8,), epochs=1)
    (path,) = (cache / "models").iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    assert weights(train_mlp(digits, (8,), epochs=1)) == weights(first)


def test_cache_that_cannot_be_written_is_noticed_before_training(digits, cache):
    cache.write_bytes(b"")

    def never(*_):
        raise AssertionError("trained in vain")

    with pytest.raises(CelosiaError, match=f"{cache}.*cannot write.*set CELOSIA_CACHE"):
        train_mlp(digits, (8,), epochs=1, progress=never)


def test_ctrl_c_keeps_nothing(cache):
    code = """if True:
        import signal
        from celosia.demo.digits import load_digits
        from celosia.demo.train import train_mlp
        signal.signal(signal.SIGINT, signal.default_int_handler)
        report = lambda *_: print("epoch", flush=True)
        train_mlp(load_digits(), epochs=100_000, batch=1, progress=report)
    """
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"CELOSIA_CACHE": str(cache)},
    )
    assert run.stdout.readline() == b"epoch\n"
    time.sleep(0.1)  # into the middle of the next epoch, where scikit-learn would swallow it
    run.send_signal(signal.SIGINT)
    try:
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == -signal.SIGINT and b"KeyboardInterrupt" in errors
    assert not list((cache / "models").iterdir())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"hidden": (8, 0)}, r"hidden: 0 is not an integer in 1\.\."),
        ({"hidden": (8.5,)}, "hidden: 8.5 is not"),
        ({"epochs": 0}, "epochs: 0 is not"),
        ({"batch": -1}, "batch: -1 is not"),
        ({"seed": -1}, r"seed: -1 is not an integer in 0\.\."),
        ({"seed": 1 << 32}, "seed: 4294967296 is not"),
        ({"seed": None}, "seed: None is not"),
    ],
)
def test_arguments_out_of_range(digits, cache, change, words):
    with pytest.raises(CelosiaError, match=words):
        train_mlp(digits, **change)
    assert not cache.exists()


def test_without_scikit_learn(digits, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.neural_network", None)
    with pytest.raises(CelosiaError, match=r"not installed; pip install 'celosia\[train\]'"):
        train_mlp(digits, (8,), epochs=1)

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(CelosiaError, match="training needs scikit-learn"):
        train_mlp(digits, (8,), epochs=1)


def test_importing_does_not_load_scikit_learn():
    code = "import celosia.demo.train, sys; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
