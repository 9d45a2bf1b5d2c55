# big_sum.sh: the sum is right, and what is mapped stays within the budget, in a process that may not have the file whole.
# With the argument "large" after the programs' folder the file is larger than the memory of this machine instead.
large=${2:-}
. "$(dirname "$0")/common.sh"

# sum FILE: of its 32-bit numbers, by od and awk, whose numbers are exact below 2^53.
sum() {
    od -A n -v -t u4 "$1" | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { printf "%.0f\n", sum }'
}

# place FILE MIB: the piece of data at that MiB of the file, its sum added to the one that is wanted.
total=0
place() {
    head -c 65536 /dev/urandom >piece
    dd if=piece of="$1" bs=1M seek="$2" conv=notrunc 2>/dev/null
    total=$((total + $(sum piece)))
}

# mapped BUDGET: both counts are told, and neither is above it; the system's is there where /proc is.
mapped() {
    says "the budget is $1"
    read -r window system <<END
$(sed -n 's/^mapped at a time, at most: \([0-9]*\) bytes as the window counts, \([0-9]*\) as the system does.*/\1 \2/p' output)
END
    [ "$window" -gt 0 ] && [ "$window" -le "$1" ] || fail "the window has mapped $window bytes"
    [ ! -r /proc/self/maps ] || [ "$system" -gt 0 ] || fail "the system has counted nothing"
    [ "$system" -le "$1" ] || fail "the system has counted $system bytes"
}

if [ "$large" = large ]; then
    memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo 2>output) || memory=
    [ -n "$memory" ] || { echo "skipped: the size of the memory is not known"; exit 77; }
    mib=$((memory + 1024))
    truncate -s "${mib}M" big 2>output || { echo "skipped: there are no sparse files of $mib MiB here"; exit 77; }
    for at in 0 1 4095 4096 $((mib / 2)) $((mib - 1)); do
        place big "$at"
    done
    run 0 big_sum big 16
    says "the sum of the 32-bit numbers in $((mib * 1048576)) bytes is $total"
    mapped 16777216
    exit 0
fi
truncate -s 1G big
for at in 0 1 3 4 511 512 1000 1023; do
    place big "$at"
done
run 0 big_sum big 16
says "the sum of the 32-bit numbers in 1073741824 bytes is $total"
mapped 16777216
run 0 big_sum big 4
says " is $total"
mapped 4194304

# A process with 128 MiB of address space cannot have the file in one view; the window does not care.
if (ulimit -v 131072 && "$programs/text_lines" big >output 2>&1); then
    fail "a view of 1 GiB in 128 MiB of address space"
fi
if grep -q MMF_ENOMEMORY output; then
    code=0
    (ulimit -v 131072 && exec "$programs/big_sum" big 16) >output 2>&1 || code=$?
    [ "$code" -eq 0 ] || fail "exit code $code with 128 MiB of address space"
    says " is $total"
else
    echo "# the address space cannot be limited here: left out" # a sanitizer needs much more by itself
fi

# The last bytes, fewer than a number has, do not count; a file of one number; none.
head -c 100003 /dev/urandom >odd
head -c 100000 odd >even
run 0 big_sum odd 4
says "in 100003 bytes is $(sum even)"
printf '\001\000\000\000' >one
run 0 big_sum one 4
says "in 4 bytes is $(sum one)"
: >empty
run 1 big_sum empty 4
says "MMF_EEMPTY"
run 2 big_sum one 3
run 2 big_sum
says "usage:"
