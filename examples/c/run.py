"""Build and run the C host beside this file against the simulated AXI engine.

``python examples/c/run.py [FOLDER]``: compiles a small model, writes it as ``model.h``, emits the
engine's Verilog, and compiles all of it with Verilator, ``c++`` and ``cc`` in FOLDER.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import celosia
from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.frames import pad_records
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl.toolchain import find_toolchain
from celosia_hw.axi.engine import AXI_TOP, axi_verilog

HERE = Path(__file__).parent
CONFIG = celosia.Config.default(
    1, 4, convolution=0, weight_depth=64, param_depth=8, program_depth=4, act_depth=16, tables=0,
    link_bytes=8,
)  # fmt: skip


class Recorder(GoldenTransport):
    """The golden model; keeps the frames of requests and responses."""

    def __init__(self):
        super().__init__(CONFIG)
        self.seen: list[tuple[bytes, bytes]] = []

    def stream(self, frames):
        for frame in frames:
            reply = self.model.respond(frame)
            self.seen.append((frame, reply))
            yield [reply]


def model() -> Image:
    """Two dense layers of random weights, for one image at a time."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=shape) for shape in ((8, 8), (8, 4))]
    biases = [np.zeros(8), np.zeros(4)]
    network = celosia.FloatNetwork.from_arrays(weights, biases, ["relu", "none"])
    return celosia.compile(celosia.quantize(network, rng.uniform(0, 1, (64, 8))), CONFIG)


def header(image: Image, inputs: np.ndarray) -> str:
    """``model.h``: the memories' contents, requests' payloads, and the golden model's results."""
    recorder = Recorder()
    device = Device(recorder)
    device.load(image)
    recorder.seen.clear()
    device.run(inputs, batch=1)
    word = CONFIG.link_bytes
    requests = [frame[word:] for frame, _ in recorder.seen]
    results = [reply[:-word] for _, reply in recorder.seen]
    flags = {frame[1] for frame, _ in recorder.seen}
    (flag,) = flags
    sections = {
        memory: (len(image.records(memory)), pad_records(image.records(memory), word))
        for memory in image.sections
        if len(image.records(memory))
    }
    most = max(len(data) for _, data in sections.values())
    lines = ["#include <stdint.h>"]
    for memory, (_, data) in sections.items():
        lines.append(f"static const uint64_t words_{memory.name}[] = {{{_words(data)}}};")
    lines.append(
        "static const struct section { int memory, records, count; const uint64_t *words; } "
        "model_sections[] = {"
    )
    for memory, (records, data) in sections.items():
        lines.append(f"  {{{int(memory)}, {records}, {len(data) // word}, words_{memory.name}}},")
    lines += ["};", f"#define MODEL_SECTIONS {len(sections)}"]
    for name, frames in (("input", requests), ("result", results)):
        count = len(frames[0]) // word
        lines.append(f"#define MODEL_{name.upper()}_WORDS {count}")
        rows = ", ".join(f"{{{_words(frame)}}}" for frame in frames)
        lines.append(
            f"static const uint64_t model_{name}s[][{len(frames[0]) // word}] = {{{rows}}};"
        )
    lines += [
        f"#define MODEL_IMAGES {len(inputs)}",
        f"#define MODEL_FLAGS {flag}",
        f"#define MODEL_MOST_WORDS {max(most, *map(len, requests)) // word}",
    ]
    return "\n".join(lines) + "\n"


def _words(data: bytes) -> str:
    return ", ".join(f"0x{value:x}u" for value in np.frombuffer(data, "<u8").tolist())


def build(folder: Path) -> Path:
    """Compile host and simulation; the program's path."""
    (folder / "engine.v").write_text(axi_verilog(CONFIG))
    x = np.random.default_rng(2).uniform(0, 1, (8, 8)).astype(np.float32)
    (folder / "model.h").write_text(header(model(), x))
    tools = find_toolchain()
    verilate = [
        "--cc",
        "--top-module",
        AXI_TOP,
        "--prefix",
        "Vaxi",
        "--make",
        "json",
        "--quiet-stats",
    ]
    verilate += ["-Wno-lint", "-Wno-style", "--Mdir", ".", "engine.v"]
    os.environ["VERILATOR_ROOT"] = str(tools.root)
    _run([tools.verilator, *verilate], folder)
    made = json.loads((folder / "Vaxi.json").read_text())["sources"]
    sources = [file for files in made.values() for file in files if file.endswith(".cpp")]
    include = tools.root / "include"
    docs = HERE.parents[1] / "docs"
    includes = ["-I.", f"-I{HERE}", f"-I{docs}", f"-I{include}", f"-I{include / 'vltstd'}"]
    _run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *includes, "-c", HERE / "host.c"], folder
    )
    cxx = [tools.compiler, "-std=gnu++17", "-O1", "-w", *includes]
    _run([*cxx, HERE / "sim.cpp", *sources, "host.o", "-pthread", "-o", "host"], folder)
    return folder / "host"


def _run(command: list[object], folder: Path) -> None:
    subprocess.run(list(map(str, command)), cwd=folder, check=True)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/c").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sys.exit(subprocess.run([build(folder)]).returncode)


if __name__ == "__main__":
    main()
