# growing_file.sh: the file has the lengths the program promises, and every refusal is the right one.
. "$(dirname "$0")/common.sh"

run 0 growing_file grown.dat
says "grown.dat is 0 bytes long"
says "grown.dat is 100 bytes long"
says "grown.dat is 10000 bytes long"
grep -q "map all of it, with capacity 0 .*the file is empty and no capacity was given" output || fail "empty file"
grep -q "map it for reading, with capacity 100 .*an argument is wrong" output || fail "a read-only map cannot grow"
grep -q "write it one byte further .*out of range" output || fail "the view ends at 100"
grep -q "shrink the map below that view .*a live view is in the way" output || fail "shrinking"
[ "$(grep -c "the access is not allowed" output)" -eq 3 ] || fail "three refusals of a read-only map"

length grown.dat 10000
{ head -c 95 /dev/zero; printf hello; head -c 9900 /dev/zero; } >wanted
cmp wanted grown.dat || fail "the bytes of the file"

# A file that exists is refused and stays as it is.
run 1 growing_file grown.dat
says "File exists"
cmp wanted grown.dat || fail "the second run changed the file"
run 2 growing_file
says "usage:"
