"""A kernel and its place in memory as the fields of a descriptor."""

import numpy as np

from celosia.spec import PARTS, Config, ceil_div
from celosia.spec.maps import ADDRESS_BITS, COORDINATE_BITS, NEED_BITS
from celosia.support.errors import CelosiaError

from .kernel import Kernel, Program
from .plan import Plan
from .windows import is_whole, pixels_read, row_steps

__all__ = ["walk"]

_SIDE, _ADDRESS, _WAIT = 1 << COORDINATE_BITS, 1 << ADDRESS_BITS, (1 << NEED_BITS) - 1
#: Lines and pixels of a map, at most.
_MOST = 256
#: Lines and taps of a kernel, at most: 8 bits.
_TAPS = 255


def walk(program: Program, plan: Plan, config: Config, index: int) -> dict[str, int]:
    """The fields of the descriptor of kernel ``index``, but those of constant memories.

    Raises
    ------
    CelosiaError : a map, kernel, stride or padding beyond the fields, naming the layer.
    """
    kernel = program.kernels[index]
    source, place = program.maps[kernel.source], plan.ranges[kernel.source]
    assert place is not None
    whole = is_whole(kernel, source, config)
    if not whole:
        _check(kernel)
    (sh, sw), (dh, dw), (top, left) = kernel.stride, kernel.dilation, kernel.padding
    pixel = source.pixel_slots(config)
    line, slots = kernel.source_size[1] * pixel, config.slots
    steps, width = row_steps(kernel.pixels, config, plan.images), kernel.size[1]
    down, right = (0, 0) if plan.images else divmod(steps, width)
    back = 0 if plan.images else place.row_words * slots
    size = kernel.tap_bytes(config) * (source.pixels if whole else 1)
    taps = (1, 1) if whole else kernel.taps
    words = ceil_div(size, config.lanes)
    depthwise = kernel.op.name == "DEPTHWISE"
    fields = {
        "from_input": int(kernel.source == 0),
        "images": int(plan.images),
        "skip": int(_may_skip(kernel, program, plan, config, whole)),
        "start": (place.base + place.halo + kernel.first) * slots - top * line - left * pixel,
        "pixel_x": sw,
        "pixel_bytes": sw * pixel,
        "row_y": down * sh,
        "row_x": right * sw,
        "row_bytes": 0 if plan.images else down * sh * line + right * sw * pixel - back,
        "wrap_y": sh,
        "wrap_x": -width * sw,
        "wrap_bytes": sh * line - width * sw * pixel,
        "x_last": (width - 1) * sw,
        "height": 1 if whole else kernel.source_size[0],
        "width": 1 if whole else kernel.source_size[1],
        "kernel_y": taps[0],
        "kernel_x": taps[1],
        "kernel_rest": taps[1] if kernel.other is None else kernel.other_taps,
        "tap_words": 1 if depthwise else words,
        "tail": 1 if depthwise else size - (words - 1) * config.lanes,
        "corner_y": -top,
        "corner_x": -left,
        "line_y": dh,
        "line_bytes": dh * line,
        "tap_x": dw,
        "tap_bytes": dw * pixel,
        "outside": kernel.outside,
        "steps": steps,
        "rows_used": 0 if plan.images else ceil_div(kernel.pixels, steps),
        "rows_full": 0 if plan.images else (kernel.pixels - 1) % steps + 1,
        "weight_stride": kernel.weight_stride(config),
    }
    if kernel.other is not None:
        fields["line_bytes"] = _distance(kernel, plan) * slots
    fields |= _result(kernel, program, plan, config, steps)
    fields |= _waits(program, plan, config, index, whole)
    return _wrapped(kernel, fields)


def _check(kernel: Kernel) -> None:
    """Coordinates of 9 bits must tell inside from outside."""
    for what, values, most in (
        ("kernel", kernel.taps, _TAPS),
        ("stride", kernel.stride, _SIDE - 1),
        ("dilation", kernel.dilation, _SIDE - 1),
    ):
        if max(values) > most:
            raise CelosiaError(
                f"{what} {list(values)} exceeds {most}", where=kernel.name, todo=_TODO
            )
    for axis, what in enumerate(("lines", "pixels a line")):
        limit = kernel.source_size[axis]
        if limit > _MOST:
            raise CelosiaError(
                f"a map of {limit} {what} exceeds {_MOST}", where=kernel.name, todo="split the map"
            )
        first = -kernel.padding[axis]
        reach = (kernel.size[axis] - 1) * kernel.stride[axis]
        last = first + reach + (kernel.taps[axis] - 1) * kernel.dilation[axis]
        if first < limit - _SIDE or max(last, reach) >= _SIDE:
            raise CelosiaError(
                f"its windows reach from {first} to {last} of {limit} {what}, "
                f"beyond {limit - _SIDE}..{_SIDE - 1}",
                where=kernel.name,
                todo="use less padding, stride or dilation",
            )


def _may_skip(kernel: Kernel, program: Program, plan: Plan, config: Config, whole: bool) -> bool:
    """Whether all rows read the same words, and words are what was stored as one."""
    source = program.maps[kernel.source]
    linear = not source.packed or whole or source.packed % config.lanes == 0
    return (plan.images or config.rows == 1) and kernel.op.name == "CONVOLUTION" and linear


def _distance(kernel: Kernel, plan: Plan) -> int:
    """Words from a pixel of the first source to the same pixel of the other, in every row."""
    assert kernel.other is not None
    one, two = plan.ranges[kernel.source], plan.ranges[kernel.other[0]]
    assert one is not None and two is not None and one.row_words == two.row_words
    return two.base + two.halo + kernel.other[1] - one.base - one.halo - kernel.first


def _result(
    kernel: Kernel, program: Program, plan: Plan, config: Config, steps: int
) -> dict[str, int]:
    result, place = program.maps[kernel.result], plan.ranges[kernel.result]
    first = (kernel.corner[0] * kernel.whole[1] + kernel.corner[1]) * result.words
    column = kernel.size[1] == 1
    pitch = result.words * (kernel.whole[1] if column else 1)
    fields = {
        "result_pixel": pitch,
        "result_row": result.size(config) if plan.images else steps * pitch,
        "tiles": kernel.tiles(config),
        "store": int(place is not None),
    }
    if place is None:
        return fields
    return fields | {
        "dst": place.base,
        "row_words": place.row_words,
        "halo": place.halo + kernel.result_first + first,
        "length": place.length,
    }


def _waits(program: Program, plan: Plan, config: Config, index: int, whole: bool) -> dict[str, int]:
    """How far the kernel before must be ahead of this one, in result words of one row."""
    kernel, before = program.kernels[index], program.kernels[index - 1] if index else None
    if before is None or not _reads(kernel, before, config):
        return {}
    source = program.maps[before.result]
    pixel_words = before.result_words(config)
    if whole:
        # Word j of the map is no row's (j + 1)th result, but one of those before.
        return {"waits": 1, "wait": 0, "wait_step": pixel_words}
    pixel, inside = pixels_read(kernel)
    made = row_steps(before.pixels, config, plan.images)
    own = row_steps(kernel.pixels, config, plan.images)
    needed = np.where(inside, pixel % made, -1).max(axis=1)
    lead = int((needed - np.arange(kernel.pixels) % own).max()) + 1
    everything = before.pixels != source.pixels or lead >= made > 1
    wait = _WAIT if everything else max(lead - 1, 0) * pixel_words
    return {"waits": 1, "wait": min(wait, _WAIT), "wait_step": pixel_words}


def _reads(kernel: Kernel, before: Kernel, config: Config) -> bool:
    """Whether it reads words that the kernel before it makes."""
    size = ceil_div(kernel.tap_bytes(config), config.lanes)
    made = before.result_first, before.result_first + before.result_words(config)
    reads = [(kernel.source, kernel.first)] + ([kernel.other] if kernel.other else [])
    return any(
        m == before.result and first < made[1] and made[0] < first + size for m, first in reads
    )


def _wrapped(kernel: Kernel, fields: dict[str, int]) -> dict[str, int]:
    """Coordinates and addresses modulo their width; everything else has to fit."""
    widths = {field.name: field.width for field in PARTS[kernel.op].fields}
    for name, width in widths.items():
        value = fields.get(name, 0)
        if name in _COORDINATES and -_SIDE < value < _SIDE:
            fields[name] = value % _SIDE
        elif name in _ADDRESSES:
            fields[name] = value % _ADDRESS
        elif not 0 <= value < 1 << width:
            raise CelosiaError(
                f"{name} = {value} does not fit a descriptor, at most {(1 << width) - 1} does",
                where=kernel.name,
                todo=_TODO,
            )
    return fields


_TODO = "use a smaller kernel, stride or map"
_COORDINATES = {"row_y", "row_x", "wrap_y", "wrap_x", "corner_y", "corner_x"}
_ADDRESSES = {
    "start", "pixel_bytes", "row_bytes", "wrap_bytes", "line_bytes", "tap_bytes",
    "result_row", "row_words", "halo",
}  # fmt: skip
