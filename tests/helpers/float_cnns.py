"""Random float CNNs as PyTorch, Keras and ONNX write them: one description, three files."""

import io
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "Cnn",
    "keras_model",
    "onnx_bytes",
    "random_cnn",
    "saved_keras",
    "torch_bytes",
    "torch_module",
]

ACTIVATIONS = ("relu", "relu6", "leaky", "sigmoid", "tanh", "silu", "elu", "gelu", "hardswish")


@dataclass
class Cnn:
    """Layers (kind, options) of a map (channels, *sizes); `same` and the like are resolved by
    whoever builds it."""

    shape: tuple[int, ...]
    layers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def random_cnn(rng: np.random.Generator, common: bool = False) -> Cnn:
    """A CNN of two to eight layers; with ``common`` only what all three frameworks have."""
    axes = int(rng.choice([1, 2, 2]))
    shape = (int(rng.integers(1, 5)), *(int(n) for n in rng.integers(6, 12, axes)))
    made, now = Cnn(shape), list(shape)
    for _ in range(rng.integers(1, 6)):
        made.layers += _block(rng, now, axes, common)
    made.layers += _head(rng, now)
    return made


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    fan = max(1, int(np.prod(shape[1:])))
    return rng.normal(0, 1.2 / np.sqrt(fan), shape).astype(np.float32)


def _conv(rng, now: list[int], axes: int, common: bool, same: bool = False) -> dict[str, Any]:
    """A convolution; changes the shape ``now`` to that of its result."""
    c, size = now[0], min(now[1:])
    k = int(rng.choice([1, 3])) if same else int(rng.integers(1, min(4, size) + 1))
    d = int(rng.choice([1, 1, 2])) if (k - 1) * 2 < size and not same else 1
    s = 1 if same or (common and d > 1) else int(rng.choice([1, 1, 2]))
    p = k // 2 if same else int(rng.integers(0, 2))
    kind = rng.choice(["plain", "plain", "grouped", "depthwise"])
    groups = c if kind == "depthwise" else (2 if kind == "grouped" and c % 2 == 0 else 1)
    n = c if same else int(rng.integers(1, 4)) * groups
    bias = rng.normal(0, 0.3, n).astype(np.float32) if rng.random() < 0.7 else None
    for axis in range(1, axes + 1):
        now[axis] = (now[axis] + 2 * p - d * (k - 1) - 1) // s + 1
    now[0] = n
    weights = _normal(rng, n, c // groups, *[k] * axes)
    return dict(weights=weights, bias=bias, stride=s, dilation=d, padding=p, groups=groups)


def _norm(rng, channels: int) -> dict[str, Any]:
    values = [rng.uniform(0.5, 1.5, channels).astype(np.float32) for _ in range(4)]
    return dict(gamma=values[0], beta=values[1] - 1, mean=values[2] - 1, variance=values[3])


def _block(rng, now: list[int], axes: int, common: bool) -> list[tuple[str, dict[str, Any]]]:
    size, kind = min(now[1:]), rng.choice(["conv", "conv", "pool", "residual", "concat", "pad"])
    if kind == "conv" or size < 3:
        layers = [("conv", _conv(rng, now, axes, common))]
        if rng.random() < 0.5:
            layers.append(("norm", _norm(rng, now[0])))
    elif kind == "pool":
        k, s = int(rng.integers(2, 4)), int(rng.integers(1, 3))
        p, ceil = (0, False) if common else (int(rng.integers(0, 2)), bool(rng.random() < 0.3))
        counts = [-(-(n + 2 * p - k) // s) + 1 for n in now[1:]]
        # onnxruntime does not agree with ONNX about last windows that begin in the padding.
        if any((count - 1) * s >= n + p for n, count in zip(now[1:], counts, strict=True)):
            ceil = False
        now[1:] = counts if ceil else [(n + 2 * p - k) // s + 1 for n in now[1:]]
        layers = [
            (
                str(rng.choice(["max", "average"])),
                dict(kernel=k, stride=s, padding=p, ceil=ceil, counted=bool(rng.random() < 0.5)),
            )
        ]
    elif kind == "residual":
        inner = _conv(rng, now, axes, common, same=True)
        layers = [("residual", dict(conv=inner, norm=_norm(rng, now[0])))]
    elif kind == "concat":
        before = now[0]
        inner = _conv(rng, now, axes, common, same=True)
        now[0] += before
        layers = [("concat", dict(conv=inner))]
    else:
        pads = [[int(n) for n in rng.integers(0, 3, 2)] for _ in range(axes)]
        for axis, (begin, end) in enumerate(pads, 1):
            now[axis] += begin + end
        layers = [("pad", dict(pads=pads))]
    if rng.random() < 0.7:
        layers.append(("activation", dict(name=str(rng.choice(ACTIVATIONS)))))
    return layers


def _head(rng, now: list[int]) -> list[tuple[str, dict[str, Any]]]:
    kind, n = rng.choice(["none", "mean", "flatten"]), int(rng.integers(1, 6))
    if kind == "none":
        return []
    width = now[0] if kind == "mean" else int(np.prod(now))
    bias = rng.normal(0, 0.3, n).astype(np.float32)
    layers = [(str(kind), {}), ("dense", dict(weights=_normal(rng, n, width), bias=bias))]
    return layers + ([("softmax", {})] if n > 1 and rng.random() < 0.4 else [])


def torch_module(cnn: Cnn) -> Any:
    """As a PyTorch module in evaluation mode."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    axes = len(cnn.shape) - 1

    def conv(options: dict[str, Any]) -> nn.Module:
        w = torch.tensor(options["weights"])
        kind = nn.Conv1d if axes == 1 else nn.Conv2d
        made = kind(
            w.shape[1] * options["groups"], w.shape[0], tuple(w.shape[2:]), options["stride"],
            options["padding"], options["dilation"], options["groups"],
            options["bias"] is not None,
        )  # fmt: skip
        made.weight.data = w
        if options["bias"] is not None:
            made.bias.data = torch.tensor(options["bias"])
        return made

    def norm(options: dict[str, Any]) -> nn.Module:
        made = (nn.BatchNorm1d if axes == 1 else nn.BatchNorm2d)(len(options["mean"]), eps=1e-3)
        made.weight.data, made.bias.data, made.running_mean, made.running_var = (
            torch.tensor(options[key]) for key in ("gamma", "beta", "mean", "variance")
        )
        return made

    functions = {
        "relu": F.relu, "relu6": F.relu6, "leaky": lambda x: F.leaky_relu(x, 0.1),
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "silu": F.silu, "elu": F.elu,
        "gelu": F.gelu, "hardswish": F.hardswish,
    }  # fmt: skip

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList()
            for kind, options in cnn.layers:
                own = [conv(options)] if kind == "conv" else []
                own += [norm(options)] if kind == "norm" else []
                own += [conv(options["conv"])] if "conv" in options else []
                own += [norm(options["norm"])] if "norm" in options else []
                if kind == "dense":
                    own = [nn.Linear(*options["weights"].shape[::-1])]
                    own[0].weight.data = torch.tensor(options["weights"])
                    own[0].bias.data = torch.tensor(options["bias"])
                self.parts.append(nn.ModuleList(own))

        def forward(self, x):
            for (kind, options), own in zip(cnn.layers, self.parts, strict=True):
                if kind in ("conv", "norm", "dense"):
                    x = own[0](x)
                elif kind == "activation":
                    x = functions[options["name"]](x)
                elif kind == "residual":
                    x = x + own[1](own[0](x))
                elif kind == "concat":
                    x = torch.cat([own[0](x), x], 1)
                elif kind == "pad":
                    x = F.pad(x, [n for pair in options["pads"][::-1] for n in pair])
                elif kind == "max":
                    pool = F.max_pool1d if axes == 1 else F.max_pool2d
                    x = pool(x, options["kernel"], options["stride"], options["padding"],
                             ceil_mode=options["ceil"])  # fmt: skip
                elif kind == "average":
                    pool = F.avg_pool1d if axes == 1 else F.avg_pool2d
                    x = pool(x, options["kernel"], options["stride"], options["padding"],
                             options["ceil"], options["counted"])  # fmt: skip
                elif kind == "mean":
                    x = x.mean(tuple(range(2, axes + 2)))
                elif kind == "flatten":
                    x = x.flatten(1)
                else:
                    x = torch.softmax(x, -1)
            return x

    return Net().eval()


def torch_bytes(cnn: Cnn, module: Any) -> bytes:
    """What `torch.export.save` writes of `torch_module`."""
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (torch.zeros(2, *cnn.shape),)), file)
    return file.getvalue()


def keras_model(cnn: Cnn) -> Any:
    """As a functional Keras model, channels last."""
    import keras
    from keras import layers as L

    axes = len(cnn.shape) - 1

    def of(name: str) -> Any:
        return getattr(L, f"{name}{axes}D")

    def padded(x: Any, p: int) -> Any:
        return of("ZeroPadding")(p)(x) if p else x

    def conv(x: Any, options: dict[str, Any]) -> Any:
        w, same = options["weights"], options["stride"] == 1
        k, p, d = w.shape[2], options["padding"], options["dilation"]
        same = same and p > 0 and 2 * p == d * (k - 1)
        x = x if same else padded(x, p)
        more = dict(strides=options["stride"], dilation_rate=d, padding="same" if same else "valid",
                    use_bias=options["bias"] is not None)  # fmt: skip
        channels, first = options["groups"], (*range(2, axes + 2), 1, 0)
        if channels == x.shape[-1] > 1:
            layer = of("DepthwiseConv")(k, depth_multiplier=len(w) // channels, **more)
            kernel = w.reshape(channels, -1, *w.shape[2:]).transpose(*range(2, axes + 2), 0, 1)
        else:
            layer, kernel = of("Conv")(len(w), k, groups=channels, **more), w.transpose(first)
        y = layer(x)
        layer.set_weights([kernel] if options["bias"] is None else [kernel, options["bias"]])
        return y

    def norm(x: Any, options: dict[str, Any]) -> Any:
        layer = L.BatchNormalization(epsilon=1e-3)
        y = layer(x)
        layer.set_weights([options[key] for key in ("gamma", "beta", "mean", "variance")])
        return y

    names = {"leaky": lambda: L.LeakyReLU(0.1), "hardswish": lambda: L.Activation("hard_swish")}
    x = entry = keras.Input((*cnn.shape[1:], cnn.shape[0]))
    for kind, options in cnn.layers:
        if kind == "conv":
            x = conv(x, options)
        elif kind == "norm":
            x = norm(x, options)
        elif kind == "dense":
            layer = L.Dense(len(options["bias"]))
            x = layer(x)
            layer.set_weights([options["weights"].T, options["bias"]])
        elif kind == "activation":
            name = options["name"]
            x = names[name]()(x) if name in names else L.Activation(name)(x)
        elif kind == "residual":
            x = L.Add()([x, norm(conv(x, options["conv"]), options["norm"])])
        elif kind == "concat":
            x = L.Concatenate()([conv(x, options["conv"]), x])
        elif kind == "pad":
            pads = options["pads"][0] if axes == 1 else options["pads"]
            x = of("ZeroPadding")(tuple(map(tuple, pads)) if axes == 2 else tuple(pads))(x)
        elif kind in ("max", "average"):
            pool = of("MaxPooling" if kind == "max" else "AveragePooling")
            x = pool(options["kernel"], options["stride"])(x)
        elif kind == "mean":
            x = of("GlobalAveragePooling")()(x)
        elif kind == "flatten":
            # In the order of channels first, as the dense weights are.
            x = L.Flatten()(L.Permute((axes + 1, *range(1, axes + 1)))(x))
        else:
            x = L.Softmax()(x)
    return keras.Model(entry, x)


def saved_keras(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def onnx_bytes(cnn: Cnn) -> bytes:
    """As an ONNX model, channels first."""
    from onnx import helper, numpy_helper

    axes = len(cnn.shape) - 1
    nodes: list[Any] = []
    tensors: list[Any] = []

    def constant(value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.asarray(value), f"c{len(tensors)}"))
        return tensors[-1].name

    def add(op: str, inputs: list[str], **attributes: Any) -> str:
        output = f"t{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [output], name=f"n{len(nodes)}", **attributes))
        return output

    def conv(x: str, options: dict[str, Any]) -> str:
        w, p = options["weights"], options["padding"]
        inputs = [x, constant(w)] + ([] if options["bias"] is None else [constant(options["bias"])])
        return add("Conv", inputs, strides=[options["stride"]] * axes, pads=[p] * 2 * axes,
                   dilations=[options["dilation"]] * axes, group=options["groups"],
                   kernel_shape=list(w.shape[2:]))  # fmt: skip

    def norm(x: str, options: dict[str, Any]) -> str:
        keys = ("gamma", "beta", "mean", "variance")
        return add("BatchNormalization", [x, *(constant(options[k]) for k in keys)], epsilon=1e-3)

    operators = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "Elu", "gelu": "Gelu",
                 "hardswish": "HardSwish"}  # fmt: skip
    x = "input"
    for kind, options in cnn.layers:
        if kind == "conv":
            x = conv(x, options)
        elif kind == "norm":
            x = norm(x, options)
        elif kind == "dense":
            x = add("Gemm", [x, constant(options["weights"]), constant(options["bias"])], transB=1)
        elif kind == "activation":
            name = options["name"]
            if name == "silu":
                x = add("Mul", [x, add("Sigmoid", [x])])
            elif name == "relu6":
                x = add("Clip", [x, constant(np.float32(0)), constant(np.float32(6))])
            elif name == "leaky":
                x = add("LeakyRelu", [x], alpha=0.1)
            else:
                x = add(operators[name], [x])
        elif kind == "residual":
            x = add("Add", [x, norm(conv(x, options["conv"]), options["norm"])])
        elif kind == "concat":
            x = add("Concat", [conv(x, options["conv"]), x], axis=1)
        elif kind == "pad":
            begin, end = zip(*options["pads"], strict=True)
            x = add("Pad", [x, constant(np.array([0, 0, *begin, 0, 0, *end], np.int64))])
        elif kind in ("max", "average"):
            more = {} if kind == "max" else {"count_include_pad": int(options["counted"])}
            x = add("MaxPool" if kind == "max" else "AveragePool", [x],
                    kernel_shape=[options["kernel"]] * axes, strides=[options["stride"]] * axes,
                    pads=[options["padding"]] * 2 * axes, ceil_mode=int(options["ceil"]),
                    **more)  # fmt: skip
        elif kind == "mean":
            x = add("Flatten", [add("GlobalAveragePool", [x])])
        elif kind == "flatten":
            x = add("Flatten", [x])
        else:
            x = add("Softmax", [x], axis=-1)
    graph = helper.make_graph(
        nodes,
        "cnn",
        [helper.make_tensor_value_info("input", 1, ["n", *cnn.shape])],
        [helper.make_tensor_value_info(x, 1, None)],
        tensors,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
