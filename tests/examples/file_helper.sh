# file_helper.sh: the bytes are where the program says, in a file beyond 4 GiB, and every refusal is the right one.
. "$(dirname "$0")/common.sh"

if ! truncate -s 5G probe 2>output; then
    echo "skipped: there are no sparse files of 5 GiB here"
    exit 77
fi
size=5368709120
run 0 file_helper helper.dat 5120
says "$size bytes, through a window of 8 MiB"
grep -q "return what was never given .*MMF_EINVAL" output || fail "a foreign pointer"
[ "$(grep -c "MMF_EACCESS" output)" -eq 2 ] || fail "two refusals of a read-only file"
grep -q "reference one byte too many .*MMF_ERANGE" output || fail "beyond the end"
grep -q "reference 9 MiB of the 8 .*MMF_EBUDGET" output || fail "beyond the budget"
[ "$(grep -c " done$" output)" -eq 13 ] || fail "thirteen calls that work"

# Nothing but the two texts was written: all bytes that are not zero, and where they are.
length helper.dat "$size"
[ "$(bytes helper.dat $((size / 2 - 4)) 9)" = "00 57 49 4e 44 4f 57 00 00" ] || fail "the middle of the file"
[ "$(bytes helper.dat $((size - 5)) 5)" = "00 45 4e 44 2e" ] || fail "the end of the file"
[ "$(du -k helper.dat | cut -f 1)" -le 1024 ] || fail "the file has lost its holes"

# A file that exists is refused and stays as it is; so is a size that is none.
run 1 file_helper helper.dat 16
says "MMF_EEXISTS"
length helper.dat "$size"
run 2 file_helper other.dat 15
run 2 file_helper
says "usage:"
[ ! -e other.dat ] || fail "a file of a size that was refused"

# The smallest size, where the middle lies inside one piece.
run 0 file_helper small.dat 16
[ "$(bytes small.dat 8388605 6)" = "57 49 4e 44 4f 57" ] || fail "the middle of the small file"
