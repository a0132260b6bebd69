#include "adapter/secrets_aes.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <string.h>

#define ID_LEN    4
#define NONCE_LEN 12
#define TAG_LEN   16
#define PLACE_MAX 256
#define HEAD_LEN  (ID_LEN + NONCE_LEN)

_Static_assert(HEAD_LEN + TAG_LEN == SECRETS_OVERHEAD, "the port says how much longer it gets");

static struct secrets_aes *self_of(struct secrets *secrets)
{
	return (struct secrets_aes *)(void *)secrets;
}

/* A length before each part, so that none flows into its neighbour. */
static struct str place_text(const struct secrets_place *place, char storage[PLACE_MAX])
{
	struct buf out = buf_of(storage, PLACE_MAX);
	buf_prefixed(&out, "sluice secret 1", sizeof "sluice secret 1" - 1);
	buf_prefixed(&out, place->table, strlen(place->table));
	buf_prefixed(&out, place->row.at, place->row.len);
	buf_prefixed(&out, place->column, strlen(place->column));
	CHECK(!out.overflow);
	return buf_view(&out);
}

/* Both directions begin alike. Out of memory is the end here, as everywhere. */
static EVP_CIPHER_CTX *cipher_begin(bool encrypts, const uint8_t key[32], const uint8_t *nonce,
				    const struct secrets_place *place)
{
	char storage[PLACE_MAX];
	struct str text = place_text(place, storage);
	int len = 0;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	CHECK(cipher != NULL);
	CHECK(EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce, encrypts ? 1 : 0) ==
	      1);
	CHECK(EVP_CipherUpdate(cipher, NULL, &len, (const uint8_t *)text.at, (int)text.len) == 1);
	return cipher;
}

static void aes_seal(struct secrets *secrets, const struct secrets_place *place, struct str plain,
		     uint8_t *ret_sealed)
{
	struct secrets_aes *self = self_of(secrets);
	const struct mac_key *key = &self->keys->keys[0];
	struct buf head = buf_of(ret_sealed, ID_LEN);
	uint8_t *nonce = ret_sealed + ID_LEN, *body = ret_sealed + HEAD_LEN;
	int len = 0, rest = 0;
	buf_u32(&head, key->id);
	entropy_fill(self->entropy, nonce, NONCE_LEN);
	EVP_CIPHER_CTX *cipher = cipher_begin(true, key->key, nonce, place);
	CHECK(EVP_CipherUpdate(cipher, body, &len, (const uint8_t *)plain.at, (int)plain.len) == 1);
	CHECK(EVP_CipherFinal_ex(cipher, body + len, &rest) == 1);
	CHECK((size_t)(len + rest) == plain.len);
	CHECK(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_LEN, body + plain.len) == 1);
	EVP_CIPHER_CTX_free(cipher);
}

static const struct mac_key *key_find(const struct mac_keys *keys, const uint8_t id[ID_LEN])
{
	uint32_t wanted =
		(uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
	for (size_t i = 0; i < keys->len; i++)
		if (keys->keys[i].id == wanted)
			return &keys->keys[i];
	return NULL;
}

static bool decrypt(const struct mac_key *key, const struct secrets_place *place,
		    const uint8_t *sealed, size_t plain_len, uint8_t *ret_plain)
{
	uint8_t tag[TAG_LEN];
	int len = 0, rest = 0;
	memcpy(tag, sealed + HEAD_LEN + plain_len, TAG_LEN);
	EVP_CIPHER_CTX *cipher = cipher_begin(false, key->key, sealed + ID_LEN, place);
	CHECK(EVP_CipherUpdate(cipher, ret_plain, &len, sealed + HEAD_LEN, (int)plain_len) == 1);
	CHECK(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1);
	bool is_ours = EVP_CipherFinal_ex(cipher, ret_plain + len, &rest) == 1;
	EVP_CIPHER_CTX_free(cipher);
	if (!is_ours) /* what came out of the cipher before its tag was known is nobody's */
		secret_wipe(ret_plain, plain_len);
	return is_ours;
}

static bool aes_open(struct secrets *secrets, const struct secrets_place *place, struct str sealed,
		     uint8_t *ret_plain, bool *ret_is_old, struct err *err)
{
	struct secrets_aes *self = self_of(secrets);
	const uint8_t *bytes = (const uint8_t *)sealed.at;
	const struct mac_key *key = key_find(self->keys, bytes);
	if (key == NULL)
		return err_set(err, ERR_REFUSED, "%s.%s is sealed under a key that is not here",
			       place->table, place->column);
	if (!decrypt(key, place, bytes, sealed.len - SECRETS_OVERHEAD, ret_plain))
		return err_set(err, ERR_REFUSED, "%s.%s was changed, or belongs elsewhere",
			       place->table, place->column);
	*ret_is_old = key != &self->keys->keys[0];
	return true;
}

void secrets_aes_init(struct secrets_aes *secrets, const struct mac_keys *keys,
		      struct entropy *entropy)
{
	static const struct secrets_ops ops = { aes_seal, aes_open };
	CHECK(keys->len > 0);
	*secrets = (struct secrets_aes){ .base = { &ops }, .keys = keys, .entropy = entropy };
}
