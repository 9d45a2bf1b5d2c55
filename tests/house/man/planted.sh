#!/bin/sh
# planted.sh SOURCE LIBRARY: the checks of the man pages see what they are for: each gets a copy of the tree with one
# error in it and has to fail and to name it, and an empty tree, which must not pass either.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
source=$1
library=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tree=$work/tree
checked=0
wrong=0

copy()
{
    rm -rf "$tree"
    mkdir -p "$tree/src" "$tree/docs" "$tree/examples"
    cp -r "$source/include" "$tree/"
    cp "$source/src/libmmf.map" "$tree/src/"
    cp -r "$source/docs/man" "$tree/docs/"
    cp "$source"/docs/*.md "$tree/docs/"
}

# edit FILE PROGRAM: changes a file of the copy by sed, and fails when that changed nothing.
edit()
{
    sed "$2" "$tree/$1" >"$work/edited"
    if cmp -s "$work/edited" "$tree/$1"; then
        echo "wrong: the error was not planted: $2 in $1"
        wrong=$((wrong + 1))
    fi
    cp "$work/edited" "$tree/$1"
}

# sees WORDS CHECK [ARGUMENT...]: the check fails on the copy, with those words.
sees()
{
    words=$1
    check=$2
    shift 2
    checked=$((checked + 1))
    sh "$here/$check.sh" "$tree" "$@" >"$work/output" 2>&1
    status=$?
    [ $status = 77 ] && return
    if [ $status != 1 ] || ! grep -q -e "$words" "$work/output"; then
        echo "wrong: $check.sh did not see the planted error ($words); it ended with $status:"
        cat "$work/output"
        wrong=$((wrong + 1))
    fi
}

copy
edit docs/man/mmf_view_read.3 's/^\.Sh ERRORS/.Sh ERORRS\n.Nonsense/'
sees 'mmf_view_read.3.*unknown macro' lint
copy
edit docs/man/mmf_map_sync.3 's/^\.Nd .*/&\n. A line that vanishes./'
sees 'mmf_map_sync.3' lint
rm -f "$tree"/docs/man/*
sees 'there are no pages' lint
sees 'no examples' examples "$library"
sees 'no pages found' complete none

# The examples: one page is enough for each.
one()
{
    copy
    mkdir "$tree/one"
    cp "$tree/docs/man/mmf_version.3" "$tree/one/"
}
one
edit one/mmf_version.3 's/uint32_t header =/int header =/'
sees 'mmf_version.3, example 1 does not compile' examples "$library" "$tree/one"
one
edit one/mmf_version.3 's/return mmf_granularity() .*/return 3;/'
sees 'mmf_version.3, example 1 ends with 3' examples "$library" "$tree/one"
one
edit one/mmf_version.3 's/^pages are a power of two: yes/pages are a power of three: yes/'
sees 'prints something else than the page says' examples "$library" "$tree/one"
one
edit one/mmf_version.3 's/^int main(void)/int mian(void)/'
sees 'no example with a main' examples "$library" "$tree/one"

one
# shellcheck disable=SC2016
printf '```c\nint main(void) { return planted; }\n```\n' >"$tree/README.md"
sees 'README.md: a program does not compile' examples "$library" "$tree/one"

copy
edit src/libmmf.map 's/^    mmf_view_zero;//'
sees 'declared with MMF_API, but not in libmmf.map: mmf_view_zero' complete "$library"
sees 'exported by the library, but not in libmmf.map: mmf_view_zero' complete "$library"
copy
edit include/mmf/error.h 's/^MMF_API const char \*mmf_error_text/MMF_API int mmf_planted(void);\n&/'
sees 'declared with MMF_API, but not in libmmf.map: mmf_planted' complete none
copy
edit docs/man/mmf_map_info.3 's/^\.It Vt uint64_t Fa views/.It Vt uint32_t Fa views/'
sees 'a member that no header has: uint32_t views' complete none
copy
edit docs/man/mmf_view_protect.3 's/^\.Nm mmf_view_zero//'
sees 'in libmmf.map, but not in NAME of a page: mmf_view_zero' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.Nm mmf_map_sync/&\n.Nm mmf_map_close/'
sees 'in NAME of more than one page: mmf_map_close' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.Nm mmf_map_sync/&\n.Nm mmf_map_planted/'
sees 'neither exported nor a macro: mmf_map_planted' complete none
copy
edit include/mmf/view.h 's/mmf_view_zero(mmf_view \*view, uint64_t position/mmf_view_zero(mmf_view *view, int64_t position/'
sees 'in the headers, but not in a SYNOPSIS: mmf_view_zero' complete none
copy
edit include/mmf/error.h 's/-20011, "no space/-20111, "no space/'
sees 'in error.h, but not in the table.*MMF_ENOSPACE' complete none
copy
edit docs/man/mmf_last_error.3 's/^No space is left\./No space is right./'
sees 'text in error.h, but not text in mmf_last_error(3): MMF_ENOSPACE' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.It Bq Er MMF_EPOISONED/.It Bq Er MMF_ETIMEOUT/'
sees 'in the comments of the headers, but not in ERRORS of the page: mmf_map_sync.3.MMF_EPOISONED' complete none
sees 'in ERRORS of the page, but not in the comments of the headers: mmf_map_sync.3.MMF_ETIMEOUT' complete none
copy
edit include/mmf/map.h 's/^    bool prefix;/    bool planted;\n&/'
sees 'in a header, but in no page: planted' complete none
copy
edit include/mmf/error.h 's/^    MMF_CAUSE_UNKNOWN/    MMF_CAUSE_PLANTED,\n&/'
sees 'in a header, but in no page: MMF_CAUSE_PLANTED' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.Fn mmf_map_sync$/.Fn mmf_map_planted/'
sees 'mmf_map_sync.3 uses mmf_map_planted, which' complete none
copy
edit docs/net.md 's/mmf_map_sync()/mmf_map_planted()/'
sees 'net.md uses mmf_map_planted, which' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.Xr mmf_map_close 3/.Xr mmf_map_shut 3/'
sees 'mmf_map_sync.3 refers to mmf_map_shut(3)' complete none
copy
edit docs/man/mmf_map_sync.3 's/^\.Xr fsync 2/.Xr fsink 2/'
sees 'mmf_map_sync.3 refers to fsink(2)' complete none
copy
mkdir -p "$tree/stubs/man3"
echo '.so man3/mmf_planted.3' >"$tree/stubs/man3/mmf_planted.3"
sees 'a stub, but not named by a page: man3/mmf_planted.3' complete none "$tree/stubs"
sees 'named by a page, but not a stub: man3/mmf_view_zero.3' complete none "$tree/stubs"

[ $wrong = 0 ] || { echo "$wrong wrong, $checked checked"; exit 1; }
echo "all right: $checked planted errors were seen"
