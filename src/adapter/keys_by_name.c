#include "adapter/keys_by_name.h"

#include "core/limits.h"
#include "net/circuit_breaker.h"

#include <stdlib.h>

struct store {
	char name[KEYS_STORE_NAME_LEN_MAX + 1];
	struct keys *keys;
	bool is_neighbour;
	struct circuit_breaker breaker;
};

struct keys_by_name {
	struct keys base;
	struct clock *clock;
	struct store stores[KEYS_STORES_MAX];
	size_t len;
};

static struct keys_by_name *by_name_of(struct keys *keys)
{
	return (struct keys_by_name *)keys;
}

/* NULL when no store has the name. */
static struct store *store_find(struct keys_by_name *self, const char *key_ref)
{
	struct str name = str_from(key_ref), key;
	(void)str_cut(name, '/', &name, &key);
	for (size_t i = 0; i < self->len; i++)
		if (str_equal_text(name, self->stores[i].name))
			return &self->stores[i];
	return NULL;
}

static bool refuse_unknown(const char *key_ref, struct err *err)
{
	return err_set(err, ERR_REFUSED, "no key store is named as in \"%s\"", key_ref);
}

/* What failed is the store's own; a key that it does not have is an answer. */
static void breaker_leave(struct keys_by_name *self, struct store *store, struct circuit_pass pass,
			  const struct keys_result *results)
{
	unsigned failed = 0;
	for (unsigned i = 0; i < pass.calls; i++)
		if (!results[i].done && results[i].err.kind == ERR_NOT_DONE)
			failed++;
	circuit_breaker_leave(&store->breaker, clock_monotonic_ms(self->clock), pass,
			      pass.calls - failed, failed);
}

/* All n requests are of this store. */
static void store_sign(struct keys_by_name *self, struct store *store,
		       const struct keys_request *requests, size_t n,
		       struct keys_result *ret_results)
{
	struct circuit_pass pass;
	int64_t now_ms = clock_monotonic_ms(self->clock);
	size_t may = n;
	if (store->is_neighbour)
		may = circuit_breaker_enter(&store->breaker, now_ms, (unsigned)n, &pass);
	for (size_t i = may; i < n; i++) {
		ret_results[i] = (struct keys_result){ .done = false };
		err_set(&ret_results[i].err, ERR_NOT_DONE,
			"the keys of \"%s\" fail, and are left alone for a while", store->name);
	}
	if (may > 0)
		keys_sign_many(store->keys, requests, may, ret_results);
	if (may > 0 && store->is_neighbour)
		breaker_leave(self, store, pass, ret_results);
}

static void by_name_sign_many(struct keys *base, const struct keys_request *requests, size_t n,
			      struct keys_result *ret_results)
{
	struct keys_by_name *self = by_name_of(base);
	struct keys_request some[BATCH_MAX];
	struct keys_result results[BATCH_MAX];
	size_t which[BATCH_MAX];
	for (size_t at = 0; at < self->len; at++) {
		size_t len = 0;
		for (size_t i = 0; i < n; i++) {
			if (store_find(self, requests[i].key_ref) != &self->stores[at])
				continue;
			which[len] = i;
			some[len++] = requests[i];
		}
		if (len > 0)
			store_sign(self, &self->stores[at], some, len, results);
		for (size_t i = 0; i < len; i++)
			ret_results[which[i]] = results[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (store_find(self, requests[i].key_ref) != NULL)
			continue;
		ret_results[i] = (struct keys_result){ .done = false };
		refuse_unknown(requests[i].key_ref, &ret_results[i].err);
	}
}

/* Asked for at the start alone, where a breaker has nothing to tell. */
static bool by_name_address(struct keys *base, const char *key_ref, struct address *ret_address,
			    struct err *err)
{
	struct store *store = store_find(by_name_of(base), key_ref);
	if (store == NULL)
		return refuse_unknown(key_ref, err);
	return keys_address(store->keys, key_ref, ret_address, err);
}

static void by_name_close(struct keys *base)
{
	struct keys_by_name *self = by_name_of(base);
	for (size_t i = 0; i < self->len; i++) {
		bool is_closed = false;
		for (size_t k = 0; k < i; k++)
			is_closed = is_closed || self->stores[k].keys == self->stores[i].keys;
		if (!is_closed)
			keys_close(self->stores[i].keys);
	}
	free(self);
}

static const struct keys_ops by_name_ops = {
	.sign_many = by_name_sign_many,
	.address = by_name_address,
	.close = by_name_close,
};

struct keys *keys_by_name_new(const struct keys_by_name_options *options)
{
	CHECK(options->len >= 1 && options->len <= KEYS_STORES_MAX && options->clock != NULL);
	struct keys_by_name *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &by_name_ops;
	self->clock = options->clock;
	for (size_t i = 0; i < options->len; i++) {
		const struct keys_store *from = &options->stores[i];
		struct store *store = &self->stores[i];
		CHECK(store_find(self, from->name) == NULL);
		CHECK(str_copy(str_from(from->name), store->name, sizeof store->name));
		store->keys = from->keys;
		store->is_neighbour = from->neighbour != NULL;
		if (store->is_neighbour)
			circuit_breaker_init(&store->breaker, options->metrics, from->neighbour);
		self->len++;
	}
	return &self->base;
}
