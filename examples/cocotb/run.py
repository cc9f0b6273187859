"""Run the bench beside this file on Icarus; needs `pip install cocotb` and `iverilog`."""

import sys
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner

from celosia.spec import Config
from celosia_hw.array.mac_array import MacArray
from celosia_hw.emit import emit

HERE = Path(__file__).parent


def main() -> None:
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/example")
    build.mkdir(parents=True, exist_ok=True)
    config = Config.default(2, 4, convolution=0)
    (build / "array.v").write_text(emit(MacArray(config), "array"))
    sys.path.insert(0, str(HERE))  # where the simulator finds the bench
    runner = get_runner("icarus")
    runner.build(
        sources=[build / "array.v"], hdl_toplevel="array", build_dir=build, timescale=("1ns", "1ps")
    )
    results = runner.test("bench_array", "array", build_dir=build, results_xml="results.xml")
    tests, failed = get_results(results)
    print(f"{tests} tests, {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
