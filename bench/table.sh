#!/bin/sh
# Makes the Markdown table of bench/results.json: one row for each target, or with --all for each result.
set -eu

all=false
if [ "${1:-}" = --all ]; then
    all=true
    shift
fi
if [ $# -gt 1 ] || [ "${1:-}" = --help ]; then
    echo "usage: bench/table.sh [--all] [RESULTS]"
    [ "${1:-}" = --help ]
    exit
fi
results=${1:-$(dirname "$0")/results.json}

jq -r --argjson all "$all" '
    # Three significant digits, thousands with a comma.
    def comma: tostring | if length > 3 then (.[:-3] | comma) + "," + .[-3:] else . end;
    def figure:
        if . == null then ""
        elif . >= 100 then round | comma
        elif . == 0 then "0"
        else (log10 | floor) as $e | pow(10; 2 - $e) as $p | (. * $p | round / $p | tostring) end;
    def spread(low; high): if low == null then "" else " (\(low | figure) to \(high | figure))" end;
    def value: "\(.value | figure) \(.unit)\(spread(.low; .high))";
    # A program without spread of its ratio says nothing about it.
    def ratio: if .ratio == null then ""
               else "\(.ratio | figure)x\(spread(.ratio_low; .ratio_high)) of \(.ratio_to)" end;
    def yes: if . == null then "" elif . then "yes" else "**no**" end;
    def by_check: . as $one | .checks[] | . as $check
        | ($one.results[] | select(.what == $check.what)) as $result
        | if $check.of == "ratio"
          then "| \($check.what) | \($result | value) | \($result | ratio) | \($check.bound) \($check.limit | figure)x | \($check.met | yes) |"
          else "| \($check.what) | \($result | value) | \($result | ratio) | \($check.bound) \($check.limit | figure) \($result.unit) | \($check.met | yes) |"
          end;
    def by_result: .results[] | "| \(.what) | \(value) | \(ratio) | | |";

    "\(.machine.cpu), \(.machine.cores) cores, \(.machine.memory), \(.machine.kernel), \(.machine.file_system); "
    + "revision \(.revision), \(.date); median (quartiles)."
    + (if any(.benchmarks[]; .quick == true) then " **Made with --quick: not a measurement.**" else "" end)
    + (if any(.benchmarks[]; .optimized == false) then " **Built without optimization.**" else "" end),
    "",
    "| what | time or rate | ratio in the same round | target | met |",
    "|---|---|---|---|---|",
    (.benchmarks[]
        | select($all or (.target != null))
        | "| *\(.question)* | | | | \(.met | yes) |",
          (if $all then by_result
           elif (.checks // []) | length > 0 then by_check
           else by_result end))
' "$results"
