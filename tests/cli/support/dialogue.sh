# dialogue.sh: what the scripts share: they write a dialogue as one would see it at a terminal.

# run COMMAND ARGUMENT ...: the command line, its output, its errors behind "! ", and its exit code unless it is 0.
run()
{
    printf '$'
    for word in "$@"; do
        case $word in
        '' | *[!A-Za-z0-9_./@:=+-]*) printf ' %s' "'$(printf %s "$word" | LC_ALL=C tr -c '\40-\176' '?')'" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
    "$@" >../out 2>../err
    code=$?
    end_line ../out
    sed 's/^/! /' ../err
    [ "$code" = 0 ] || echo "exit $code"
    return 0
}

# end_line FILE: shows a file, and says so when its last line has no end.
end_line()
{
    cat "$1"
    if [ -s "$1" ] && [ "$(tail -c 1 "$1" | od -An -tx1 | tr -d ' ')" != 0a ]; then
        printf '<no line feed>\n'
    fi
}

# say TEXT: a comment in the dialogue.
say()
{
    printf '# %s\n' "$*"
}

# same FILE FILE: says whether two files have the same bytes.
same()
{
    if cmp -s "$1" "$2"; then echo "same: $1 $2"; else echo "DIFFERENT: $1 $2"; fi
}

skip()
{
    printf '%s\n' "$*" >&2
    exit 77
}

# need PROGRAM ...: skips the test when one is not installed.
need()
{
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

need_root()
{
    [ "$(id -u)" = 0 ] || skip "needs root, for mounting and other users"
}

# mount_tmpfs DIRECTORY SIZE: a small file system of memory, gone when the script ends.
mounts=
mount_tmpfs()
{
    need_root
    mkdir -p "$1"
    mount -t tmpfs -o size="$2" tmpfs "$1" 2>/dev/null || skip "tmpfs cannot be mounted here"
    mounts="$PWD/$1 $mounts"
}
unmount_all()
{
    for mount in $mounts; do
        umount "$mount"
    done
    mounts=
}
trap unmount_all EXIT
trap 'exit 1' HUP INT TERM

# as_nobody COMMAND ...: as a user who owns nothing here. The command was copied to where that user finds it.
make_public()
{
    need_root
    need setpriv
    cp "$MMF_CLI_COMMAND" mmf
    chmod 755 mmf . ..
    PATH=$PWD:$PATH
    as_nobody true 2>/dev/null || skip "no other user can be had here"
    as_nobody mmf --version >/dev/null 2>&1 || skip "another user cannot run the command from here"
}
as_nobody()
{
    setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all "$@"
}

# status_of FILE MEMBER: a member of the first file in `mmf status --json`.
status_of()
{
    mmf status --json "$1" | sed -n "s/^ *\"$2\": \([^,]*\),*\$/\1/p" | head -n 1
}

# need_pages_of_4096: for dialogues that show numbers of pages.
need_pages_of_4096()
{
    [ "$(getconf PAGESIZE)" = 4096 ] || skip "the expected numbers are of pages of 4096 bytes"
}

# counts_dirty: whether dirty pages can be counted here: by the Linux back end, from Linux 6.5 on, not on overlayfs.
counts_dirty()
{
    release=$(uname -r)
    major=${release%%.*}
    minor=${release#*.}
    minor=${minor%%[!0-9]*}
    [ "${MMF_CLI_OS:-}" = linux ] && [ "$(stat -f -c %T .)" != overlayfs ] &&
        { [ "$major" -gt 6 ] || { [ "$major" = 6 ] && [ "$minor" -ge 5 ]; }; }
}

# finds_holes: whether holes can be skipped; without that, a walk through 8 TiB takes hours.
finds_holes()
{
    [ "${MMF_CLI_OS:-}" = linux ] || { echo "# holes cannot be found by this back end: left out"; return 1; }
}
