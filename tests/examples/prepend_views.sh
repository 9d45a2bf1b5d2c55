# prepend_views.sh: the text, the padding that is told, and every byte of the old file, for sizes around a block.
. "$(dirname "$0")/common.sh"

block=65536
text="Girl, you love me? I love you very much!"
head -c 300000 /dev/urandom >random
for size in 0 1 65535 65536 65537 131072 300000; do
    head -c "$size" random >old
    rm -f new
    run 0 prepend_views "$text" old new
    says "bytes 0 to ${#text} are the text, $((block - ${#text})) zero bytes of padding follow it"
    says "from byte $block on come the $size bytes of old, in $(((size + block - 1) / block)) blocks"
    length new $((block + size))
    { printf %s "$text"; head -c $((block - ${#text})) /dev/zero; cat old; } >wanted
    cmp wanted new || fail "the new file, of $size bytes"
    head -c "$size" random | cmp - old || fail "the old file has changed"
done

# A text that fills the block to its last byte leaves no padding; a longer one is refused.
full=$(head -c $block /dev/zero | tr '\0' x)
rm new
run 0 prepend_views "$full" old new
says "0 zero bytes of padding"
{ printf %s "$full"; cat old; } >wanted
cmp wanted new || fail "the new file behind a full block"
rm new
run 2 prepend_views "x$full" old new
[ ! -e new ] || fail "a file for a text that was refused"

# What exists is not overwritten; what is missing is told.
echo here >new
run 1 prepend_views "$text" old new
says "MMF_EEXISTS"
[ "$(cat new)" = here ] || fail "a file that existed was changed"
run 1 prepend_views "$text" missing other
says "missing: "
[ ! -e other ] || fail "a new file although the old one is missing"
run 2 prepend_views
says "usage:"
