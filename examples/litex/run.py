"""Simulate a LiteX SoC with the engine, and compare every byte with the golden model.

``python examples/litex/run.py [FOLDER]``: compiles a small model, has LiteX write the
SoC's Verilog, and compiles it, the engine's and ``sim.cpp`` with Verilator and ``c++`` in FOLDER.
Needs LiteX: ``pip install litex==2024.12``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from litex.soc.integration.export import get_csr_header
from soc import ENGINE_BASE, RAM_BASE, RAM_BYTES, SimulatedSoC

import celosia
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl.toolchain import find_toolchain
from celosia_hw.axi.engine import axi_verilog

HERE = Path(__file__).resolve().parent
CONFIG = celosia.Config.default(
    1, 4, convolution=0, weight_depth=64, param_depth=8, program_depth=4, act_depth=16, tables=0,
    link_bytes=4,
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


def exchanges() -> list[tuple[bytes, bytes]]:
    """Requests that load two dense layers and run 8 inputs, with the golden model's responses."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=shape) for shape in ((8, 8), (8, 4))]
    biases = [np.zeros(8), np.zeros(4)]
    network = celosia.FloatNetwork.from_arrays(weights, biases, ["relu", "none"])
    image = celosia.compile(celosia.quantize(network, rng.uniform(0, 1, (64, 8))), CONFIG)
    recorder = Recorder()
    device = Device(recorder)
    device.load(image)
    device.run(rng.uniform(0, 1, (8, 8)).astype(np.float32), batch=1)
    return recorder.seen


def header(frames: list[tuple[bytes, bytes]]) -> str:
    """``frames.h``: addresses, and each request and response as 32-bit words."""
    half = RAM_BYTES // 2
    lines = [
        "#include <stdint.h>",
        f"#define ENGINE_BASE {ENGINE_BASE:#x}u",
        f"#define REQUEST_BASE {RAM_BASE:#x}u",
        f"#define RESPONSE_BASE {RAM_BASE + half:#x}u",
        f"#define BUFFER_BYTES {half:#x}u",
        "struct exchange_t { const uint32_t *request; uint32_t request_words;",
        "                    const uint32_t *response; uint32_t response_words; };",
    ]
    rows = []
    for n, frame_and_reply in enumerate(frames):
        row = []
        for name, frame in zip(("request", "response"), frame_and_reply, strict=True):
            words = np.frombuffer(frame, "<u4").tolist()
            values = ", ".join(f"{word:#x}u" for word in words)
            lines.append(f"static const uint32_t {name}_{n}[] = {{{values}}};")
            row += [f"{name}_{n}", str(len(words))]
        rows.append("{" + ", ".join(row) + "}")
    lines.append(f"static const exchange_t exchanges[] = {{{', '.join(rows)}}};")
    return "\n".join(lines) + "\n"


def generate(folder: Path) -> None:
    """Write the Verilog of SoC and engine, and the headers that ``sim.cpp`` includes."""
    (folder / "celosia_axi.v").write_text(axi_verilog(CONFIG))
    soc = SimulatedSoC()
    soc.finalize()
    soc.platform.get_verilog(soc, name="soc").write(str(folder / "soc.v"))
    csr = get_csr_header(soc.csr_regions, soc.constants, with_access_functions=False)
    (folder / "csr.h").write_text(csr)
    (folder / "frames.h").write_text(header(exchanges()))


def build(folder: Path) -> Path:
    """Compile SoC and host; the program's path."""
    os.chdir(folder)  # LiteX looks for the sources that are added to a platform here
    generate(folder)
    tools = find_toolchain()
    verilate = ["--cc", "--top-module", "soc", "--prefix", "Vsoc", "--make", "json"]
    verilate += ["-Wno-lint", "-Wno-style", "-Wno-COMBDLY", "--Mdir", ".", "soc.v", "celosia_axi.v"]
    os.environ["VERILATOR_ROOT"] = str(tools.root)
    subprocess.run([tools.verilator, *verilate], check=True)
    made = json.loads(Path("Vsoc.json").read_text())["sources"]
    sources = [file for files in made.values() for file in files if file.endswith(".cpp")]
    include = tools.root / "include"
    docs = HERE.parents[1] / "docs"
    includes = ["-I.", f"-I{docs}", f"-I{include}", f"-I{include / 'vltstd'}"]
    cxx = [tools.compiler, "-std=gnu++17", "-O1", "-w", *includes]
    subprocess.run(
        [*map(str, cxx), HERE / "sim.cpp", *sources, "-pthread", "-o", "sim"], check=True
    )
    return folder / "sim"


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/litex").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sys.exit(subprocess.run([build(folder)]).returncode)


if __name__ == "__main__":
    main()
