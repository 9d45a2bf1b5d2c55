/* use.c: a user's program in C17: stores a number in memory that two views share, and reads it back by the other. */
#include <mmf/mmf.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    mmf_map *map = NULL;
    mmf_view *one = NULL;
    mmf_view *other = NULL;
    uint64_t value = 0;
    uint16_t half = 0;
    uint64_t wanted = 0x1122334455667788;
    int err = mmf_map_create(&map, NULL, 10000, MMF_MAP_OPTIONS(.sparse = true));
    if (!err)
        err = mmf_view_open(&one, map, 4097, 100, NULL);
    if (!err)
        err = mmf_view_open(&other, map, 4000, 0, NULL);
    if (!err)
        err = mmf_put(one, 3, &wanted);
    if (!err)
        err = mmf_view_get_u64(other, 100, &value);
    if (!err)
        err = mmf_view_get_u16(other, 100, &half);
    if (err) {
        fprintf(stderr, "%s: %s\n", mmf_error_name(err), mmf_error_text(err));
    } else if (value != wanted || memcmp(&half, &value, sizeof half) != 0) {
        fprintf(stderr, "read %llx\n", (unsigned long long)value);
        err = MMF_ECORRUPT;
    } else if (mmf_view_get_u64(other, 6000, &value) != MMF_ERANGE || mmf_last_error()->code != MMF_ERANGE) {
        fprintf(stderr, "reading beyond the end did not fail as it should\n");
        err = MMF_ECORRUPT;
    } else {
        printf("C: libmmf %06x works\n", (unsigned)mmf_version());
    }
    mmf_view_close(&other);
    mmf_map_close(&map);
    mmf_view_close(&one);
    return err ? 1 : 0;
}
