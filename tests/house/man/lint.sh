#!/bin/sh
# lint.sh SOURCE [FOLDER]: every man page (of FOLDER, else docs/man) is mdoc that mandoc has nothing to say about.
# Level "style", the strictest there is but for the conventions of one system (-W netbsd, -W openbsd).
# The exceptions, by the words mandoc uses:
#   "referenced manual not found"  mandoc looks at what is installed; complete.sh looks for every reference itself
#   "outdated mandoc.db lacks"     the state of this machine's index, nothing of the page
#   "input text line longer than 80 bytes"  how the source is broken into lines changes nothing that is shown
set -u
LC_ALL=C
export LC_ALL
folder=${2:-$1/docs/man}
command -v mandoc >/dev/null || { echo "skipped: mandoc is not installed"; exit 77; }

# The check must be able to fail: mandoc sees a bad page.
if printf '.Dd x\n.Dt X 3\n.Os\n.Sh NAME\n.Nonsense\n' | mandoc -T lint -W style >/dev/null 2>&1; then
    echo "wrong: mandoc finds nothing in a bad page"
    exit 1
fi

checked=0
wrong=0
for page in "$folder"/*.[1-9]; do
    [ -f "$page" ] || continue
    checked=$((checked + 1))
    found=$(mandoc -T lint -W style "$page" 2>&1 | grep -v -e 'referenced manual not found' \
        -e 'outdated mandoc.db lacks' -e 'input text line longer than 80 bytes')
    # A line that starts with a dot and is no macro vanishes without a word from mandoc.
    lost=$(grep -n '^\.\([ .,;:)]\|$\)' "$page")
    if [ -n "$found$lost" ]; then
        printf '%s\n%s\n' "$found" "$lost" | sed '/^$/d' | sed "s|^|wrong: ${page##*/}: |"
        wrong=$((wrong + 1))
    fi
done
if [ $checked = 0 ]; then
    echo "wrong: there are no pages in $folder"
    exit 1
fi
[ $wrong = 0 ] || { echo "$wrong of $checked pages are wrong"; exit 1; }
echo "all right: $checked pages checked"
