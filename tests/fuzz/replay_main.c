/*
 * Runs a fuzz target over files, for builds without libFuzzer: each argument is a file or a
 * folder of files. Exits 0 when all came through; a harm ends the process by its signal.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long n_files;

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *data = malloc(1 << 20);
    if (data == NULL)
        abort();
    size_t n = fread(data, 1, 1 << 20, f);
    fclose(f);
    /* its own exact allocation, so that a sanitizer sees what is read too far */
    uint8_t *exact = realloc(data, n == 0 ? 1 : n);
    LLVMFuzzerTestOneInput(exact == NULL ? data : exact, n);
    free(exact == NULL ? data : exact);
    n_files++;
    return 0;
}

static int run(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return run_file(path);
    int failed = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char full[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        failed |= run_file(full);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run(argv[i]);
    printf("%lu files\n", n_files);
    return failed != 0 || n_files == 0;
}
