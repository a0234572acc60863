from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.measure import Result, at_least, at_most
from benchmarks.report import HEADINGS, as_json, table

QUICK = Result("quick", "work", "peer", 5, 0.001, 0.002, 0.5, at_most(0.75), 0.1234, met=True)
SLOW = Result("slow", "much more work", "peer", 5, 3.0, 2.0, 0.67, at_least(1.0), 0.0, met=False)


def test_table_has_a_line_for_each_result_under_its_headings() -> None:
    head, quick, slow, note = table([QUICK, SLOW]).splitlines()
    assert " ".join(head.split()) == " ".join(HEADINGS)
    assert " ".join(quick.split()) == "quick work peer 1.0 2.0 0.50 <= 0.75 of its time 12% yes"
    assert " ".join(slow.split()).endswith("3000.0 2000.0 0.67 >= 1.00 of its throughput 0% NO")
    assert head.index("peer") == quick.index("peer") == slow.index("peer")
    assert "interquartile" in note


def test_json_holds_the_same_figures_and_what_was_left_out() -> None:
    report = json.loads(as_json([QUICK], {"other": "no ssh"}))
    (result,) = report["results"]
    assert (result["name"], result["ratio"], result["met"]) == ("quick", 0.5, True)
    assert report["left_out"] == {"other": "no ssh"}
    assert report["machine"]["cpus"] >= 1


def test_unknown_name_is_a_usage_error_that_lists_the_known_ones() -> None:
    argv = [sys.executable, "-m", "benchmarks", "nothing"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "'help', 'connect'" in ended.stderr
