"""Random layers on maps and the loops of their walks, to check the blocks of the feeder with."""

from collections.abc import Iterator

import numpy as np

from celosia.spec import MAP_DESCRIPTOR, Config, Op, pack_descriptor
from celosia_hw.layouts import active_layer

__all__ = ["layer", "operand_issue", "operands_of", "origins_of", "packed", "steps"]

_MOST = (1 << 17) - 1


def layer(rng: np.random.Generator, config: Config, **fields: int) -> dict[str, int]:
    """A legal descriptor, and what a run adds to it (`celosia_hw.layouts.active_layer`).

    Loops are short; all other fields take any values. ``fields`` replace any of it.
    """

    def up_to(most: int) -> int:
        return int(rng.integers(1, most + 1))

    # With small steps taps are inside the map and out of it; with any, seldom inside.
    small = rng.random() < 0.6

    def any_of(bits: int) -> int:
        return int(rng.integers(1 << (min(2, bits) if small else bits)))

    depthwise = config.depthwise and rng.random() < 0.4
    rows = up_to(config.rows)
    width = up_to(12)
    values = {
        "op": Op.DEPTHWISE if depthwise else Op.CONVOLUTION,
        "waits": any_of(1),
        "tiles": up_to(3),
        "kernel_y": up_to(3),
        "kernel_x": up_to(3),
        "kernel_rest": up_to(3),
        "tap_words": 1 if depthwise else up_to(3),
        "tail": 1 if depthwise else up_to(config.lanes),
        "weight_stride": up_to(40),
        "weights": int(rng.integers(config.weight_depth)),
        "steps": up_to(4),
        "images": int(rng.random() < 0.3),
        "rows_used": rows,
        "rows_full": any_of(2) if rows > 1 else 9,
        "height": up_to(12),
        "width": width,
        "x_last": int(rng.integers(width)),
        "outside": int(rng.choice([0, 128, 255])),
        "wait": int(rng.choice([0, 3, 1000, _MOST - 2])),
    }
    for name, bits in {
        "from_input": 1,
        "skip": 1,
        "start": 16,
        "pixel_x": 9,
        "pixel_bytes": 16,
        "row_y": 9,
        "row_x": 9,
        "row_bytes": 16,
        "wrap_y": 9,
        "wrap_x": 9,
        "wrap_bytes": 16,
        "corner_y": 9,
        "corner_x": 9,
        "line_y": 9,
        "line_bytes": 16,
        "tap_x": 9,
        "tap_bytes": 16,
        "wait_step": 16,
    }.items():
        values[name] = any_of(bits)
    of_run = {
        "base": int(rng.integers(config.act_depth)),
        "images_less_1": int(rng.integers(config.rows)),
        "run_skip": int(rng.random() < 0.8),
    }
    return values | of_run | fields


def packed(values: dict[str, int], config: Config) -> int:
    """`celosia_hw.layouts.active_layer` of a `layer`."""
    layout = active_layer(config)
    descriptor = dict(values)
    base, images, skip = (descriptor.pop(n) for n in ("base", "images_less_1", "run_skip"))
    run = layout.const({"base": base, "images": images, "skip": skip}).as_bits()
    bits = int.from_bytes(pack_descriptor(**descriptor), "little") & (1 << MAP_DESCRIPTOR.width) - 1
    return run | bits << layout["descriptor"].offset


def origins_of(values: dict[str, int], config: Config) -> list[list[tuple[int, int, int]]]:
    """(y, x, address) of every row that is used, pixel by pixel."""
    d = values
    start = d["start"] + (d["base"] * config.slots if d["from_input"] else 0)
    rows = [(0, 0, start % (1 << 16))]
    used = d["images_less_1"] + 1 if d["images"] else d["rows_used"]
    row_step = (0, 0, 0) if d["images"] else (d["row_y"], d["row_x"], d["row_bytes"])
    while len(rows) < used:
        rows.append(_advance(d, rows[-1], row_step))
    found = [rows]
    while len(found) < d["steps"]:
        step = (0, d["pixel_x"], d["pixel_bytes"])
        found.append([_advance(d, row, step) for row in found[-1]])
    return found


def _advance(d: dict[str, int], here: tuple, step: tuple) -> tuple[int, int, int]:
    wraps = here[1] + step[1] > d["x_last"]
    wrap = (d["wrap_y"], d["wrap_x"], d["wrap_bytes"]) if wraps else (0, 0, 0)
    y, x, address = (sum(each) for each in zip(here, step, wrap, strict=True))
    return y % 512, x % 512, address % (1 << 16)


def steps(values: dict[str, int], config: Config) -> Iterator[dict[str, int]]:
    """Fields of every `celosia_hw.layouts.step` of a `layer`."""
    d, lanes = values, config.lanes
    depthwise = d["op"] == Op.DEPTHWISE
    may_skip = d["skip"] and d["run_skip"] and not depthwise
    for i, rows in enumerate(origins_of(d, config)):
        y, x, address = rows[0]
        for t in range(d["tiles"]):
            weights = d["weights"] + t * d["weight_stride"]
            for ky in range(d["kernel_y"]):
                taps = d["kernel_rest"] if ky else d["kernel_x"]
                for kx in range(taps):
                    for j in range(d["tap_words"]):
                        tap_end = j == d["tap_words"] - 1
                        last = tap_end and ky == d["kernel_y"] - 1 and kx == taps - 1
                        offset = ky * d["line_bytes"] + kx * d["tap_bytes"]
                        offset += (j + (t if depthwise else 0)) * config.slots
                        dy = (d["corner_y"] + ky * d["line_y"]) % 512
                        dx = (d["corner_x"] + kx * d["tap_x"]) % 512
                        outside = (y + dy) % 512 >= d["height"] or (x + dx) % 512 >= d["width"]
                        need = d["wait"] + i * d["wait_step"] + j + (t if depthwise else 0) + 1
                        src = (address + offset) % (1 << 16) // config.slots
                        count = d["tail"] if tap_end else lanes
                        yield {
                            "src": src % (1 << (config.act_depth - 1).bit_length()),
                            "weights": weights % (1 << (config.weight_depth - 1).bit_length()),
                            "last": int(last),
                            "bytes": (1 << count) - 1,
                            "skip": int(may_skip and not outside),
                            "drop": int(may_skip and outside and not d["outside"]),
                            "step_end": int(last and t == d["tiles"] - 1),
                            "offset": offset % (1 << 16),
                            "dy": dy,
                            "dx": dx,
                            "need": min(need, _MOST) if d["waits"] else 0,
                        }
                        weights += count


def operand_issue(rng: np.random.Generator, config: Config) -> tuple[dict, dict]:
    """Random fields of `celosia_hw.layouts.issue` and `celosia_hw.layouts.origins`.

    Of a row in which the tap is inside, the address is that of a byte that exists, of DEPTHWISE the
    first one of a word.
    """
    depthwise = int(config.depthwise and rng.random() < 0.4)
    height, width = (int(n) for n in rng.integers(1, 257, 2))
    issue = {
        "last": int(rng.integers(2)),
        "step_end": int(rng.integers(2)),
        "offset": int(rng.integers(1 << 16)),
        "dy": int(rng.integers(512)),
        "dx": int(rng.integers(512)),
        "weights": int(rng.integers(config.weight_depth)),
    }
    rows = []
    for _ in range(config.rows):
        word, byte = rng.integers(config.act_depth), rng.integers(config.lanes)
        address = int(word) * config.slots + (0 if depthwise else int(byte))
        # Inside more often than not, and on the edge.
        y = int(rng.choice([0, height - 1, height, 511, rng.integers(height)]))
        x = int(rng.choice([0, width - 1, width - 1, width, rng.integers(width)]))
        rows.append(
            {
                "y": (y - issue["dy"]) % 512,
                "x": (x - issue["dx"]) % 512,
                "address": (address - issue["offset"]) % (1 << 16),
            }
        )
    layer = {"height": height, "width": width, "outside": int(rng.integers(256))}
    if config.depthwise:
        layer["depthwise"] = depthwise
    return issue, {"rows": rows} | layer


def operands_of(issue: dict, origins: dict, activations: np.ndarray, config: Config) -> np.ndarray:
    """int [rows], with `Config.depthwise` [rows, cols]: what each row or cell multiplies.

    ``activations`` : [rows, act_depth, lanes].
    """
    found = []
    for row, origin in enumerate(origins["rows"]):
        y = (origin["y"] + issue["dy"]) % 512
        x = (origin["x"] + issue["dx"]) % 512
        word, byte = divmod((origin["address"] + issue["offset"]) % (1 << 16), config.slots)
        if y >= origins["height"] or x >= origins["width"]:
            u = [origins["outside"]] * config.cols
        elif origins.get("depthwise"):
            u = [activations[row, word, col % config.lanes] for col in range(config.cols)]
        else:
            u = [activations[row, word, byte]] * config.cols
        found.append(u if config.depthwise else u[0])
    return np.array(found)
