# bounded.sh: read and dump need no more memory for a large file than for a small one.
. "$MMF_CLI_SUPPORT/dialogue.sh"
[ -z "${MMF_CLI_SANITIZE:-}" ] || skip "the sanitizers need a large address space by themselves"
truncate -s 256M large 2>/dev/null || skip "this file system has no sparse files of 256 MiB"
printf first | dd of=large conv=notrunc 2>/dev/null
printf last | dd of=large bs=1 seek=268435452 conv=notrunc 2>/dev/null
head -c 100 /dev/zero >small

# The least address space, in steps of 1 MiB, in which the command can do it to a small file; and twelve MiB more: the
# window of 8 MiB with what belongs to it, in address space instead of in memory, which nobody can limit.
least()
{
    limit=1024
    while [ $limit -le 65536 ]; do
        (ulimit -v $limit && "$@") >/dev/null 2>&1 && break
        limit=$((limit + 1024))
    done
    echo $((limit + 12288))
}
ulimit -v 1048576 2>/dev/null || skip "this shell cannot limit the address space"
reading=$(least mmf read small)
dumping=$(least mmf dump small)
(ulimit -v 1024 && mmf read small) >/dev/null 2>&1 && skip "the limit of the address space has no effect here"
say "read"
(ulimit -v "$reading" && mmf read large || echo "exit $?" >&2) | cmp - large && echo "same"
say "read into a file"
(ulimit -v "$reading" && mmf read large --at 128M -o copy)
echo "exit $?"
tail -c 134217728 large >wanted
same copy wanted
rm copy wanted
say "dump, of a part without holes, and of all with its hole"
head -c 32M /dev/urandom >dense
(ulimit -v "$dumping" && mmf dump dense --width 256) | tail -n 1
if finds_holes; then (ulimit -v "$dumping" && mmf dump large); fi
