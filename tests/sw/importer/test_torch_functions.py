"""Functions of PyTorch in a forward method, of inputs and of constants, against PyTorch itself."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.torch_forward import module_of

from celosia.importer.torch import from_module

X = np.random.default_rng(7).normal(0, 1, (40, 12)).astype(np.float32)

#: Name -> (torch, x of [n, 12], w of [12, 6], b of [6]) -> y.
FORWARDS = {
    "split": lambda torch, x, w, b: torch.cat(x.split(5, 1), 1) @ w,
    "split with sizes": lambda torch, x, w, b: torch.cat(x.split([3, 9], 1), 1) @ w,
    "chunk": lambda torch, x, w, b: torch.cat(x.chunk(3, 1), 1) @ w,
    "parts of constants": lambda torch, x, w, b: x @ torch.cat(w.split(4, 0), 0),
    "select": lambda torch, x, w, b: x @ w + w.select(0, 1),
    "unbind": lambda torch, x, w, b: x @ w + w.unbind(0)[2],
    "transpose": lambda torch, x, w, b: x @ w.transpose(0, 1).t(),
    "permute": lambda torch, x, w, b: x @ w.permute(1, 0).permute(1, 0),
    "expand": lambda torch, x, w, b: x @ w + b[:1].expand(6),
    "addmm": lambda torch, x, w, b: torch.addmm(b, x, w),
    "mm": lambda torch, x, w, b: torch.mm(x, w),
    "bmm of constants": lambda torch, x, w, b: x @ (w @ w.t()),
    "sum of constants": lambda torch, x, w, b: x @ (w + 2) + (b - 1),
    "product of constants": lambda torch, x, w, b: x @ (w * b) + b / 3,
    "negative": lambda torch, x, w, b: -(x @ w),
    "less a constant": lambda torch, x, w, b: (x @ w - b) / 2,
    "from a constant": lambda torch, x, w, b: 1 - x @ w,
    "norm": lambda torch, x, w, b: x @ (w / w.norm(dim=0, keepdim=True)),
    "reshape": lambda torch, x, w, b: (x @ w).reshape(-1, 2, 3).flatten(1),
    "view": lambda torch, x, w, b: x.view(-1, 3, 4).reshape(-1, 12) @ w,
    "squeeze": lambda torch, x, w, b: (x @ w).unsqueeze(1).squeeze(1),
    "index": lambda torch, x, w, b: (x @ w)[:, 1:5],
    "index_select": lambda torch, x, w, b: x @ w.index_select(1, torch.tensor([5, 0, 2])),
    "relu6": lambda torch, x, w, b: torch.nn.functional.relu6(x @ w),
    "hardtanh": lambda torch, x, w, b: torch.nn.functional.hardtanh(x @ w, -1.0, 2.0),
    "clamp": lambda torch, x, w, b: torch.clamp(x @ w, min=0.0, max=3.0),
    "expand of a value": lambda torch, x, w, b: (x @ w).expand(-1, 6),
    "cast of a constant": lambda torch, x, w, b: x @ w.double().float(),
    "integers": lambda torch, x, w, b: x @ w + torch.ones(6, dtype=torch.int32).float(),
    "clamp from above": lambda torch, x, w, b: torch.clamp(x @ w, max=0.5),
    "ones": lambda torch, x, w, b: x @ w + torch.ones(6) + torch.full((6,), 0.5),
    "weights of norm 1": lambda torch, x, w, b: x @ torch._weight_norm(w, b, 1),
    "mean of constants": lambda torch, x, w, b: x @ (w - w.mean(0)) + w.sum(0) + w.amax(0),
    "round": lambda torch, x, w, b: torch.round(x) @ w,
    "rrelu": lambda torch, x, w, b: torch.nn.functional.rrelu(x @ w),
    "masked_fill": lambda torch, x, w, b: x @ w.masked_fill(w > 0.2, 0.0),
    "three views": lambda torch, x, w, b: (x @ w).view(-1, 2, 3).transpose(1, 2).flatten(1),
    "leaky_relu": lambda torch, x, w, b: torch.nn.functional.leaky_relu(x @ w, 0.2),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_it_is_that_of_pytorch(name):
    needs("torch")
    import torch

    module = module_of(lambda torch, x, w, b, k: FORWARDS[name](torch, x, w, b))
    with torch.no_grad():
        real = module(torch.tensor(X)).numpy()
    found = from_module(module, torch.tensor(X)).forward(X)
    assert np.abs(found - real).max() < 1e-5
