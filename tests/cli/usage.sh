# usage.sh: wrong usage is exit code 2 with a reason and where to look; nothing is touched.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf 'hello\n' >file

run mmf
run mmf frobnicate
run mmf "$(printf 'a\033[31mb\n')"
run mmf --frobnicate
run mmf read
run mmf read file other
run mmf read file --att 1
run mmf read file --si
run mmf read file --si 2
run mmf read file --si=2
run mmf read file --siz
run mmf read --js file -o out
run mmf read file --hel
run mmf read file --size 2 --at 1 --size 3
run mmf read file --json --json -o out
run mmf read file -o a --output b
run mmf read file -x
run mmf read file --at
run mmf read file --json=yes
run mmf read file --at ''
run mmf read file --at -1
run mmf read file --at 1.5K
run mmf read file --at 4Q
run mmf read file --at 0x10K
run mmf read file --at 0x
run mmf read file --at ' 1'
run mmf read file --at 18446744073709551616
run mmf read file --at 16E
run mmf read file --json
run mmf read file --json -o -
run mmf write
run mmf write file -i a --text b
run mmf write file --at x
run mmf write file --text x --sparse
run mmf dump
run mmf dump file --width 0
run mmf dump file --width 257
run mmf status
run mmf status --bogus file
run mmf touch
run mmf evict
run mmf pin
run mmf pin file --seconds forever
run mmf pin file --seconds 1.5s
run mmf pin file --seconds -1
run mmf --version x
run mmf --help read x
run mmf help nothing
run cat file
