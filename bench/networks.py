"""Random convolutional networks in RTL, against LiteRT and the cycle model, on every engine shape.

    python -m bench.networks [--count 40] [--engine 8x8] [--json FILE]

The networks have 2 to 8 operators and branches. Each runs in stripes and with images in the rows.
Exit status 1 when a byte or a counter differs; the line names the network, which repeats it.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

__all__ = ["main"]


def main() -> int:
    """Print a line for each engine; 0 when nothing differs, else 1."""
    from tests.helpers.random_graphs import MAP_CONFIGS

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=40, help="networks for each engine (40)")
    parser.add_argument("--engine", choices=MAP_CONFIGS, help="only this one")
    parser.add_argument("--json", metavar="FILE", help="write the results here")
    args = parser.parse_args()
    figures = {}
    for name in [args.engine] if args.engine else MAP_CONFIGS:
        figures[name] = measure(name, args.count)
        print(_line(name, figures[name]), flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(each["different"] or each["unequal"] for each in figures.values()))


def measure(name: str, count: int) -> dict:
    """What `tests.helpers.rtl_cnns` found on the engine ``name``, and the seconds it took."""
    from tests.helpers.random_graphs import MAP_CONFIGS
    from tests.helpers.rtl_cnns import compare

    from celosia.driver.device import Device
    from celosia.driver.rtl.transport import RtlTransport

    begin = time.perf_counter()
    with Device(RtlTransport(MAP_CONFIGS[name])) as device:
        built = time.perf_counter()
        found = compare(device, count)
    ended = time.perf_counter()
    return asdict(found) | {"built": round(built - begin, 1), "ran": round(ended - built, 1)}


def _line(name: str, f: dict) -> str:
    text = (
        f"{name}: {f['networks']} networks, {f['runs']} runs, {f['bytes']:,} bytes compared, "
        f"{f['different']} differ; {f['counts']} counters compared, {f['unequal']} differ; "
        f"{f['cycles']:,} cycles; {f['built']} s to build, {f['ran']} s to run"
    )
    return f"{text}; first: {f['first']}" if f["first"] else text


if __name__ == "__main__":
    raise SystemExit(main())
