# truncated.sh: the exact byte where the file ends is told by every way of reading, and no signal ends the program.
. "$(dirname "$0")/common.sh"

end=$((10 * $(getconf PAGESIZE)))
run 0 truncated cut.dat
says "another process has cut the file from 1048576 to $end bytes"
says "$end bytes are read, byte $end is not: the file ends there"
says "the raw pointer got as far as byte $end: the file ends there"
says "the sum of all bytes is $end"
says "mmf_view_check afterwards, and mmf_view_close: MMF_EFAULT, MMF_EFAULT"
length cut.dat "$end"
[ "$(tr -d '\001' <cut.dat | wc -c)" -eq 0 ] || fail "what is left of the file has changed"

run 1 truncated cut.dat
length cut.dat "$end"
run 2 truncated
