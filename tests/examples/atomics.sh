# atomics.sh: no count is lost, and the sum is in the file.
. "$(dirname "$0")/common.sh"

run 0 atomics counter.dat 3 2 1000000
says "3 processes with 2 threads counted to 6000000 of 6000000"
length counter.dat 4096
[ "$(od -A n -t u8 -j 64 -N 8 counter.dat | tr -d ' ')" -eq 6000000 ] || fail "the number in the file"
[ "$(tr -d '\000' <counter.dat | wc -c)" -le 8 ] || fail "other bytes of the file have changed"

run 1 atomics counter.dat 1 1 1
[ "$(od -A n -t u8 -j 64 -N 8 counter.dat | tr -d ' ')" -eq 6000000 ] || fail "the second run changed the file"
run 2 atomics other.dat 0 1 1
run 2 atomics other.dat 1 1
[ ! -e other.dat ] || fail "a wrong usage left a file"
