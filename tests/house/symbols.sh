#!/usr/bin/env bash
# symbols.sh SOURCE BUILD: what the libraries export and how the shared one is linked. The public interface is what the
# headers declare, what the version script lists and what the shared library exports: three times the same.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
source=$1
build=$2
library=$build/libmmf.so
script=$source/src/libmmf.map
[ -e "$library" ] || { wrong "no $library"; checked=1; finish; }

declared=$(printf '#include "mmf/mmf.h"\n' | gcc -std=c17 -E -P -I"$source/include" -x c - | perl -0777 -ne '
    for (split /;/) { print "$1\n" if /visibility\s*\(\s*"default"\s*\).*?\b(mmf_\w+)\s*\(/s }' | sort)
listed=$(perl -0777 -ne 's{/\*.*?\*/}{}gs; while (/global:(.*?)local:/gs) { print "$_\n" for $1 =~ /(\w+)\s*;/g }' \
    "$script" | sort)
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)

same()
{
    local line
    while IFS= read -r line; do
        wrong "$1: $line"
    done < <(comm -23 <(printf '%s\n' "$2") <(printf '%s\n' "$3"))
}
same "declared by a header, but not in libmmf.map" "$declared" "$listed"
same "in libmmf.map, but declared by no header" "$listed" "$declared"
same "in libmmf.map, but not exported" "$listed" "$exported"
same "exported, but not in libmmf.map" "$exported" "$listed"
[ "$(uniq -d <<<"$listed")" = "" ] || wrong "listed twice: $(uniq -d <<<"$listed")"
[ -n "$declared" ] && [ -n "$listed" ] && [ -n "$exported" ] || wrong "no symbols found: the check itself is broken"
checked=$((checked + $(wc -l <<<"$exported")))

# The archive shows the public names and no other.
archived=$(nm --defined-only "$build/libmmf.a" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort)
same "in libmmf.map, but not in libmmf.a" "$listed" "$archived"
same "in libmmf.a, but not in libmmf.map" "$archived" "$listed"

# Thread-local variables are reached without a call, and take little enough of what is left for dlopen.
if nm -D --undefined-only "$library" | grep -q '__tls_get_addr'; then
    wrong "libmmf.so calls __tls_get_addr"
fi
code=$(objdump -d --no-show-raw-insn "$library" | awk '/^[0-9a-f]+ <mmf_view_get_u64(@@.*)?>:/ { on = 1 } on && /^$/ { exit } on')
[ "$(grep -c . <<<"$code")" -gt 3 ] || wrong "mmf_view_get_u64 was not found in the disassembly"
if grep -Eiq 'tls_get_addr|tlsdesc' <<<"$code"; then
    wrong "mmf_view_get_u64 calls for its thread-local variables"
fi
# glibc keeps 1664 bytes for libraries that are loaded late; all of them share it.
bytes=$(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')
if [ -n "$bytes" ] && [ $((bytes)) -gt 512 ]; then
    wrong "thread-local variables take $((bytes)) bytes, more than 512"
fi

# What the loader must not be asked for.
stack=$(readelf -lW "$library" | awk '$1 == "GNU_STACK" { print $7 $8 }')
case $stack in
*E*) wrong "the stack is executable" ;;
'') wrong "no GNU_STACK header" ;;
esac
if readelf -dW "$library" | grep -q TEXTREL; then
    wrong "the text has relocations"
fi
# Its handler of signals and its fork hook stay in the process, so it must stay too after dlclose().
readelf -dW "$library" | grep -Eq 'FLAGS_1.*NODELETE' || wrong "dlclose() takes it away under its own signal handler"
while IFS= read -r needed; do
    case $needed in
    libc.so.* | libpthread.so.* | ld-linux*.so.*) ;;
    *) wrong "needs $needed" ;;
    esac
done < <(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" = libmmf.so.0 ] || wrong "the soname is not libmmf.so.0"

# The command uses the public interface and, for the system, the table os.
objects=$(find "$build/tools" -name '*.o' 2>/dev/null)
if [ -n "$objects" ]; then
    # shellcheck disable=SC2086
    wanted=$(nm --undefined-only $objects | awk '/ U / { print $2 }' | sort -u)
    inner=$(nm --defined-only "$build/libmmf_internal.a" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u)
    checked=$((checked + $(wc -w <<<"$objects")))
    for symbol in $(comm -12 <(printf '%s\n' "$wanted") <(printf '%s\n' "$inner")); do
        case $symbol in
        os | os_native | os_entry) ;;
        *) grep -qx "$symbol" <<<"$listed" || wrong "the command uses the hidden symbol $symbol" ;;
        esac
    done
fi
finish
