/* Which source the keys come from, and when they are fetched anew. */
#include "net/aws_credentials_parts.h"

#include "base/check.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_MS 300000 /* the services hand out the next keys at least that early */
#define AGAIN_MS 1000
#define RENEW_MS 10000

bool aws_is_region(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= AWS_REGION_LEN_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

void aws_endpoint_write(const char *service, const char *region, struct buf *out)
{
	CHECK(aws_is_region(region));
	const char *suffix = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
	buf_format(out, "https://%s.%s.amazonaws.com%s", service, region, suffix);
}

/* ---- the process's own ---- */

static const char *own_variable(void *context, const char *name)
{
	(void)context;
	return getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets any
}

static int64_t own_now_ms(void *context)
{
	struct timespec now;
	(void)context;
	CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *aws_variable(const struct aws_credentials *credentials, const char *name)
{
	const struct aws_credentials_options *options = &credentials->options;
	const char *value = options->variable(options->context, name);
	return value != NULL && value[0] != 0 ? value : NULL;
}

bool aws_profile_path(const struct aws_credentials *credentials, struct buf *out)
{
	const char *path = aws_variable(credentials, "AWS_SHARED_CREDENTIALS_FILE");
	const char *home = aws_variable(credentials, "HOME");
	if (path == NULL && home == NULL)
		return false;
	buf_text(out, path != NULL ? path : home);
	buf_text(out, path != NULL ? "" : "/.aws/credentials");
	return buf_terminated(out) != NULL && !out->overflow;
}

/* ---- the source ---- */

static bool has_file(const struct aws_credentials *credentials)
{
	char text[1024];
	struct buf path = buf_of(text, sizeof text);
	if (aws_variable(credentials, "AWS_SHARED_CREDENTIALS_FILE") != NULL ||
	    aws_variable(credentials, "AWS_PROFILE") != NULL)
		return true;
	return aws_profile_path(credentials, &path) && access(text, F_OK) == 0;
}

static bool is_instance_allowed(const struct aws_credentials *credentials)
{
	const char *disabled = aws_variable(credentials, "AWS_EC2_METADATA_DISABLED");
	return disabled == NULL || !str_equal_fold(str_from(disabled), STR("true"));
}

static bool choose_source(const struct aws_credentials *credentials, enum aws_source *ret_source,
			  struct err *err)
{
	bool has_id = aws_variable(credentials, "AWS_ACCESS_KEY_ID") != NULL;
	bool has_secret = aws_variable(credentials, "AWS_SECRET_ACCESS_KEY") != NULL;
	bool has_web_token = aws_variable(credentials, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL;
	if (has_id != has_secret)
		return err_set(err, ERR_REFUSED,
			       "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
			       "only one is set");
	if (has_web_token && !has_id && aws_variable(credentials, "AWS_ROLE_ARN") == NULL)
		return err_set(err, ERR_REFUSED,
			       "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
	if (has_id)
		*ret_source = AWS_SOURCE_ENVIRONMENT;
	else if (has_web_token)
		*ret_source = AWS_SOURCE_WEB_IDENTITY;
	else if (has_file(credentials))
		*ret_source = AWS_SOURCE_FILE;
	else if (aws_variable(credentials, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
		 aws_variable(credentials, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL)
		*ret_source = AWS_SOURCE_CONTAINER;
	else if (is_instance_allowed(credentials))
		*ret_source = AWS_SOURCE_INSTANCE;
	else
		return err_set(err, ERR_REFUSED,
			       "no AWS credentials are set up (environment, web identity, "
			       "~/.aws/credentials, container or instance)");
	return true;
}

const char *aws_credentials_source(const struct aws_credentials *credentials)
{
	static const char *const texts[] = {
		[AWS_SOURCE_ENVIRONMENT] = "environment",
		[AWS_SOURCE_WEB_IDENTITY] = "web identity",
		[AWS_SOURCE_FILE] = "file",
		[AWS_SOURCE_CONTAINER] = "container",
		[AWS_SOURCE_INSTANCE] = "instance",
	};
	return texts[credentials->source];
}

bool aws_credentials_open(const struct aws_credentials_options *options,
			  struct aws_credentials **ret_credentials, struct err *err)
{
	CHECK(aws_is_region(options->region));
	struct aws_credentials *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	if (self->options.variable == NULL)
		self->options.variable = own_variable;
	if (self->options.now_ms == NULL)
		self->options.now_ms = own_now_ms;
	CHECK(str_copy(str_from(options->region), self->region, sizeof self->region));
	self->options.region = self->region;
	if (!choose_source(self, &self->source, err) ||
	    !secret_new(&self->memory, 2 * sizeof(struct aws_keys), err)) {
		aws_credentials_close(self);
		return false;
	}
	self->keys = (struct aws_keys *)(void *)self->memory.at;
	self->fresh = self->keys + 1;
	*ret_credentials = self;
	return true;
}

void aws_credentials_close(struct aws_credentials *credentials)
{
	if (credentials == NULL)
		return;
	secret_free(&credentials->memory);
	free(credentials);
}

/* ---- when ---- */

/* A clock that was set back holds nobody up for longer than it says. */
static bool is_too_early(int64_t now, int64_t not_before)
{
	return now < not_before && not_before - now <= RENEW_MS;
}

/* True: the keys are others now. */
static bool fetch(struct aws_credentials *self, int64_t now, int64_t deadline_ms)
{
	struct err failure = { 0 };
	bool is_done = aws_keys_fetch(self, deadline_ms, self->fresh, &failure);
	bool is_other = is_done &&
			(!self->has_keys || strcmp(self->fresh->secret, self->keys->secret) != 0 ||
			 strcmp(self->fresh->token, self->keys->token) != 0 ||
			 strcmp(self->fresh->key_id, self->keys->key_id) != 0);
	self->failure = failure;
	self->fetch_at = now + (is_done ? RENEW_MS : AGAIN_MS);
	if (is_done) {
		*self->keys = *self->fresh;
		self->has_keys = true;
	}
	secret_wipe(self->fresh, sizeof *self->fresh);
	return is_other;
}

bool aws_credentials_keys(struct aws_credentials *credentials, int64_t deadline_ms,
			  const struct aws_keys **ret_keys, struct err *err)
{
	CHECK(deadline_ms > 0);
	int64_t now = credentials->options.now_ms(credentials->options.context);
	const struct aws_keys *keys = credentials->keys;
	bool is_due = !credentials->has_keys || keys->expires_at - AHEAD_MS <= now;
	if (is_due && !is_too_early(now, credentials->fetch_at))
		(void)fetch(credentials, now, deadline_ms);
	/* Whether keys that were just handed out have expired is for the service to say, whose
	 * clock may be better than ours. */
	bool has_failed = credentials->failure.kind != ERR_NONE;
	if (!credentials->has_keys || (has_failed && keys->expires_at <= now)) {
		if (err != NULL)
			*err = credentials->failure;
		return err_wrap(err, "AWS credentials (%s)", aws_credentials_source(credentials));
	}
	*ret_keys = keys;
	return true;
}

bool aws_credentials_renew(struct aws_credentials *credentials, int64_t deadline_ms)
{
	CHECK(deadline_ms > 0);
	int64_t now = credentials->options.now_ms(credentials->options.context);
	if (is_too_early(now, credentials->renew_at))
		return false;
	credentials->renew_at = now + RENEW_MS;
	return fetch(credentials, now, deadline_ms);
}
