#!/bin/sh
# Runs every benchmark, one after the other, and writes bench/results.json and, from it, the Markdown table.
set -eu

usage() {
    cat <<'END'
usage: bench/run.sh [--quick] [--rounds N] [--directory DIR] [--build DIR] [--output FILE] [PROGRAM...]

Runs the benchmarks (all, or those named) one after the other on this machine, writes their answers to
bench/results.json and prints the Markdown table that bench/table.sh makes of it.

  --quick          small sizes and few rounds: to see that everything works, not to measure
  --rounds N       measured rounds of every program
  --directory DIR  where test files are made; should be on a disk
  --build DIR      a build of this project (default: build/release, which is made if it is not there)
  --output FILE    where the answers go (default: bench/results.json)
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
build=
output=$root/bench/results.json
directory=
rounds=
quick=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick ;;
    --rounds | --directory | --build | --output)
        if [ $# -lt 2 ]; then
            usage >&2
            exit 2
        fi
        case $1 in
        --rounds) rounds=$2 ;;
        --directory) directory=$2 ;;
        --build) build=$2 ;;
        --output) output=$2 ;;
        esac
        shift
        ;;
    --help)
        usage
        exit 0
        ;;
    -*)
        usage >&2
        exit 2
        ;;
    *) break ;;
    esac
    shift
done

if ! command -v jq >/dev/null; then
    echo "bench/run.sh needs jq (Debian: apt-get install jq)" >&2
    exit 1
fi

if [ -z "$build" ]; then
    build=$root/build/release
    (cd "$root" && cmake --preset release && cmake --build --preset release) >&2
fi

if [ $# -eq 0 ]; then
    for source in "$root"/bench/*.c; do
        name=$(basename "$source" .c)
        [ "$name" = support ] || set -- "$@" "$name"
    done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

where=${directory:-${TMPDIR:-/var/tmp}}
revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
file_system=$(df --output=fstype "$where" 2>/dev/null | tail -n 1)
number=0
for name in "$@"; do
    number=$((number + 1))
    echo "[$number of $#] $name" >&2
    status=0
    "$build/bench/$name" ${quick:+"$quick"} ${rounds:+--rounds "$rounds"} ${directory:+--directory "$directory"} \
        >"$work/answer" || status=$?
    if [ $status -eq 77 ]; then
        echo "skipped: $name" >&2
        continue
    fi
    if [ $status -ne 0 ]; then
        echo "bench/run.sh: $name failed with $status" >&2
        exit 1
    fi
    jq --arg program "$name" '{program: $program} + .' "$work/answer" >>"$work/answers"
done
if [ ! -s "$work/answers" ]; then
    echo "bench/run.sh: nothing was measured" >&2
    exit 1
fi

# The machine is the same for all; its load is that of each program's own time and stays with it.
jq -s --arg date "$(date -u +%Y-%m-%d)" --arg revision "$revision" --arg file_system "$file_system" \
    --arg memory "$(awk '/^MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo)" \
    '{date: $date, revision: $revision,
      machine: ((.[0].machine | del(.load)) + {memory: $memory, file_system: $file_system}),
      benchmarks: map(. + {load: .machine.load} | del(.machine))}' "$work/answers" >"$work/results"
mv "$work/results" "$output"
echo "written: $output" >&2
"$root/bench/table.sh" "$output"
