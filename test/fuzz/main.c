/* Runs a fuzz target over every file of its corpus, without libFuzzer, as a test.
 *
 * usage: fuzz_TARGET DIRECTORY|FILE... */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX ((size_t)1 << 20)

static void file_run(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct buf bytes = buf_new(INPUT_BYTES_MAX);
	CHECK(file != NULL);
	bytes.len = fread(bytes.at, 1, bytes.cap, file);
	CHECK(fclose(file) == 0 && bytes.len < bytes.cap);
	char *copy = fuzz_copy(buf_view(&bytes));
	fprintf(stderr, "%s\n", path); /* the last one is the one that failed */
	LLVMFuzzerTestOneInput((const uint8_t *)copy, bytes.len);
	free(copy);
	buf_free(&bytes);
}

static int directory_run(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;
	CHECK(directory != NULL);
	for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		CHECK(snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name);
		file_run(name);
		count++;
	}
	closedir(directory);
	return count;
}

int main(int count, char **arguments)
{
	int ran = 0;
	for (int i = 1; i < count; i++) {
		struct stat status;
		CHECK(stat(arguments[i], &status) == 0);
		if (S_ISDIR(status.st_mode)) {
			ran += directory_run(arguments[i]);
		} else {
			file_run(arguments[i]);
			ran++;
		}
	}
	printf("1..1\n%s 1 - %d inputs\n", ran > 0 ? "ok" : "not ok", ran);
	return ran > 0 ? 0 : 1;
}
