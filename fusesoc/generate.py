"""FuseSoC generator: Verilog of an engine with AXI pins, from the parameters of a core."""

import sys
from pathlib import Path

from fusesoc.capi2.generator import Generator


class AxiEngineGenerator(Generator):
    """Emits ``celosia_axi.v``; the parameters of the core are those of `Config.default`."""

    def run(self) -> None:
        from celosia.spec import Config
        from celosia_hw.axi.engine import AXI_TOP, axi_verilog

        try:
            config = Config.default(**self.config or {})
        except (TypeError, ValueError) as error:
            sys.exit(f"celosia: {error}")
        source = f"{AXI_TOP}.v"
        Path(source).write_text(axi_verilog(config))
        self.add_files([source], file_type="verilogSource")


if __name__ == "__main__":
    # From this checkout, whether it is installed or not.
    root = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(root / "sw"), str(root / "hw")]
    generator = AxiEngineGenerator()
    generator.run()
    generator.write()
