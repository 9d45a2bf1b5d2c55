# copy_compare.sh: every copy is its source, of every size and with holes, and the ratios are those of the rates.
# With the argument "large" after the programs' folder it copies a sparse file beyond 4 GiB instead.
large=${2:-}
. "$(dirname "$0")/common.sh"

# ratios: each line's ratio is the rate by mapping, from the line above, divided by its own, and so is the verdict.
ratios() {
    awk '
        / by mapping: / { map = $5; lines++ }
        / blocks of / {
            match($0, /: [0-9.]+ MiB/); own = substr($0, RSTART + 2, RLENGTH - 6) + 0
            match($0, /is [0-9.]+ times as/); ratio = substr($0, RSTART + 3, RLENGTH - 12) + 0
            wanted = map / own; off = ratio / wanted
            if (off < 0.8 || off > 1.25) { print "wrong ratio: " $0; bad = 1 }
            if ((ratio < 29 && !/: not 30 times$/) || (ratio > 31 && !/: 30 times or more$/)) { print "verdict: " $0; bad = 1 }
            blocks++
        }
        END { exit bad || lines != '"$1"' || blocks != 2 * lines }' output || fail "the ratios of $1 sizes"
}

if [ "$large" = large ]; then
    truncate -s 4100M source 2>output || { echo "skipped: there are no sparse files of 4 GiB here"; exit 77; }
    for at in 0 4095 4096 4099; do # in MiB: at both sides of 4 GiB, and at the end
        head -c 1048576 /dev/urandom | dd of=source bs=1M seek=$at conv=notrunc 2>/dev/null
    done
    run 0 copy_compare source copy 4100
    ratios 1
    length copy 4299161600
    cmp source copy || fail "the copy beyond 4 GiB"
    [ "$(du -m copy | cut -f 1)" -le 64 ] || fail "the copy has lost its holes"
    exit 0
fi
head -c 20M /dev/urandom >source
run 0 copy_compare source copy 1 3 20
ratios 3
cmp source copy || fail "the copy"

# A part, and a source with a hole in between, which stays one.
run 0 copy_compare source copy 2
head -c 2M source >wanted
cmp wanted copy || fail "the copy of a part"
truncate -s 40M sparse
head -c 1M source | dd of=sparse bs=1M seek=39 conv=notrunc 2>/dev/null
run 0 copy_compare sparse copy 40
cmp sparse copy || fail "the copy of a sparse file"

# More than there is, nothing at all, and bad arguments.
run 2 copy_compare source copy 21
says "cannot be copied"
run 2 copy_compare missing copy 1
run 2 copy_compare source copy 0
run 2 copy_compare source copy
says "usage:"
