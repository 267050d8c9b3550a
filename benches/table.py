#!/usr/bin/env python3
"""Runs programs in turns and prints a Markdown table of medians.

    benches/table.py --rounds 5 "Segscope, f32 = segscope bench --model-size tiny --precision f32 --runs 3 --json" \
                                "PyTorch = python3 torch_baseline.py --model tiny --runs 3"

Each program is a name and a command; the command prints one JSON object with `total_ms` or `step_ms`, and perhaps
`peak_rss_mib`, as its last line. The ratio is the median, over the rounds, of a program's time divided by that of the
first program in the same round, because machines vary from minute to minute. Needs Python 3 alone.
"""
import argparse
import json
import shlex
import statistics
import subprocess
import sys


def measure(command):
    """Time in ms and peak memory in MiB (or None) that a command prints."""
    run = subprocess.run(shlex.split(command), capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{command}\nended with {run.returncode}: {run.stderr.strip()}")
    measured = json.loads(run.stdout.strip().splitlines()[-1])
    return measured.get("total_ms", measured.get("step_ms")), measured.get("peak_rss_mib")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("programs", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    programs = [tuple(part.strip() for part in program.split("=", 1)) for program in options.programs]
    rounds = [[measure(command) for _, command in programs] for _ in range(options.rounds)]
    print("| program | ms, median | lowest | highest | ratio | peak memory MiB |")
    print("|---|---|---|---|---|---|")
    for i, (name, _) in enumerate(programs):
        times = [measured[i][0] for measured in rounds]
        ratio = statistics.median(measured[i][0] / measured[0][0] for measured in rounds)
        memory = [measured[i][1] for measured in rounds if measured[i][1] is not None]
        most = max(memory) if memory else ""
        print(f"| {name} | {statistics.median(times):.0f} | {min(times):.0f} | {max(times):.0f} | {ratio:.2f} | {most} |")


if __name__ == "__main__":
    main()
