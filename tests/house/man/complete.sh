#!/bin/sh
# complete.sh SOURCE LIBRARY [STUBS]: the man pages, the headers, the version script and the shared library say the same.
#   symbols     listed in libmmf.map = declared with MMF_API = exported = in NAME and SYNOPSIS of exactly one page
#   prototypes  of a SYNOPSIS = of the headers
#   codes       the tables of mmf_last_error(3) = MMF_ERRORS of error.h; ERRORS of a page = the codes that the comments
#               above the declarations of its functions name ("as mmf_x()" there: those of x too)
#   names       every enumerator, option and member of a public struct is in a page
#   inventions  every mmf_x() and MMF_X that a page or a text of docs/ uses is in a header
#   references  every .Xr leads to a page of ours or to one of a list
#   stubs       every further name of a page has its ".so" page in the folder STUBS, and nothing else is there
# CC and CFLAGS are taken from the environment. LIBRARY "none" leaves the exported symbols out (for planted.sh).
set -u
LC_ALL=C
export LC_ALL
source=$1
library=$2
pages=$source/docs/man
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
wrong=0

fail()
{
    echo "wrong: $*"
    wrong=$((wrong + 1))
}

# some FILE WHAT: a list that is empty means that the check looks at the wrong thing.
some()
{
    [ -s "$1" ] || fail "no $2 found: there is nothing to check"
}

# same LEFT RIGHT WHERE-LEFT WHERE-RIGHT: two sorted lists have the same lines.
same()
{
    comm -23 "$1" "$2" >"$work/left"
    comm -13 "$1" "$2" >"$work/right"
    while IFS= read -r line; do fail "$3, but not $4: $line"; done <"$work/left"
    while IFS= read -r line; do fail "$4, but not $3: $line"; done <"$work/right"
}

# --- What there is: in the version script, the headers, the library.
awk '/global:/ { on = 1; next } /local:/ { on = 0 } on { gsub(/[ \t;]/, ""); if ($0 != "") print }' \
    "$source/src/libmmf.map" | sort >"$work/listed"
some "$work/listed" "symbols in libmmf.map"

for header in "$source"/include/mmf/*.h; do
    echo "#include \"mmf/${header##*/}\""
done >"$work/all.c"
# shellcheck disable=SC2086
${CC:-gcc} -std=c17 ${CFLAGS:-} -E -P -I"$source/include" "$work/all.c" >"$work/all.i" || fail "the headers do not compile"
# One declaration a line, written in one way: no blanks but between words.
tr '\n' ' ' <"$work/all.i" | awk -v RS=';' '
    function plain(s) {
        gsub(/_Bool/, "bool", s)
        gsub(/[ \t]+/, " ", s)
        gsub(/ ?[(] ?/, "(", s); gsub(/ ?[)] ?/, ")", s); gsub(/ ?, ?/, ",", s); gsub(/ ?[*] ?/, "*", s)
        gsub(/^ | $/, "", s)
        return s
    }
    /__attribute__ *[(][(]visibility[(]"default"[)][)][)]/ {
        sub(/^.*__attribute__ *[(][(]visibility[(]"default"[)][)][)]/, "")
        line = plain($0)
        name = line
        sub(/[(].*/, "", name)
        sub(/^.*[ *]/, "", name)
        print name "\t" line
    }' | sort >"$work/prototypes"
cut -f 1 "$work/prototypes" | sort >"$work/declared"
some "$work/declared" "declarations with MMF_API"
same "$work/listed" "$work/declared" "in libmmf.map" "declared with MMF_API"
if [ "$library" != none ]; then
    nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
    some "$work/exported" "exported symbols"
    same "$work/listed" "$work/exported" "in libmmf.map" "exported by the library"
fi

# --- What the pages say.
for page in "$pages"/*.[1-9]; do
    [ -f "$page" ] || continue
    echo "${page##*/}"
done >"$work/pages"
some "$work/pages" "pages"
: >"$work/names"
: >"$work/synopsis"
: >"$work/page_codes"
: >"$work/references"
: >"$work/arguments"
while IFS= read -r page; do
    awk -v page="$page" -v names="$work/names" -v synopsis="$work/synopsis" -v codes="$work/page_codes" \
        -v references="$work/references" -v arguments="$work/arguments" '
        function plain(s) {
            gsub(/"/, "", s)
            gsub(/[ \t]+/, " ", s)
            gsub(/ ?[(] ?/, "(", s); gsub(/ ?[)] ?/, ")", s); gsub(/ ?, ?/, ",", s); gsub(/ ?[*] ?/, "*", s)
            gsub(/^ | $/, "", s)
            return s
        }
        function join(type, parameters,   line) {
            line = type (type ~ /[*]$/ ? "" : " ") name "(" parameters ")"
            print page "\t" name "\t" plain(line) >> synopsis
        }
        # The arguments of a macro: words, or texts in quotation marks.
        function split_arguments(s, list,   n) {
            n = 0
            sub(/^ +/, "", s)
            while (s != "") {
                if (substr(s, 1, 1) == "\"") {
                    s = substr(s, 2)
                    match(s, /"/)
                    list[++n] = substr(s, 1, RSTART - 1)
                    s = substr(s, RSTART + 1)
                } else {
                    match(s " ", / /)
                    list[++n] = substr(s, 1, RSTART - 1)
                    s = substr(s, RSTART)
                }
                sub(/^ +/, "", s)
            }
            return n
        }
        /^\.Sh / { section = $0; sub(/^\.Sh /, "", section) }
        section == "NAME" && /^\.Nm / { print $2 "\t" page >> names }
        section == "SYNOPSIS" && /^\.Ft / { type = $0; sub(/^\.Ft /, "", type); type = plain(type) }
        section == "SYNOPSIS" && /^\.Fn / {
            name = $2
            rest = $0
            sub(/^\.Fn [^ ]+/, "", rest)
            n = split_arguments(rest, list)
            parameters = ""
            for (i = 1; i <= n; i++)
                parameters = parameters (i > 1 ? "," : "") list[i]
            join(type, parameters)
            type = ""
        }
        section == "SYNOPSIS" && /^\.Fo / { name = $2; parameters = ""; many = 0 }
        section == "SYNOPSIS" && /^\.Fa / {
            rest = $0
            sub(/^\.Fa /, "", rest)
            parameters = parameters (many++ ? "," : "") rest
        }
        section == "SYNOPSIS" && /^\.Fc/ { join(type, parameters); type = "" }
        section == "ERRORS" && /^\.It Bq Er / { print page "\t" $4 >> codes }
        /^\.(It )?Xr / || / Xr / {
            for (i = 1; i < NF; i++)
                if ($i == ".Xr" || $i == "Xr") {
                    first = i + 1
                    while ($first == "(") first++
                    print page "\t" $first "(" $(first + 1) ")" >> references
                }
        }
        # Every name that is set as an argument or a constant somewhere: .Fa, .Dv, also several in one .It.
        /^\.(It |Bq )*(Vt|Fa|Dv|Er) / || /^\.It MMF_/ {
            for (i = 2; i <= NF; i++) { word = $i; gsub(/[",;:.()*]/, "", word); print word >> arguments }
        }' "$pages/$page"
done <"$work/pages"

# --- Symbols and prototypes.
awk -F '\t' '$2 ~ /\.3$/ { print $1 }' "$work/names" | sort >"$work/named"
some "$work/named" "names in pages"
uniq -d "$work/named" | while IFS= read -r name; do echo "$name"; done >"$work/twice"
while IFS= read -r name; do fail "in NAME of more than one page: $name"; done <"$work/twice"
# A name that is no function is a macro of the headers, or an inline function of C++ beside it.
sort -u "$work/named" >"$work/named_once"
comm -23 "$work/named_once" "$work/listed" >"$work/more"
while IFS= read -r name; do
    grep -q "^#define $name(" "$source"/include/mmf/*.h || fail "in NAME, but neither exported nor a macro: $name"
done <"$work/more"
comm -12 "$work/named_once" "$work/listed" >"$work/named_functions"
same "$work/listed" "$work/named_functions" "in libmmf.map" "in NAME of a page"
cut -f 1,2 "$work/synopsis" | sort >"$work/synopsis_of"
awk -F '\t' '{ print $2 "\t" $1 }' "$work/names" | grep '\.3	' | sort >"$work/names_of"
comm -23 "$work/names_of" "$work/synopsis_of" >"$work/left"
while IFS= read -r line; do fail "in NAME, but not in SYNOPSIS: $line"; done <"$work/left"
awk -F '\t' 'FILENAME == ARGV[1] { listed[$1] = 1; next } listed[$2] { print $2 "\t" $3 }' \
    "$work/listed" "$work/synopsis" | sort >"$work/documented"
some "$work/documented" "prototypes in pages"
same "$work/prototypes" "$work/documented" "in the headers" "in a SYNOPSIS"

# --- Codes: the tables.
awk -F '"' '/^ *X[(]MMF_E/ {
        split($1, part, /[(, ]+/)
        for (i in part)
            if (part[i] ~ /^MMF_/) name = part[i]; else if (part[i] ~ /^-/) value = part[i]
        win32 = $5
        gsub(/[^0-9]/, "", win32)
        print name "\t" value "\t" $2 "\t" $4 "\t" win32
    }' "$source/include/mmf/error.h" >"$work/errors"
some "$work/errors" "codes in error.h"
cut -f 1 "$work/errors" | sort >"$work/codes"
cut -f 1,2,4,5 "$work/errors" | sort >"$work/rows"
awk '/^\.It Er MMF_E[A-Z]* Ta / { print $3 "\t" $5 "\t" $7 "\t" $9 }' "$pages/mmf_last_error.3" | sort >"$work/table"
same "$work/rows" "$work/table" "in error.h" "in the table of mmf_last_error(3)"
awk -F '\t' '{ print $1 "\t" toupper(substr($3, 1, 1)) substr($3, 2) "." }' "$work/errors" | sort >"$work/texts"
awk '/^\.It Er MMF_E[A-Z]*$/ { name = $3; getline; print name "\t" $0 }' "$pages/mmf_last_error.3" | sort >"$work/meanings"
same "$work/texts" "$work/meanings" "text in error.h" "text in mmf_last_error(3)"

# --- Codes: of each function by the comment above it, of each page by its ERRORS.
awk -v listed="$work/listed" '
    BEGIN { while ((getline name < listed) > 0) exported[name] = 1 }
    # Reading a comment, without the stars of its lines.
    FNR == 1 { comment = ""; open_comment = 0 }
    !open_comment && /^\/\*/ { comment = ""; open_comment = 1 }
    open_comment { line = $0; sub(/^ *\/?\*+ ?/, "", line); comment = comment " " line }
    open_comment && /\*\// { open_comment = 0; next }
    open_comment { next }
    /^$/ { comment = "" }
    /MMF_API/ && match($0, /mmf_[a-z0-9_]+(##suffix)?[(]/) {
        name = substr($0, RSTART, RLENGTH - 1)
        if (sub(/##suffix$/, "", name)) {
            for (one in exported)
                if (index(one, name) == 1) print one "\t" comment
        } else
            print name "\t" comment
    }' "$source"/include/mmf/*.h >"$work/comments"
some "$work/comments" "comments above declarations"
cut -f 1 "$work/comments" | sort >"$work/commented"
same "$work/declared" "$work/commented" "declared with MMF_API" "read with a comment"
awk -F '\t' -v codes="$work/codes" '
    BEGIN { while ((getline name < codes) > 0) code[name] = 1 }
    {
        gsub(/"[^"]*"/, "", $2) # a code in quotation marks is only an example
        text = $2
        while (match(text, /as mmf_[a-z0-9_]+[(][)]/)) {
            also[$1] = also[$1] " " substr(text, RSTART + 3, RLENGTH - 5)
            text = substr(text, RSTART + RLENGTH)
        }
        n = split($2, word, /[^A-Za-z0-9_]+/)
        for (i = 1; i <= n; i++)
            if (word[i] in code) { has[$1, word[i]] = 1 }
        functions[$1] = 1
    }
    END {
        # Three rounds reach every chain of "as mmf_x()"; one that is longer shows as a missing code.
        for (round = 0; round < 3; round++)
            for (f in functions) {
                n = split(also[f], other, " ")
                for (i = 1; i <= n; i++) {
                    if (!(other[i] in functions)) print f "\tas " other[i] "()"
                    for (c in code)
                        if ((other[i], c) in has) has[f, c] = 1
                }
            }
        for (f in functions)
            for (c in code)
                if ((f, c) in has) print f "\t" c
    }' "$work/comments" | sort -u >"$work/function_codes"
some "$work/function_codes" "codes in comments"
awk -F '\t' 'FILENAME == ARGV[1] { page[$1] = $2; next } $1 in page { print page[$1] "\t" $2 }' \
    "$work/names" "$work/function_codes" | sort -u >"$work/promised"
grep '\.3	' "$work/page_codes" | sort >"$work/told"
same "$work/promised" "$work/told" "in the comments of the headers" "in ERRORS of the page"

# --- Every enumerator and member is told about.
tr '\n' ' ' <"$work/all.i" | awk -v RS='}' '
    /enum [a-z_]* *[{][^{]*$/ || /enum *[{][^{]*$/ {
        sub(/^.*enum[^{]*[{]/, "")
        n = split($0, part, ",")
        for (i = 1; i <= n; i++) { gsub(/[ \t]/, "", part[i]); sub(/=.*/, "", part[i]); if (part[i] ~ /^MMF_/) print part[i] }
    }' | sort -u >"$work/enumerators"
tr '\n' ' ' <"$work/all.i" | awk -v RS='}' '
    /typedef struct mmf_[a-z_]* *[{][^{]*$/ {
        sub(/^.*typedef struct mmf_[a-z_]* *[{]/, "")
        n = split($0, part, ";")
        for (i = 1; i <= n; i++) {
            sub(/[[].*/, "", part[i])
            gsub(/[ \t]+$/, "", part[i])
            sub(/^.*[ *]/, "", part[i])
            if (part[i] != "" && part[i] !~ /^reserved_/) print part[i]
        }
    }' | sort -u >"$work/members"
some "$work/enumerators" "enumerators"
some "$work/members" "members of structs"
sort -u "$work/arguments" >"$work/arguments_once"
cat "$work/enumerators" "$work/members" | sort -u | comm -23 - "$work/arguments_once" >"$work/left"
while IFS= read -r line; do fail "in a header, but in no page: $line"; done <"$work/left"

# --- The types of members, as .It Vt type Fa member , Fa member, are those of the headers.
tr '\n' ' ' <"$work/all.i" | awk -v RS='}' '
    /typedef struct mmf_[a-z_]* *[{][^{]*$/ {
        sub(/^.*typedef struct mmf_[a-z_]* *[{]/, "")
        n = split($0, part, ";")
        for (i = 1; i <= n; i++) {
            gsub(/^[ \t]+|[ \t]+$/, "", part[i])
            sub(/^_Bool /, "bool ", part[i])
            if (part[i] != "") print part[i]
        }
    }' | sort -u >"$work/declared"
sed -n 's/^\.It Vt //p' "$pages"/*.3 | tr -d '"' | awk '
    {
        type = ""
        fresh = 1
        for (i = 1; i <= NF; i++) {
            if ($i == "Vt") fresh = 1
            else if ($i == "Fa") { i++; print type " " $i; fresh = 1 }
            else if ($i != ",") { type = fresh ? $i : type " " $i; fresh = 0 }
        }
    }' | sort -u >"$work/typed"
some "$work/typed" "types of members in pages"
comm -23 "$work/typed" "$work/declared" >"$work/left"
while IFS= read -r line; do fail "a member that no header has: $line"; done <"$work/left"

# --- Nothing is told about that is not there: mmf_x followed by an opening parenthesis, and MMF_X.
cat "$source"/include/mmf/*.h "$work/all.i" | tr -cs 'A-Za-z0-9_' '\n' | sort -u >"$work/words"
for text in "$pages"/*.[1-9] "$source"/docs/*.md; do
    [ -f "$text" ] || continue
    grep -v '^\.Dt ' "$text" | awk -v text="${text##*/}" '
        /^\.Fn mmf_|^\.Fo mmf_/ { print text "\t" $2 }
        {
            while (match($0, /[A-Za-z0-9_]*MMF_[A-Z0-9_]+|[A-Za-z0-9_]*mmf_[a-z0-9_]+[(]/)) {
                word = substr($0, RSTART, RLENGTH)
                $0 = substr($0, RSTART + RLENGTH)
                sub(/[(]$/, "", word)
                # MMF_ECODE stands for any code in mmf(1).
                if (word ~ /^(mmf|MMF)_/ && word !~ /_$/ && word != "MMF_ECODE") print text "\t" word
            }
        }'
done >"$work/used"
some "$work/used" "names used by the texts"
awk -F '\t' 'FILENAME == ARGV[1] { known[$1] = 1; next } !($2 in known) { print $1 " uses " $2 }' \
    "$work/words" "$work/used" | sort -u >"$work/left"
while IFS= read -r line; do fail "$line, which is in no header"; done <"$work/left"

# --- References.
cat >"$work/foreign" <<'END'
close(2)
execve(2)
fallocate(2)
fcntl(2)
fork(2)
fstat(2)
fsync(2)
ftruncate(2)
longjmp(3)
lseek(2)
madvise(2)
memchr(3)
memcmp(3)
memcpy(3)
memfd_create(2)
mincore(2)
mlock(2)
mmap(2)
mprotect(2)
msync(2)
pread(2)
process_madvise(2)
process_vm_readv(2)
process_vm_writev(2)
raise(3)
sigaction(2)
signal(7)
sigsetjmp(3)
sync_file_range(2)
vmtouch(8)
END
some "$work/references" "references"
# A page may be referred to by its own name and by every name it has a stub for.
awk -F '\t' '{ section = $2; sub(/^.*\./, "", section); print $1 "(" section ")"
        sub(/\.[0-9]$/, "", $2); print $2 "(" section ")" }' "$work/names" | sort -u >"$work/ours"
while IFS='	' read -r page reference; do
    case $reference in
    mmf*) list=$work/ours ;;
    *) list=$work/foreign ;;
    esac
    grep -Fqx "$reference" "$list" || fail "$page refers to $reference, which is not there"
done <"$work/references"

# --- Stubs.
if [ $# -gt 2 ]; then
    awk -F '\t' '{ section = $2; sub(/^.*\./, "", section)
        if ($1 "." section != $2) print "man" section "/" $1 "." section " .so man" section "/" $2 }' \
        "$work/names" | sort >"$work/stubs_wanted"
    (cd "$3" && for file in */*; do echo "$file $(cat "$file")"; done) | sort >"$work/stubs"
    some "$work/stubs" "stubs"
    same "$work/stubs_wanted" "$work/stubs" "named by a page" "a stub"
fi

[ $wrong = 0 ] || { echo "$wrong wrong"; exit 1; }
# shellcheck disable=SC2046
set -- $(for list in listed pages codes promised enumerators members references; do wc -l <"$work/$list"; done)
echo "all right: $1 functions in $2 pages, $3 codes, $4 promised, $5 enumerators, $6 members, $7 references"
