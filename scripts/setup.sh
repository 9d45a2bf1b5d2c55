# setup.sh: what ./run and ./check share: saying what is done, and installing what is missing. Sourced by both.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)

# All talk goes to standard error, so that the output of a command can be piped on.
say()
{
    printf '== %s\n' "$*" >&2
}

fail()
{
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The packages of some parts, one a line.
packages_of()
{
    local part
    for part in "$@"; do
        sed -n "s/^$part: *//p" "$root/scripts/packages" | tr ' ' '\n'
    done | grep . | sort -u
}

# The ones among them that are not installed, on one line.
missing_of()
{
    local package
    command -v dpkg-query >/dev/null || return 0
    for package in $(packages_of "$@"); do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 126
    fi
}

apt()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}

# Reads the package lists anew, once a run. A source that does not answer is no reason to stop: the others may have
# all that is needed.
lists_read=false
read_lists()
{
    $lists_read && return 0
    say "reading the package lists"
    apt update || apt update || say "some package lists could not be read; going on with the ones there are"
    lists_read=true
}

# Installs what is missing of some parts. 0: all of it is there now.
install_parts()
{
    local missing
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "missing, and neither root nor sudo to install it: $missing"
        return 1
    fi
    read_lists
    say "installing $missing"
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $missing || apt install -y --no-install-recommends $missing
}

# Configures a preset if that was not done yet with the same options, and builds it: build_preset PRESET [OPTION ...].
build_preset()
{
    local preset=$1 folder="$root/build/$1" wanted
    shift
    wanted="$*"
    mkdir -p "$folder"
    if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/configured-with" 2>/dev/null)" != "$wanted" ]; then
        (cd "$root" && cmake --preset "$preset" "$@") || return 1
        printf '%s\n' "$wanted" >"$folder/configured-with"
    fi
    cmake --build "$folder" -j "$jobs"
}
