# two_processes.sh: each process reads what the other wrote into the overlap, at its own position.
. "$(dirname "$0")/common.sh"

run 0 two_processes shared.dat
says 'A writes "A was here" at position 1572864 of its view, byte 1572864 of the file'
says 'B reads "A was here" at position 524288 of its view'
says 'B writes "B was here too" at position 524388 of its view, byte 1572964 of the file'
says 'A reads "B was here too" at position 1572964 of its view'

{
    head -c 1572864 /dev/zero
    printf 'A was here'
    head -c 90 /dev/zero
    printf 'B was here too'
    head -c 1572750 /dev/zero
} >wanted
length shared.dat 3145728
cmp wanted shared.dat || fail "the bytes of the file"

run 1 two_processes shared.dat
cmp wanted shared.dat || fail "the second run changed the file"
# B alone does not find the note of A.
head -c 3145728 /dev/zero >empty.dat
run 1 two_processes empty.dat B
run 2 two_processes
