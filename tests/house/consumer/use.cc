// use.cc: a user's program in C++17: the same as use.c.
#include <mmf/mmf.h>

#include <cstdio>
#include <memory>

struct close_map {
    void operator()(mmf_map *map) const { mmf_map_close(&map); }
};
struct close_view {
    void operator()(mmf_view *view) const { mmf_view_close(&view); }
};

int main()
{
    mmf_map_options options;
    mmf_map_options_init(&options);
    options.sparse = true;
    mmf_map *opened = nullptr;
    mmf_view *seen = nullptr;
    int err = mmf_map_create(&opened, nullptr, 10000, &options);
    std::unique_ptr<mmf_map, close_map> map(opened);
    if (!err)
        err = mmf_view_open(&seen, map.get(), 4097, 100, nullptr);
    std::unique_ptr<mmf_view, close_view> view(seen);
    double value = 0;
    if (!err)
        err = mmf_view_put_f64(view.get(), 3, 2.5);
    if (!err)
        err = mmf_view_get_f64(view.get(), 3, &value);
    if (err || value != 2.5) {
        std::fprintf(stderr, "%s, read %g\n", mmf_error_text(err), value);
        return 1;
    }
    std::printf("C++: libmmf %06x works\n", static_cast<unsigned>(mmf_version()));
    return 0;
}
