/* load.c: loads the shared library late, as Python and other languages do: load LIBRARY. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    uint32_t (*version)(void) = NULL;
    int (*create)(void **, const char *, uint64_t, const void *) = NULL;
    int (*close)(void **) = NULL;
    void *map = NULL;
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "load LIBRARY");
        return 1;
    }
    *(void **)&version = dlsym(library, "mmf_version");
    *(void **)&create = dlsym(library, "mmf_map_create");
    *(void **)&close = dlsym(library, "mmf_map_close");
    if (!version || !create || !close || create(&map, NULL, 5000, NULL) != 0 || close(&map) != 0 || map) {
        fprintf(stderr, "the loaded library does not work\n");
        return 1;
    }
    printf("loaded: libmmf %06x works\n", (unsigned)version());
    return 0;
}
