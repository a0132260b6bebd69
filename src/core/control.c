#include "core/control.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"

#include <string.h>

#define LABEL "sluice controls 1"

/* A row's texts, seven lengths and four numbers. */
#define ROW_MAX (sizeof(struct control) + 64)
#define SET_MAX (CONTROLS_MAX * ROW_MAX + 128)

_Static_assert(ACCOUNT_LEN_MAX <= CONTROL_NAME_LEN_MAX, "a name holds an account");
_Static_assert(20 + 1 + SYMBOL_LEN_MAX <= CONTROL_NAME_LEN_MAX, "and a chain's asset");

/* ---- the seal ---- */

static void text_put(struct buf *out, const char *text, size_t cap)
{
	buf_prefixed(out, text, strnlen(text, cap));
}

static void row_put(struct buf *out, const struct control *row)
{
	buf_prefixed_u64(out, (uint64_t)row->scope);
	text_put(out, row->name, sizeof row->name);
	buf_prefixed_u64(out, row->stops);
	buf_prefixed_u64(out, row->version);
	buf_prefixed_u64(out, (uint64_t)row->since);
	text_put(out, row->who, sizeof row->who);
	text_put(out, row->reason, sizeof row->reason);
}

/* A digest: a set may be longer than what a MAC is made of elsewhere. */
static struct str fields_of(const struct control_set *set, uint8_t ret_digest[SHA256_BYTES])
{
	char storage[SET_MAX];
	struct buf out = buf_of(storage, SET_MAX);
	CHECK(set->len <= CONTROLS_MAX);
	buf_prefixed_u64(&out, set->version);
	buf_prefixed_u64(&out, set->reset_version);
	buf_prefixed_u64(&out, (uint64_t)set->changed_at);
	buf_prefixed_u64(&out, set->len);
	for (size_t i = 0; i < set->len; i++)
		row_put(&out, &set->rows[i]);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_digest);
	return str_from_bytes(ret_digest, SHA256_BYTES);
}

static int rows_compare(const struct control *a, const struct control *b)
{
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void rows_sort(struct control_set *set)
{
	for (size_t i = 1; i < set->len; i++) {
		struct control moved = set->rows[i];
		size_t at = i;
		for (; at > 0 && rows_compare(&set->rows[at - 1], &moved) > 0; at--)
			set->rows[at] = set->rows[at - 1];
		set->rows[at] = moved;
	}
}

void control_set_seal(const struct mac_keys *keys, struct control_set *set)
{
	uint8_t digest[SHA256_BYTES];
	CHECK(set->version > 0 && !set->is_cut);
	rows_sort(set);
	set->mac = row_mac_make(keys, LABEL, fields_of(set, digest));
}

/* Nobody has ever set a switch: that needs no seal, and is no news to who has seen one. */
static bool is_untouched(const struct control_set *set)
{
	return set->version == 0 && set->len == 0 && set->reset_version == 0;
}

bool control_set_is_sealed(const struct mac_keys *keys, const struct control_set *set)
{
	uint8_t digest[SHA256_BYTES];
	if (is_untouched(set) || !DEFENCE("switches_are_sealed"))
		return true;
	return set->version > 0 && !set->is_cut &&
	       row_mac_verify(keys, LABEL, fields_of(set, digest), &set->mac);
}

/* ---- what is believed ---- */

static bool is_older(const struct control_set *set, const struct control_seen *seen)
{
	return set->version < seen->version && DEFENCE("old_switches_are_noticed");
}

static bool is_another(const struct control_set *set, const struct control_seen *seen)
{
	return set->version == seen->version && set->version > 0 &&
	       memcmp(set->mac.bytes, seen->mac, sizeof seen->mac) != 0;
}

bool control_version_is_possible(uint64_t version, int64_t now_ms)
{
	return (now_ms > 0 && version <= (uint64_t)now_ms + CONTROL_AHEAD_MS) ||
	       !DEFENCE("switches_count_to_now");
}

enum control_doubt control_judge(const struct mac_keys *keys, const struct control_set *set,
				 struct control_seen *inout_seen, int64_t now_ms)
{
	if (!set->has_head)
		return CONTROL_MISSING;
	if (!control_set_is_sealed(keys, set) || !control_version_is_possible(set->version, now_ms))
		return CONTROL_FORGED;
	bool older = is_older(set, inout_seen);
	bool another = is_another(set, inout_seen);
	inout_seen->is_doubted |= older || another;
	if (another)
		return CONTROL_DIFFERS;
	bool reset = set->reset_version > inout_seen->version;
	/* What is made on top of an old set lacks what the newer ones had, whatever its number. */
	return older || (inout_seen->is_doubted && !reset) ? CONTROL_OLD : CONTROL_BELIEVED;
}

void control_seen_note(const struct control_set *set, struct control_seen *ret_seen)
{
	ret_seen->version = set->version;
	memcpy(ret_seen->mac, set->mac.bytes, sizeof ret_seen->mac);
	ret_seen->is_doubted = false;
}

const char *control_doubt_text(enum control_doubt doubt)
{
	switch (doubt) {
	case CONTROL_BELIEVED:
		return "";
	case CONTROL_UNREADABLE:
		return "unreadable";
	case CONTROL_MISSING:
		return "missing";
	case CONTROL_FORGED:
		return "forged";
	case CONTROL_OLD:
		return "old";
	case CONTROL_DIFFERS:
		return "differs";
	}
	return "unknown";
}

/* ---- what is stopped ---- */

static bool asset_is(const char *name, const struct control_subject *subject)
{
	struct str chain, symbol;
	uint64_t id = 0;
	if (subject->asset == NULL)
		return false;
	if (!str_cut(str_from(name), '/', &chain, &symbol))
		return strcmp(name, subject->asset) == 0;
	return str_to_u64(chain, &id) && id == subject->chain_id &&
	       str_equal_text(symbol, subject->asset);
}

static bool chain_is(const char *name, uint64_t chain_id)
{
	uint64_t id = 0;
	return chain_id != 0 && str_to_u64(str_from(name), &id) && id == chain_id;
}

static bool names(const struct control *row, const struct control_subject *subject)
{
	switch (row->scope) {
	case CONTROL_ALL:
		return true;
	case CONTROL_CHAIN:
		return chain_is(row->name, subject->chain_id);
	case CONTROL_ASSET:
		return asset_is(row->name, subject);
	case CONTROL_ACCOUNT:
		return subject->account != NULL && strcmp(row->name, subject->account) == 0;
	case CONTROL_WALLET:
		return subject->wallet != NULL &&
		       strcmp(row->name, address_text(*subject->wallet).at) == 0;
	}
	return true; /* an edited row: whoever it is of */
}

unsigned control_stops(const struct control_set *set, const struct control_subject *subject)
{
	unsigned stops = 0;
	for (size_t i = 0; i < set->len; i++)
		if (names(&set->rows[i], subject))
			stops |= set->rows[i].stops;
	return (stops & CONTROL_BROADCAST) != 0 ? stops | CONTROL_SIGNING : stops;
}

unsigned control_stops_doubted(const struct control_set *set, const struct control_set *believed,
			       const struct control_subject *subject)
{
	unsigned stops = control_stops(set, subject) | CONTROL_INTAKE | CONTROL_SIGNING;
	return believed == NULL ? stops : stops | control_stops(believed, subject);
}

unsigned control_stops_any(const struct control_set *set)
{
	unsigned stops = 0;
	for (size_t i = 0; i < set->len; i++)
		if (set->rows[i].scope == CONTROL_ASSET || set->rows[i].scope == CONTROL_ACCOUNT)
			stops |= set->rows[i].stops;
	return (stops & CONTROL_BROADCAST) != 0 ? stops | CONTROL_SIGNING : stops;
}

/* ---- changes ---- */

static size_t row_find(const struct control_set *set, enum control_scope scope, const char *name)
{
	size_t at = 0;
	while (at < set->len &&
	       (set->rows[at].scope != scope || strcmp(set->rows[at].name, name) != 0))
		at++;
	return at;
}

const struct control *control_find(const struct control_set *set, enum control_scope scope,
				   const char *name)
{
	size_t at = row_find(set, scope, name);
	return at < set->len ? &set->rows[at] : NULL;
}

static void set_changed(struct control_set *set, int64_t now_ms)
{
	set->version++;
	set->changed_at = now_ms;
}

bool control_set_put(struct control_set *set, const struct control *row, int64_t now_ms)
{
	size_t at = row_find(set, row->scope, row->name);
	unsigned before = at < set->len ? set->rows[at].stops : 0;
	CHECK(row->stops != 0 && (row->stops & ~CONTROL_STOPS_ALL) == 0);
	/* The last place is for who stops everything. */
	size_t places = row->scope == CONTROL_ALL ? CONTROLS_MAX : CONTROLS_MAX - 1;
	bool is_full = at == set->len && at >= places;
	if ((before | row->stops) == before || is_full)
		return false;
	set_changed(set, now_ms);
	set->rows[at] = *row;
	set->rows[at].stops = before | row->stops;
	set->rows[at].version = set->version;
	set->rows[at].since = now_ms;
	set->len += at == set->len ? 1 : 0;
	rows_sort(set);
	return true;
}

bool control_set_lift(struct control_set *set, enum control_scope scope, const char *name,
		      unsigned stops, int64_t now_ms)
{
	size_t at = row_find(set, scope, name);
	if (at == set->len || (set->rows[at].stops & stops) == 0)
		return false;
	set_changed(set, now_ms);
	set->rows[at].stops &= ~stops;
	set->rows[at].version = set->version;
	if (set->rows[at].stops != 0)
		return true;
	set->len--;
	memmove(&set->rows[at], &set->rows[at + 1], (set->len - at) * sizeof set->rows[0]);
	return true;
}

/* ---- texts ---- */

static const char *const scope_texts[CONTROL_SCOPES + 1] = {
	[CONTROL_ALL] = "global",      [CONTROL_CHAIN] = "chain",   [CONTROL_ASSET] = "asset",
	[CONTROL_ACCOUNT] = "account", [CONTROL_WALLET] = "wallet",
};

const char *control_scope_text(enum control_scope scope)
{
	return scope >= CONTROL_ALL && scope <= CONTROL_WALLET ? scope_texts[scope] : "unknown";
}

bool control_scope_read(struct str text, enum control_scope *ret_scope)
{
	for (int i = CONTROL_ALL; i <= CONTROL_WALLET; i++) {
		if (!str_equal_text(text, scope_texts[i]))
			continue;
		*ret_scope = (enum control_scope)i;
		return true;
	}
	return false;
}

static const char *const stop_texts[] = { "intake", "signing", "broadcast" };
#define STOPS (sizeof stop_texts / sizeof stop_texts[0])

void control_stops_write(unsigned stops, struct buf *out)
{
	const char *between = "";
	for (size_t i = 0; i < STOPS; i++) {
		if ((stops & (1U << i)) == 0)
			continue;
		buf_text(out, between);
		buf_text(out, stop_texts[i]);
		between = ",";
	}
}

static unsigned stop_read(struct str text)
{
	for (size_t i = 0; i < STOPS; i++)
		if (str_equal_text(text, stop_texts[i]))
			return 1U << i;
	return 0;
}

bool control_stops_read(struct str text, unsigned *ret_stops)
{
	unsigned stops = 0;
	struct str rest = text;
	for (size_t i = 0; i < STOPS && rest.len > 0; i++) {
		struct str one = rest, after = { "", 0 };
		(void)str_cut(rest, ',', &one, &after);
		unsigned stop = stop_read(str_trim(one));
		if (stop == 0)
			return false;
		stops |= stop;
		rest = after;
	}
	if (stops == 0 || rest.len > 0)
		return false;
	*ret_stops = stops;
	return true;
}

static bool chain_name_read(struct str text, struct buf *out)
{
	uint64_t id = 0;
	if (!str_to_u64(text, &id) || id == 0)
		return false;
	buf_decimal(out, id);
	return true;
}

static bool symbol_read(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '/')
			return false;
	buf_str(out, text);
	return text.len > 0 && text.len <= SYMBOL_LEN_MAX;
}

static bool asset_name_read(struct str text, struct buf *out)
{
	struct str chain, symbol;
	if (!str_cut(text, '/', &chain, &symbol))
		return symbol_read(text, out);
	if (!chain_name_read(chain, out))
		return false;
	buf_byte(out, '/');
	return symbol_read(symbol, out);
}

static bool account_name_read(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	buf_str(out, text);
	return text.len > 0 && text.len <= ACCOUNT_LEN_MAX;
}

static bool wallet_name_read(struct str text, struct buf *out)
{
	struct address address;
	if (address_read(text, &address) != ADDRESS_OK)
		return false;
	buf_text(out, address_text(address).at);
	return true;
}

static bool name_read(enum control_scope scope, struct str text, struct buf *out)
{
	switch (scope) {
	case CONTROL_ALL:
		return text.len == 0;
	case CONTROL_CHAIN:
		return chain_name_read(text, out);
	case CONTROL_ASSET:
		return asset_name_read(text, out);
	case CONTROL_ACCOUNT:
		return account_name_read(text, out);
	case CONTROL_WALLET:
		return wallet_name_read(text, out);
	}
	return false;
}

bool control_name_read(enum control_scope scope, struct str text,
		       char ret_name[CONTROL_NAME_LEN_MAX + 1])
{
	char name[CONTROL_NAME_LEN_MAX + 1];
	struct buf out = buf_of(name, sizeof name);
	if (!name_read(scope, text, &out))
		return false;
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	memcpy(ret_name, name, out.len + 1);
	return true;
}
