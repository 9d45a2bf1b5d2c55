# empty.sh: an empty file is a file like any other.
. "$MMF_CLI_SUPPORT/dialogue.sh"
: >empty
run mmf read empty
run mmf read empty --at 0 --size 0
run mmf read empty --at 1
run mmf read empty -o out
run stat -c '%n %s' out
run mmf write empty --text ''
run mmf write empty --text x
run mmf dump empty
run mmf dump empty --json
run mmf status empty
run mmf touch empty
run mmf pin empty --seconds 0
run mmf write empty --text x --grow
run cat empty
