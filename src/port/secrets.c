#include "port/secrets.h"

#include "base/check.h"

static void place_check(const struct secrets_place *place)
{
	CHECK(place != NULL && place->table != NULL && place->column != NULL);
	CHECK(place->row.len > 0);
}

void secrets_seal(struct secrets *secrets, const struct secrets_place *place, struct str plain,
		  uint8_t *ret_sealed)
{
	place_check(place);
	CHECK(plain.len > 0 && plain.len <= SECRETS_PLAIN_MAX);
	secrets->ops->seal(secrets, place, plain, ret_sealed);
}

bool secrets_open(struct secrets *secrets, const struct secrets_place *place, struct str sealed,
		  uint8_t *ret_plain, bool *ret_is_old, struct err *err)
{
	place_check(place);
	/* What the store holds is foreign. */
	if (sealed.len <= SECRETS_OVERHEAD || sealed.len > SECRETS_MAX)
		return err_set(err, ERR_REFUSED, "%s.%s: this is no sealed secret", place->table,
			       place->column);
	return secrets->ops->open(secrets, place, sealed, ret_plain, ret_is_old, err);
}
