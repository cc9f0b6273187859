"""Pictures of waves for docs/waves.md: ``python -m scripts.pages.waves`` simulates and draws them.

A network of two dense layers runs on a 2x4 engine in Amaranth's simulator, whose VCD is read back.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from amaranth.sim import Simulator
from vcd.gtkw import GTKWSave

import celosia
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.spec import Config
from celosia_hw.engine import Engine

__all__ = ["STALLED", "TILE", "Wave", "draw", "pictures", "read", "saved_view", "simulate"]

DOCS = Path(__file__).parents[2] / "docs"
CONFIG = Config.default(
    2, 4, convolution=0, weight_depth=64, param_depth=8, program_depth=4, act_depth=16, tables=0
)
#: (label, path in the VCD) of the signals that are worth seeing, in the order of the data.
#: A ``$`` and a number is what Amaranth adds where a module sees several signals of one name.
TILE = (
    ("walker: issue", "core.feeder.o__valid$18"),
    ("array: operands", "core.array.i__valid"),
    ("array: last operands", "core.array.i__payload.last"),
    ("array: sums captured", "core.array.capturing"),
    ("drain: chain shifts", "core.array.shift"),
    ("drain: beat", "core.drain.o__valid"),
    ("write-back: bytes", "core.writeback.i__valid"),
    ("write-back: word", "core.writeback.results__valid"),
)
STALLED = (
    ("o__valid", "o__valid$34"),
    ("o__ready", "o__ready$32"),
    ("o__payload", "o__payload$30"),
)


@dataclass(frozen=True)
class Wave:
    """A signal's value in each clock cycle."""

    label: str
    values: tuple[int, ...]
    wide: bool


class _Recorder(GoldenTransport):
    """The golden model, which keeps the request frames that it answers."""

    def __init__(self, config: Config):
        super().__init__(config)
        self.frames: list[bytes] = []

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        self.frames += frames
        return super().stream(frames)


def _frames() -> list[bytes]:
    """Requests that load a network and run two images, one in each row."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=shape) for shape in ((8, 8), (8, 4))]
    network = celosia.FloatNetwork.from_arrays(
        weights, [np.zeros(8), np.zeros(4)], ["relu", "none"]
    )
    x = rng.uniform(0.1, 1, (64, 8)).astype(np.float32)
    image = celosia.compile(celosia.quantize(network, x), CONFIG)
    recorder = _Recorder(CONFIG)
    device = Device(recorder)
    device.load(image)
    device.run(x[:2])
    return recorder.frames


def simulate(path: Path, busy: range = range(0)) -> None:
    """Write the VCD of `_frames`; in the cycles ``busy`` of responses the host is not ready."""
    engine = Engine(CONFIG)
    simulator = Simulator(engine)
    simulator.add_clock(1e-6)
    word = CONFIG.link_bytes

    async def host(context) -> None:
        for frame in _frames():
            for at in range(0, len(frame), word):
                data = int.from_bytes(frame[at : at + word], "little")
                last = at + word >= len(frame)
                context.set(engine.i.payload, {"data": data, "last": last})
                context.set(engine.i.valid, 1)
                await context.tick().until(engine.i.ready)
            context.set(engine.i.valid, 0)
        await context.tick().repeat(120)

    async def sink(context) -> None:
        taken = 0
        while True:
            context.set(engine.o.ready, not busy.start <= taken < busy.stop)
            _, _, valid = await context.tick().sample(engine.o.valid)
            taken += valid

    simulator.add_testbench(host)
    simulator.add_testbench(sink, background=True)
    with simulator.write_vcd(str(path)):
        simulator.run()


def read(path: Path, signals: Sequence[tuple[str, str]]) -> list[Wave]:
    """The ``signals``, (label, path), of Amaranth's VCD; a value per cycle, before its edge."""
    names: dict[str, tuple[str, int]] = {}
    changes: dict[str, list[tuple[int, int]]] = {}
    scope: list[str] = []
    time = 0
    for line in path.read_text().splitlines():
        word = line.split()
        if not word:
            continue
        if word[0] == "$scope":
            scope.append(word[2])
        elif word[0] == "$upscope":
            scope.pop()
        elif word[0] == "$var":
            names.setdefault(".".join([*scope[2:], word[4].lstrip("\\")]), (word[3], int(word[2])))
        elif line[0] == "#":
            time = int(line[1:])
        elif line[0] in "01":
            changes.setdefault(line[1:], []).append((time, int(line[0])))
        elif line[0] == "b":
            changes.setdefault(word[1], []).append((time, int(word[0][1:], 2)))
    edges = [at for at, value in changes[names["clk"][0]] if value]
    found = []
    for label, name in signals:
        code, width = names[name]
        values, events, at = [], changes.get(code, []), 0
        for edge in edges:
            while at < len(events) and events[at][0] < edge:
                at += 1
            values.append(events[at - 1][1] if at else 0)
        found.append(Wave(label, tuple(values), width > 1))
    return found


def draw(waves: Sequence[Wave], title: str, first: int = 0, step: int = 26) -> str:
    """Waves as SVG, a cycle ``step`` pixels wide; ``first`` is the number of the first cycle."""
    left, high, row = 190, 18, 32
    cycles = len(waves[0].values)
    width, height = left + cycles * step + 16, 40 + row * len(waves)
    parts = []
    for cycle in range(cycles + 1):
        x = left + cycle * step
        parts.append(f"<path d='M{x} 26 V{height - 6}' stroke='#e0e0e0'/>")
        if cycle < cycles and cycle % 2 == 0:
            parts.append(_text(x + step / 2, 18, str(first + cycle), "middle", "#757575"))
    for at, wave in enumerate(waves):
        top = 32 + at * row
        parts.append(_text(left - 10, top + 14, wave.label, "end", "#212121"))
        parts += (
            _buses(wave, left, top, step) if wave.wide else [_line(wave, left, top, high, step)]
        )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' "
        "font-family='ui-monospace, monospace' font-size='12' role='img'>"
        f"<title>{escape(title)}</title>"
        f"<rect width='{width}' height='{height}' fill='#fafafa' rx='6'/>{''.join(parts)}</svg>\n"
    )


def _line(wave: Wave, left: int, top: int, high: int, step: int) -> str:
    points = []
    for cycle, value in enumerate(wave.values):
        y = top if value else top + high
        points += [f"{left + cycle * step},{y}", f"{left + (cycle + 1) * step},{y}"]
    return f"<polyline points='{' '.join(points)}' fill='none' stroke='#5e35b1' stroke-width='2'/>"


def _buses(wave: Wave, left: int, top: int, step: int) -> list[str]:
    parts, start = [], 0
    values = wave.values
    for cycle in range(1, len(values) + 1):
        if cycle == len(values) or values[cycle] != values[start]:
            x, long = left + start * step, (cycle - start) * step
            parts.append(
                f"<rect x='{x}' y='{top}' width='{long}' height='18' fill='#e3f2fd' "
                "stroke='#1e88e5'/>"
            )
            text = f"{values[start]:x}"
            if len(text) * 8 < long:
                parts.append(_text(x + long / 2, top + 13, text, "middle", "#212121"))
            start = cycle
    return parts


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    return f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='{colour}'>{escape(text)}</text>"


def window(waves: Sequence[Wave], start: int, cycles: int) -> list[Wave]:
    """``cycles`` cycles of ``waves`` from ``start`` on."""
    return [Wave(w.label, w.values[start : start + cycles], w.wide) for w in waves]


def pictures(folder: Path) -> dict[str, str]:
    """The files of docs/waves and their text; VCD files are written to ``folder``."""
    simulate(folder / "tile.vcd")
    tile = read(folder / "tile.vcd", TILE)
    valid, last = tile[1].values, tile[2].values
    # Payloads count while they are valid.
    tile[2] = Wave(tile[2].label, tuple(a & b for a, b in zip(valid, last, strict=True)), False)
    # The tenth word of all responses is offered for four cycles.
    simulate(folder / "stalled.vcd", range(9, 12))
    # Their low bits will do.
    waves = [
        Wave(w.label, tuple(v & 0xFFFF for v in w.values), w.wide)
        for w in read(folder / "stalled.vcd", STALLED)
    ]
    stalled = waves[1].values.index(0, waves[0].values.index(1))
    return {
        "tile.svg": draw(
            window(tile, tile[0].values.index(1) - 1, 46), "Two tiles pass through the engine"
        ),
        "stalled.svg": draw(window(waves, stalled - 3, 12), "A transfer that is stalled", step=50),
    }


def saved_view(vcd: Path) -> str:
    """A view of ``vcd`` for GTKWave: the signals of `TILE` with their labels."""
    text = io.StringIO()
    view = GTKWSave(text)
    view.dumpfile(str(vcd))
    view.treeopen("bench.top.")
    view.trace("bench.top.clk")
    for label, name in TILE:
        # A field of a payload has a name of its own in the VCD, dots included.
        scope, _, last = name.partition("i__payload")
        view.trace(f"bench.top.{scope}" + (f"\\i__payload{last}" if last else ""), alias=label)
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate, and draw the waves of docs/waves.md.")
    parser.add_argument(
        "folder", nargs="?", type=Path, help="keep the VCD files, and a view for GTKWave, there"
    )
    folder = parser.parse_args().folder
    with TemporaryDirectory() as temporary:
        kept = folder or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for name, text in pictures(kept).items():
            path = (folder or DOCS / "waves") / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(path)
        if folder:
            (folder / "tile.gtkw").write_text(saved_view(folder / "tile.vcd"))
            print(folder / "tile.gtkw")


if __name__ == "__main__":
    main()
