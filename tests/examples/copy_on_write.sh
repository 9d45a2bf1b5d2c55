# copy_on_write.sh: the private view changes, the file and the other view do not.
. "$(dirname "$0")/common.sh"

printf '\000\377ABCDEF' >some.dat
head -c 100000 /dev/urandom >>some.dat
chmod 444 some.dat
cp some.dat copy.dat

run 0 copy_on_write some.dat
grep -qE "^the private view, before a store +00 ff 41 42 43 44 45 46$" output || fail "before the stores"
grep -qE "^the private view, after two stores +ff 00 41 42 43 44 45 46$" output || fail "after the stores"
grep -qE "^another view of the same map +00 ff 41 42 43 44 45 46$" output || fail "the other view"
grep -qE "^the file, after the view was closed +00 ff 41 42 43 44 45 46$" output || fail "the file afterwards"
cmp copy.dat some.dat || fail "the file has changed"

printf '1234567' >short.dat
run 1 copy_on_write short.dat
run 1 copy_on_write missing.dat
run 2 copy_on_write
