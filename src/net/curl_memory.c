#include "net/curl_memory.h"

#include "base/check.h"
#include "base/secret.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *memory)
{
	if (memory == NULL)
		return;
	secret_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

/* What realloc leaves behind would not be overwritten. */
static void *move(void *memory, size_t size)
{
	void *moved = malloc(size);
	if (moved == NULL || memory == NULL)
		return moved;
	size_t held = malloc_usable_size(memory);
	memcpy(moved, memory, held < size ? held : size);
	wipe_and_free(memory);
	return moved;
}

void curl_memory_start(void)
{
	CHECK(curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, move, strdup,
				   calloc) == CURLE_OK);
}
