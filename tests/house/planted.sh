#!/usr/bin/env bash
# planted.sh SOURCE BUILD: the checks of this folder see what they are for: each gets a copy of the tree with one error
# in it and has to fail, and an empty tree, which must not pass either.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/support.sh"
source=$(cd "$1" && pwd)
build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A fresh copy of the tree to spoil.
copy()
{
    rm -rf "$folder/tree"
    mkdir -p "$folder/tree"
    (cd "$source" && for part in include src tools examples bench tests docs .clang-format; do
        [ -e "$part" ] && cp -r "$part" "$folder/tree/"
    done)
    cd "$folder/tree" || exit 1
}

# sees CHECK WORDS: the check fails on the tree as it is now, and its output names what was planted.
sees()
{
    local output status
    checked=$((checked + 1))
    output=$("$here/$1" "$folder/tree" "$build" 2>&1)
    status=$?
    if [ $status != 1 ] || ! grep -q -- "$2" <<<"$output"; then
        wrong "$1 did not see the planted error ($2); it ended with $status:"
        head -n 20 <<<"$output"
    fi
}

# One header is enough to look at.
alone()
{
    copy
    find include/mmf -name '*.h' ! -name base.h ! -name error.h -delete
}
alone
sed -i 's/^#include <stdint.h>$//' include/mmf/base.h
sees headers.sh 'mmf/base.h'
alone
sed -i '$i static inline int planted(long long wide) { return wide; }' include/mmf/base.h
sees headers.sh 'implicit conversion\|=conversion'
alone
sed -i '$i static inline void *planted(void) { char *c = mmf_last_error() ? (void *)0 : (void *)0; return c; }' include/mmf/error.h
sees headers.sh 'std=c++17'

copy
sed -i 's/^    mmf_view_size;$//' src/libmmf.map
sees symbols.sh 'not in libmmf.map: mmf_view_size'
copy
sed -i 's/^    mmf_view_size;$/&\n    mmf_planted;/' src/libmmf.map
sees symbols.sh 'declared by no header: mmf_planted'
copy
sed -i '$i MMF_API int mmf_planted(void);' include/mmf/error.h
sees symbols.sh 'not in libmmf.map: mmf_planted'

# A library of the same objects, but with everything that the loader or the linker should not find.
copy
if readelf -h "$build/libmmf.so" | grep -q 'Class: *ELF64'; then
    good=$build
    build=$folder/bad
    mkdir -p "$build"
    cp "$good/libmmf_internal.a" "$build/libmmf.a"
    cp "$good/libmmf_internal.a" "$build/"
    sed 's/global:/global: mmf_planted;/' src/libmmf.map >"$build/map"
    cat >"$build/planted.c" <<'END'
static _Thread_local char planted[4000];
char *mmf_planted(void);
char *mmf_planted(void)
{
    return planted;
}
END
    gcc -shared -fPIC -ftls-model=global-dynamic -o "$build/libmmf.so" "$build/planted.c" -Wl,-z,execstack \
        -Wl,--version-script="$build/map" -Wl,--whole-archive "$good/libmmf_internal.a" -Wl,--no-whole-archive \
        -Wl,--no-as-needed -lm -Wl,-soname,planted.so 2>"$folder/output" || wrong "$(cat "$folder/output")"
    sees symbols.sh 'exported, but not in libmmf.map: mmf_planted'
    sees symbols.sh 'in libmmf.a, but not in libmmf.map: os$'
    sees symbols.sh 'calls __tls_get_addr'
    sees symbols.sh 'thread-local variables take'
    sees symbols.sh 'the stack is executable'
    sees symbols.sh 'the soname is not'
    sees symbols.sh 'needs lib'
    build=$good
fi

copy
printf '#ifdef __linux__\n#endif\n' >>src/error.h
sees structure.sh 'src/error.h:.*a platform'
copy
printf '#if 1 || \\\n    defined(_WIN32)\n#endif\n' >>include/mmf/map.h
sees structure.sh 'include/mmf/map.h:.*a platform'
copy
mkdir -p src/os/posix
printf 'int planted(void) { return memfd_create("x", 0); }\n' >>src/os/posix/planted.c
sees structure.sh 'src/os/posix/planted.c:1:'
copy
mkdir -p src/os/posix
printf 'static const char *planted = "/proc/self/maps";\n' >>src/os/posix/planted.c
sees structure.sh 'src/os/posix/planted.c:1:'
copy
printf '#include "view.h"\n' >>src/guard.h
sees structure.sh 'src/guard.h:.* includes src/view.h'
copy
printf '#include "guard.h"\n' >>src/os/os.h
sees structure.sh 'src/os/os.h:.* includes src/guard.h'
copy
printf '#include "view.h"\n' >tools/mmf/planted.c
sees structure.sh 'tools/mmf/planted.c:.* includes src/view.h'
copy
printf '#include "view.h"\n' >>src/options.h
sees structure.sh 'src/options.h:.* includes src/view.h'
copy
printf '#include "a.h"\n' >src/b.h
printf '#include "b.h"\n' >src/a.h
sees structure.sh 'in a circle'
copy
printf '#include <sys/mman.h>\n' >>include/mmf/base.h
sees structure.sh 'include/mmf/base.h:.* includes <sys/mman.h>'

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
    copy
    printf 'int planted(void){return 1;}\n' >>src/error.h
    sees format.sh 'src/error.h'
fi

# What is empty has nothing right in it.
for check in headers.sh structure.sh format.sh; do
    rm -rf "$folder/tree"
    mkdir -p "$folder/tree"
    if "$here/$check" "$folder/tree" "$build" >"$folder/output" 2>&1; then
        wrong "$check passed an empty tree"
    fi
done
finish
