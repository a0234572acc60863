"""Run benchmarks: `python -m benchmarks [NAME…] [--json FILE]`. A missed bar is shown, no error."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.measure import LeftOutError, Result, measure
from benchmarks.report import as_json, table
from benchmarks.suite import BENCHMARKS


def main() -> None:
    """Run the benchmarks named on the command line, or all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    options = parser.parse_args()
    unknown = set(options.names).difference(names)
    if unknown:
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}; there are {names}")

    results, left_out = run(options.names or names)
    print(table(results))
    if options.json:
        options.json.write_text(as_json(results, left_out), encoding="utf-8")


def run(names: list[str]) -> tuple[list[Result], dict[str, str]]:
    """Run the named benchmarks; give results, and the reason for each that was left out."""
    results, left_out = [], {}
    for benchmark in BENCHMARKS:
        if benchmark.name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="qxub-") as directory:
            try:
                results.append(measure(benchmark, Path(directory)))
            except LeftOutError as reason:
                left_out[benchmark.name] = str(reason)
                print(f"{benchmark.name} was left out: {reason}")
    return results, left_out


if __name__ == "__main__":
    main()
