#include "cmd/secret_place.h"

#include "adapter/secret_aws.h"
#include "cmd/secret_reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES_MAX        32 /* passwords, PINs and URLs of one configuration */
#define DEADLINE_MS       10000
#define ENDPOINT_VARIABLE "AWS_ENDPOINT_URL_SECRETS_MANAGER" /* as AWS's own programs have it */

/* What was fetched, so that it is fetched once. */
static struct fetched {
	char *place;
	char path[32];
} fetched[PLACES_MAX];
static size_t fetched_len;

/* Pages that are locked into memory and left out of core dumps stay mapped for that. */
static bool content_write(int fd, const struct secret *secret)
{
	if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 || ftruncate(fd, (off_t)secret->len) != 0)
		return false;
	void *at = mmap(NULL, secret->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return false;
	if (mlock(at, secret->len) != 0 || madvise(at, secret->len, MADV_DONTDUMP) != 0) {
		(void)munmap(at, secret->len);
		return false;
	}
	memcpy(at, secret->at, secret->len);
	return true;
}

static bool file_make(const char *place, const struct secret *secret, const char **ret_path,
		      struct err *err)
{
	struct fetched *one = &fetched[fetched_len];
	int fd = memfd_create("sluice-secret", MFD_CLOEXEC);
	if (fd < 0 || !content_write(fd, secret)) {
		err_set(err, ERR_NOT_DONE, "memory for a secret: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	one->place = strdup(place);
	CHECK(one->place != NULL);
	(void)snprintf(one->path, sizeof one->path, "/proc/self/fd/%d", fd);
	fetched_len++;
	*ret_path = one->path;
	return true;
}

bool secret_place_path(const char *place, const char **ret_path, struct err *err)
{
	struct secret_reference reference;
	struct secret secret;
	if (!secret_reference_is_meant(str_from(place))) {
		*ret_path = place;
		return true;
	}
	for (size_t i = 0; i < fetched_len; i++) {
		if (strcmp(fetched[i].place, place) != 0)
			continue;
		*ret_path = fetched[i].path;
		return true;
	}
	CHECK(fetched_len < PLACES_MAX);
	CHECK(secret_reference_read(str_from(place), &reference)); /* the configuration's rule */
	struct secret_aws_options options = {
		.region = reference.region,
		.endpoint = getenv(ENDPOINT_VARIABLE),
		.deadline_ms = DEADLINE_MS,
	};
	if (!secret_aws_fetch(&options, reference.name, reference.member, &secret, err))
		return false;
	bool ok = file_make(place, &secret, ret_path, err);
	secret_free(&secret);
	return ok;
}
