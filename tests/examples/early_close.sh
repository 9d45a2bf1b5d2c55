# early_close.sh: a view outlives file and map, and what it writes is in the file.
. "$(dirname "$0")/common.sh"

run 0 early_close early.dat
says "the file is closed, right after the map was made"
says "the map is closed, right after its view was opened"
says 'the file says: "written after the map was closed"'
says "the last view read what the first wrote"

{
    head -c 1000 /dev/zero
    printf 'written after the map was closed\000'
    head -c 966 /dev/zero
    printf M
    head -c 2096 /dev/zero
} >wanted
cmp wanted early.dat || fail "the bytes of the file"

run 1 early_close early.dat
says "File exists"
cmp wanted early.dat || fail "the second run changed the file"
run 2 early_close
