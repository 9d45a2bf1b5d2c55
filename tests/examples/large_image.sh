# large_image.sh: an 800 MiB image is tiled, brightened in three ways, and every pixel of it and of two PNGs is checked.
check_image=$2
picture=$3
if [ ! -r "$picture" ]; then
    echo "skipped: the picture $picture is not installed"
    exit 77
fi
. "$(dirname "$0")/common.sh"

free=$(df -Pk . | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((850 * 1024)) ]; then
    echo "skipped: 850 MiB of disk are needed here, $((free / 1024)) are free"
    exit 77
fi
check() {
    "$check_image" "$@" || fail "check_image $*"
}
part="268435456 805306368"

run 0 make_image "$picture" image.data
says "image.data: 800 MiB, 16384 x 6400 pixels of 64 bits"
check image "$picture" image.data 800
run 0 image_to_png image.data 0 1848 600 400 before.png
check png "$picture" before.png 0 1848

run 0 large_image image.data 6000
says "brightened 67108864 pixels by 6000 with a read and a write call each"
check image "$picture" image.data 800 $part 6000
run 0 large_image image.data 5000 pointer
says "brightened 67108864 pixels by 5000 with the raw pointer, guarded"
check image "$picture" image.data 800 $part 11000

run 0 looking_on image.data 3000
says "A saw the first 125000 of 250000 pixels brighter and the others as they were, while B waited half way;"
says "in the end all 250000 pixels were brighter"
check image "$picture" image.data 800 $part 11000 4000000 6000000 3000
run 0 image_to_png image.data 300 1848 700 401 after.png
check png "$picture" after.png 300 1848 $part 11000

# What cannot be done is an error, and changes nothing.
head -c 1000000 image.data >short.data
cp short.data copy.data
run 1 large_image short.data 10
says "MMF_ERANGE"
run 1 looking_on short.data 10
cmp short.data copy.data || fail "a refused job changed the image"
run 1 image_to_png short.data 0 8 10 10 none.png
[ ! -e none.png ] || fail "a refused job left a picture"
run 1 make_image short.data other.data
[ ! -e other.data ] || fail "a refused job left an image"
run 2 large_image image.data
run 2 large_image image.data ten
run 2 image_to_png image.data 0 0 0 0 none.png
