"""Which form of a layer is exact, and which is quick."""

from celosia.network.layers import AveragePool, Convolution, Depthwise, Layer, Pad
from celosia.spec import Config

__all__ = ["is_convolution", "moves_only", "pads_itself"]


def moves_only(layer: Layer) -> bool:
    """Whether its bytes are those of its inputs."""
    return layer.table is None and layer.clamp == (-128, 127)


def pads_itself(layer: Layer, pad: Pad) -> bool:
    """Whether a padding before the layer can be its own."""
    if layer.input_shape != pad.output_shape:
        return False  # it sees the pixels in other lines
    if isinstance(layer, AveragePool):
        h, w, _ = layer.input_shape
        sizes = zip(layer.output_size, layer.stride, layer.kernel, (h, w), strict=True)
        inside = all((n - 1) * s + k <= limit for n, s, k, limit in sizes)
        return inside and tuple(layer.padding) == (0, 0)
    return isinstance(layer, Convolution | Depthwise | Pad)


def is_convolution(layer: Depthwise, config: Config) -> bool:
    """Whether a CONVOLUTION does it in fewer cycles than DEPTHWISE, or at all."""
    kh, kw, n = layer.weights.shape
    c = layer.input_shape[2]
    if c == 1:
        return True
    if n == c or not config.depthwise:
        return False
    words = config.words(c)
    return config.tiles(n) * kh * kw * c < (n // c) * words * max(kh * kw, config.rows)
