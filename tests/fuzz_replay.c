/* fuzz_replay.c -- runs a fuzz target over the files it is given: the corpus, in every build. */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024 };

int
main(int argc, char **argv)
{
    LLVMFuzzerTestOneInput(NULL, 0);
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        uint8_t *data = malloc(INPUT_BYTES_MAX);
        ASSERT(data);
        size_t size = fread(data, 1, INPUT_BYTES_MAX, f);
        fclose(f);
        uint8_t *exact = malloc(size ? size : 1);
        ASSERT(exact);
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        free(data);
    }
    printf("replayed %d inputs\n", argc - 1);
    return 0;
}
