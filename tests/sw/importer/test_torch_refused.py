"""What a PyTorch model may ask for that no engine computes is refused, by its true reason."""

import pytest
from tests.helpers.judges import needs
from tests.helpers.torch_forward import module_of

from celosia.importer.torch import from_module
from celosia.support.errors import CelosiaError

#: What the error says -> (torch, x of [n, 12], w of [12, 6], b of [6], map of [n, 2, 3, 2] of x,
#: kernel of [3, 2, 1, 1]) -> y.
REFUSED = {
    "argument alpha = 2 is not supported": lambda t, x, w, b, m, k: t.addmm(b, x, w, alpha=2),
    "it has no running statistics": lambda t, x, w, b, m, k: t.nn.functional.batch_norm(
        m, None, None, training=True
    ),
    "batch_norm.* in training mode": lambda t, x, w, b, m, k: t.nn.functional.batch_norm(
        m, t.zeros(2), t.ones(2), training=True
    ),
    "dropout.* in training mode": lambda t, x, w, b, m, k: t.nn.functional.dropout(
        x, training=True
    ),
    "across the batch axis": lambda t, x, w, b, m, k: x.reshape(-1),
    r"expand.* of \[1\] to \[24\]": lambda t, x, w, b, m, k: x[:, :1].expand(-1, 24),
    "a constant of .* to": lambda t, x, w, b, m, k: x @ b.expand(90000, 6)[:12],
    "to int32; only float32 is computed": lambda t, x, w, b, m, k: x.int(),
    "rounding_mode = floor": lambda t, x, w, b, m, k: t.div(x, 2, rounding_mode="floor"),
    "softmax.* over axis 0": lambda t, x, w, b, m, k: t.softmax(x, 0),
    "softmax.* does not depend on the input": lambda t, x, w, b, m, k: x @ t.softmax(w, 0),
    "along axis 0 in parts of 5": lambda t, x, w, b, m, k: x.split(5, 0)[0],
    "unbind.* along axis 0": lambda t, x, w, b, m, k: x.unbind(0)[0],
    "argument ord = 1 is not supported": lambda t, x, w, b, m, k: x @ (w / w.norm(1, dim=0)),
    "it changes a buffer of the model": lambda t, x, w, b, m, k: x + b.add_(1).sum(),
    "a product of two tensors": lambda t, x, w, b, m, k: x.reshape(-1, 3, 4) @ x.reshape(-1, 4, 3),
    "this operator is not supported": lambda t, x, w, b, m, k: t.cumsum(x, 1),
    "input_scale = 2": lambda t, x, w, b, m, k: t.ops.aten.elu(x, 1, 1, 2),
    "threshold = 3 is not supported": lambda t, x, w, b, m, k: t.nn.functional.softplus(x, 1, 3),
    "decimals = 2 is not supported": lambda t, x, w, b, m, k: t.round(x, decimals=2),
    "rrelu.* in training mode": lambda t, x, w, b, m, k: t.nn.functional.rrelu(x, training=True),
    "a transposed convolution": lambda t, x, w, b, m, k: t.ops.aten.convolution(
        m, k.transpose(0, 1), None, [1, 1], [0, 0], [1, 1], True, [0, 0], 1
    ),
    "argument dilation = ": lambda t, x, w, b, m, k: t.max_pool2d(m, (2, 1), dilation=2),
    "divisor_override = 3": lambda t, x, w, b, m, k: t.nn.functional.avg_pool2d(
        m, 2, divisor_override=3
    ),
    "which has no batch axis before it": lambda t, x, w, b, m, k: t.nn.functional.avg_pool2d(
        x.reshape(-1, 3, 4), 2
    ),
    "windows of unequal sizes": lambda t, x, w, b, m, k: t.nn.functional.adaptive_avg_pool2d(m, 2),
    "not all pixels of a map": lambda t, x, w, b, m, k: m.mean(3),
    "amax.*not all pixels of a map": lambda t, x, w, b, m, k: m.amax(3),
    "mode = reflect": lambda t, x, w, b, m, k: t.nn.functional.pad(m, (1, 1, 1, 1), mode="reflect"),
    "a border of 2, not of zeros": lambda t, x, w, b, m, k: t.nn.functional.pad(m, (1, 1), value=2),
    "a negative border": lambda t, x, w, b, m, k: t.nn.functional.pad(m, (-1, 0)),
    "a border around the channels": lambda t, x, w, b, m, k: t.nn.functional.pad(
        m, (1, 1, 1, 1, 1, 1)
    ),
    "weights of norm 0": lambda t, x, w, b, m, k: x @ t._weight_norm(w * 0, b, 1),
    "a constant of shape": lambda t, x, w, b, m, k: x @ t.zeros(12, 90000),
    "argument dtype = int32 is not supported": lambda t, x, w, b, m, k: t.softmax(
        x, 1, dtype=t.int32
    ),
    "torch.export fails: Length of pad must be even": lambda t, x, w, b, m, k: (
        t.ops.aten.constant_pad_nd(x, [1, 1, 1])
    ),
    "argument output_padding is not supported": lambda t, x, w, b, m, k: t.ops.aten.convolution(
        m, k, None, [1, 1], [0, 0], [1, 1], False, [1, 1], 1
    ),
    "it leaves out images of the batch": lambda t, x, w, b, m, k: x[1:],
    "it chooses images of the batch": lambda t, x, w, b, m, k: x.select(0, 1),
    "moves the batch axis": lambda t, x, w, b, m, k: x.t(),
    "was changed in place by": lambda t, x, w, b, m, k: _changed_behind_a_view(x),
    "two branches": lambda t, x, w, b, m, k: x[:, :6] * (x @ w),
    "exponent is not one constant number": lambda t, x, w, b, m, k: (x @ w) ** b,
    r"its result does not depend on the input": lambda t, x, w, b, m, k: w * 2,
}


def _changed_behind_a_view(x):
    y = x * 2
    view = y[:, :6]
    y.add_(1)
    return view


@pytest.mark.parametrize("reason", REFUSED)
def test_the_reason_is_said(reason):
    needs("torch")
    import torch

    def forward(torch, x, w, b, k):
        return REFUSED[reason](torch, x, w, b, x.reshape(-1, 2, 3, 2), k)

    with pytest.raises(CelosiaError, match=reason):
        from_module(module_of(forward), torch.zeros(4, 12))
