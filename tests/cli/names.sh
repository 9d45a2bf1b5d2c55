# names.sh: names with line feeds, quotes, control characters, bytes that are no UTF-8, a leading dash.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need jq
new_line='two
lines'
quotes='a "quoted" \ name'"'s"
unicode='Grüße 文件 🙂'
direction=$(printf 'abc\342\200\256def')
escape=$(printf 'red\033[31m\177\302\233')
bytes=$(printf 'bad\377\300\200\355\240\200end\360\237')
dash='-at'

for name in "$new_line" "$quotes" "$unicode" "$direction" "$escape" "$bytes"; do
    if ! printf 'content\n' >"./$name" 2>/dev/null; then
        skip "this file system does not take such names"
    fi
    mmf read "$name" || echo "exit $?"
    say "as text: one line, harmless"
    mmf status "$name" | head -n 1
    mmf pin "$name" --seconds 0
    mmf touch "$name" | sed 's/:.*//'
    mmf read "$name" --at 100 2>&1
    say "as JSON: valid, and exact"
    for job in "status" "dump" "touch" "pin --seconds 0" "write --text x" "read -o out"; do
        # shellcheck disable=SC2086
        mmf $job "$name" --json >../json || echo "exit $?"
        jq -j '[.. | .path? // empty][0]' ../json >../got || echo "$job: INVALID"
        if grep -q '"path_hex"' ../json; then
            jq -j '[.. | .path_hex? // empty][0]' ../json >../got
            printf %s "$name" | od -An -v -tx1 | tr -d ' \n' >../wanted
            echo "$job: by bytes"
        else
            printf %s "$name" >../wanted
        fi
        cmp -s ../got ../wanted || echo "$job: the name is not exact: $(cat ../got)"
    done
    rm -f -- "$name"
done
say "control characters as JSON has them"
controls=$(printf 'a\nb\tc\rd\be\ff\001g')
printf 'content\n' >"./$controls"
mmf status "$controls" --json | grep '"path"'
say "a name of almost 255 bytes"
long=$(printf '%0250d' 0)
: >"$long"
run mmf read "$long" -o "$long"
say "a leading dash"
printf 'dash\n' >"./$dash"
run mmf read $dash
run mmf read -- $dash
run mmf read ./$dash
run mmf read -o --help -- $dash
run cat -- --help
run mmf ./$dash
say "an empty name"
run mmf read ''
run mmf write '' --create
run mmf status ''
run mmf read ./$dash -o ''
