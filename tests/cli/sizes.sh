# sizes.sh: every way to write a number of bytes.
. "$MMF_CLI_SUPPORT/dialogue.sh"
truncate -s 2M file
offset_is()
{
    printf X | mmf write file --at "$1" || return
    printf '%s = %s\n' "$1" "$(mmf dump file --json | sed -n 's/.*"offset": \([0-9]*\), "hex": "\([0-9a-f]*\)".*/\1 \2/p' |
        while read -r row hex; do
            case $hex in *58*) before=${hex%%58*}; echo $((row + ${#before} / 2)) ;; esac
        done)"
    printf '\0' | mmf write file --at "$1"
}
for size in 0 7 010 0x10 0X1f 1K 1k 1KB 1kB 1KiB 1kib 3B 1M 1MB 1MiB 1048576; do
    offset_is $size
done
say "large ones, in the message about the end"
for size in 1G 1GB 2T 3TB 1P 1PiB 7E 15E 18446744073709551615 0xffffffffffffffff; do
    run mmf read file --at $size
done
say "offset and size must not wrap"
run mmf read file --at 1M --size 18446744073709551615
run mmf write file --at 18446744073709551615 --text ab --grow
run mmf write file --at 0x7fffffffffffffff --text ab --grow --sparse
run mmf write file --at 0xfffffffffffffffe --text ab --grow --sparse
run stat -c %s file
