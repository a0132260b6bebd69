#include "adapter/keys_keystore_file.h"

#include "adapter/keys_scrypt.h"
#include "adapter/private_file.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/keccak.h"
#include "core/address.h"
#include "core/id.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <secp256k1.h>
#include <string.h>

#define IV_BYTES  16
#define KEY_BYTES 32
/* The derived key: the cipher's key first, then what the MAC is made of. */
#define CIPHER_KEY_BYTES 16
#define MAC_KEY_BYTES    16
#define DKLEN_MIN        (CIPHER_KEY_BYTES + MAC_KEY_BYTES)
#define SCRYPT_R         8
#define SCRYPT_P         1
#define SALT_BYTES       32

enum kdf {
	KDF_SCRYPT,
	KDF_PBKDF2,
};

/* What a file says, within the limits. */
struct keystore {
	enum keystore_kind kind;
	enum kdf kdf;
	uint64_t scrypt_n, scrypt_r, scrypt_p;
	int pbkdf2_c;
	size_t dklen;
	uint8_t salt[KEYSTORE_SALT_BYTES_MAX];
	size_t salt_len;
	uint8_t iv[IV_BYTES];
	uint8_t text[KEYSTORE_TEXT_BYTES_MAX]; /* encrypted */
	size_t text_len;
	uint8_t mac[KECCAK256_BYTES];
	bool has_address;
	struct address address;
};

/* --- what the file says -------------------------------------------------------------------------
 */

static bool malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_REFUSED, "keystore: %s is missing or not as it should be", what);
}

static bool is_power_of_two(uint64_t n)
{
	return n >= 2 && (n & (n - 1)) == 0;
}

/* An integer from 1 to max. */
static bool read_count(const struct json_value *object, const char *name, uint64_t max,
		       uint64_t *ret_count, struct err *err)
{
	int64_t value;

	if (!json_i64(json_member(object, name), &value) || value < 1)
		return malformed(err, name);
	if ((uint64_t)value > max)
		return err_set(err, ERR_REFUSED, "keystore: %s is %lld, above the limit of %llu",
			       name, (long long)value, (unsigned long long)max);
	*ret_count = (uint64_t)value;
	return true;
}

/* Hexadecimal text with or without 0x. */
static bool read_hex(const struct json_value *object, const char *name, uint8_t *ret_bytes,
		     size_t cap, size_t *ret_len, struct err *err)
{
	struct str text;
	size_t len;

	if (!json_string(json_member(object, name), &text))
		return malformed(err, name);
	if (str_starts_with(text, STR("0x")))
		text = str_skip(text, 2);
	len = text.len / 2;
	if (len == 0 || len > cap || !hex_read(text, ret_bytes, len))
		return malformed(err, name);
	*ret_len = len;
	return true;
}

static bool read_hex_exactly(const struct json_value *object, const char *name, uint8_t *ret_bytes,
			     size_t len, struct err *err)
{
	size_t got = 0;

	if (!read_hex(object, name, ret_bytes, len, &got, err))
		return false;
	return got == len || malformed(err, name);
}

static bool member_is(const struct json_value *object, const char *name, const char *expected)
{
	struct str text;

	return json_string(json_member(object, name), &text) && str_equal_text(text, expected);
}

static bool read_scrypt(const struct json_value *params, struct keystore *into, struct err *err)
{
	if (!read_count(params, "n", KEYSTORE_SCRYPT_N_MAX, &into->scrypt_n, err) ||
	    !read_count(params, "r", KEYSTORE_SCRYPT_R_MAX, &into->scrypt_r, err) ||
	    !read_count(params, "p", KEYSTORE_SCRYPT_P_MAX, &into->scrypt_p, err))
		return false;
	if (!is_power_of_two(into->scrypt_n))
		return malformed(err, "n");
	if (into->scrypt_n * into->scrypt_r * into->scrypt_p > KEYSTORE_SCRYPT_COST_MAX)
		return err_set(err, ERR_REFUSED, "keystore: n, r and p together ask for too much");
	return true;
}

static bool read_pbkdf2(const struct json_value *params, struct keystore *into, struct err *err)
{
	uint64_t count;

	if (!member_is(params, "prf", "hmac-sha256"))
		return malformed(err, "prf");
	if (!read_count(params, "c", KEYSTORE_PBKDF2_C_MAX, &count, err))
		return false;
	into->pbkdf2_c = (int)count;
	return true;
}

static bool read_kdf(const struct json_value *crypto, struct keystore *into, struct err *err)
{
	const struct json_value *params = json_member(crypto, "kdfparams");
	uint64_t dklen = 0;

	if (!read_count(params, "dklen", KEYSTORE_DKLEN_MAX, &dklen, err) ||
	    !read_hex(params, "salt", into->salt, sizeof into->salt, &into->salt_len, err))
		return false;
	if (dklen < DKLEN_MIN)
		return malformed(err, "dklen");
	into->dklen = (size_t)dklen;
	if (member_is(crypto, "kdf", "scrypt")) {
		into->kdf = KDF_SCRYPT;
		return read_scrypt(params, into, err);
	}
	if (member_is(crypto, "kdf", "pbkdf2")) {
		into->kdf = KDF_PBKDF2;
		return read_pbkdf2(params, into, err);
	}
	return malformed(err, "kdf");
}

static bool read_crypto(const struct json_value *root, struct keystore *into, struct err *err)
{
	/* geth writes crypto, ethers Crypto. */
	const struct json_value *crypto = json_member(root, "crypto");

	if (!crypto)
		crypto = json_member(root, "Crypto");
	if (!crypto || json_type_of(crypto) != JSON_TYPE_OBJECT)
		return malformed(err, "crypto");
	if (!member_is(crypto, "cipher", "aes-128-ctr"))
		return malformed(err, "cipher");
	return read_hex_exactly(json_member(crypto, "cipherparams"), "iv", into->iv, IV_BYTES,
				err) &&
	       read_hex(crypto, "ciphertext", into->text, sizeof into->text, &into->text_len,
			err) &&
	       read_hex_exactly(crypto, "mac", into->mac, sizeof into->mac, err) &&
	       read_kdf(crypto, into, err);
}

static bool read_kind(const struct json_value *root, struct keystore *into, struct err *err)
{
	const struct json_value *ours = json_member(root, "sluice");

	into->kind = KEYSTORE_KEY;
	if (!ours)
		return into->text_len == KEY_BYTES || malformed(err, "ciphertext");
	if (!member_is(ours, "kind", "seed"))
		return malformed(err, "sluice.kind");
	into->kind = KEYSTORE_SEED;
	/* The cipher keeps lengths. */
	return into->text_len >= 16 || malformed(err, "ciphertext");
}

static bool read_keystore(const struct json_value *root, struct keystore *into, struct err *err)
{
	int64_t version;

	if (!json_i64(json_member(root, "version"), &version) || version != 3)
		return malformed(err, "version");
	if (!read_crypto(root, into, err) || !read_kind(root, into, err))
		return false;
	into->has_address = into->kind == KEYSTORE_KEY && json_member(root, "address");
	return !into->has_address || read_hex_exactly(root, "address", into->address.bytes,
						      sizeof into->address.bytes, err);
}

/* --- cryptography -------------------------------------------------------------------------------
 */

/* Without an explicit bound OpenSSL stops at 32 MiB, and says nothing. */
static bool derive_scrypt(const struct keystore *file, struct str password, uint8_t *ret_derived)
{
	uint64_t memory_max =
		128 * file->scrypt_r * (file->scrypt_n + file->scrypt_p + 2) + (1U << 20);
	bool is_rfc_7914 = file->scrypt_r >= 4 || file->scrypt_n >> (16 * file->scrypt_r) == 0;

	if (!is_rfc_7914)
		return scrypt_derive(password, str_from_bytes(file->salt, file->salt_len),
				     file->scrypt_n, (uint32_t)file->scrypt_r,
				     (uint32_t)file->scrypt_p, ret_derived, file->dklen);
	return EVP_PBE_scrypt(password.at, password.len, file->salt, file->salt_len, file->scrypt_n,
			      file->scrypt_r, file->scrypt_p, memory_max, ret_derived,
			      file->dklen) == 1;
}

static bool derive(const struct keystore *file, struct str password, uint8_t *ret_derived,
		   struct err *err)
{
	bool done = false;

	if (!password.at)
		password = STR("");
	switch (file->kdf) {
	case KDF_SCRYPT:
		done = derive_scrypt(file, password, ret_derived);
		break;
	case KDF_PBKDF2:
		done = PKCS5_PBKDF2_HMAC(password.at, (int)password.len, file->salt,
					 (int)file->salt_len, file->pbkdf2_c, EVP_sha256(),
					 (int)file->dklen, ret_derived) == 1;
		break;
	}
	if (done)
		return true;
	ERR_clear_error();
	return err_set(err, ERR_NOT_DONE, "keystore: no memory to derive the key");
}

/* CTR is its own inverse. */
static void apply_cipher(const uint8_t key[CIPHER_KEY_BYTES], const uint8_t iv[IV_BYTES],
			 const uint8_t *from, uint8_t *ret_to, size_t len)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int written = 0;

	CHECK(cipher);
	CHECK(EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), NULL, key, iv) == 1);
	CHECK(EVP_EncryptUpdate(cipher, ret_to, &written, from, (int)len) == 1);
	CHECK(written == (int)len);
	EVP_CIPHER_CTX_free(cipher);
}

static void make_mac(const uint8_t *derived, const uint8_t *text, size_t text_len,
		     uint8_t ret_mac[KECCAK256_BYTES])
{
	uint8_t body[MAC_KEY_BYTES + KEYSTORE_TEXT_BYTES_MAX];

	CHECK(text_len <= KEYSTORE_TEXT_BYTES_MAX);
	memcpy(body, derived + CIPHER_KEY_BYTES, MAC_KEY_BYTES);
	memcpy(body + MAC_KEY_BYTES, text, text_len);
	keccak256(body, MAC_KEY_BYTES + text_len, ret_mac);
	secret_wipe(body, sizeof body);
}

/* False when the bytes are no private key. */
static bool address_of_key(const uint8_t key[KEY_BYTES], struct address *ret_address)
{
	secp256k1_context *curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	secp256k1_pubkey point;
	uint8_t serialized[65];
	size_t len = sizeof serialized;
	bool valid;

	CHECK(curve);
	valid = secp256k1_ec_pubkey_create(curve, &point, key);
	if (valid) {
		CHECK(secp256k1_ec_pubkey_serialize(curve, serialized, &len, &point,
						    SECP256K1_EC_UNCOMPRESSED));
		*ret_address = address_of_public_key(serialized + 1);
	}
	secp256k1_context_destroy(curve);
	return valid;
}

static bool check_key(const struct keystore *file, const uint8_t key[KEY_BYTES], struct err *err)
{
	struct address address;

	if (!address_of_key(key, &address))
		return err_set(err, ERR_REFUSED, "keystore: holds no key of this curve");
	if (file->has_address && !address_equal(address, file->address))
		return err_set(err, ERR_REFUSED, "keystore: says %s, but holds the key of %s",
			       address_text(file->address).at, address_text(address).at);
	return true;
}

static bool open_text(const struct keystore *file, const uint8_t *derived, struct secret *ret_bytes,
		      struct err *err)
{
	uint8_t mac[KECCAK256_BYTES];
	struct secret bytes;

	make_mac(derived, file->text, file->text_len, mac);
	if (!bytes_equal_constant_time(mac, file->mac, sizeof mac))
		return err_set(err, ERR_REFUSED,
			       "keystore: the password is wrong, or the file was changed");
	if (!secret_new(&bytes, file->text_len, err))
		return false;
	apply_cipher(derived, file->iv, file->text, bytes.at, file->text_len);
	if (file->kind == KEYSTORE_KEY && !check_key(file, bytes.at, err)) {
		secret_free(&bytes);
		return false;
	}
	*ret_bytes = bytes;
	return true;
}

bool keystore_decrypt(struct str text, struct str password, struct secret *ret_bytes,
		      enum keystore_kind *ret_kind, struct err *err)
{
	JSON_OWNED json = NULL;
	struct keystore file = { 0 };
	uint8_t derived[KEYSTORE_DKLEN_MAX];
	bool done;

	if (!json_parse(text, &json, err))
		return err_wrap(err, "keystore");
	if (!read_keystore(json_root(json), &file, err))
		return false;
	done = derive(&file, password, derived, err) && open_text(&file, derived, ret_bytes, err);
	secret_wipe(derived, sizeof derived);
	if (done)
		*ret_kind = file.kind;
	return done;
}

bool keystore_read(const char *path, struct str password, struct secret *ret_bytes,
		   enum keystore_kind *ret_kind, struct err *err)
{
	struct secret text;
	bool done;

	if (!secret_read_file(&text, path, KEYSTORE_FILE_BYTES_MAX, err))
		return false;
	done = keystore_decrypt(str_from_bytes(text.at, text.len), password, ret_bytes, ret_kind,
				err);
	secret_free(&text);
	return done || err_wrap(err, "%s", path);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void write_hex_member(struct buf *out, const char *name, const void *bytes, size_t len)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	hex_write(out, bytes, len);
	buf_byte(out, '"');
}

/* A name of the file, as other programs expect one; random, and used for nothing. */
static void write_id(struct buf *out, struct entropy *entropy)
{
	struct id id;
	struct id_text text;

	entropy_fill(entropy, id.bytes, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	text = id_text(id);
	json_write_member_text(out, "id", text.at);
}

static void write_keystore(const struct keystore *file, struct entropy *entropy, struct buf *out)
{
	buf_text(out, "{");
	json_write_name(out, "version");
	buf_text(out, "3");
	write_id(out, entropy);
	if (file->has_address)
		write_hex_member(out, "address", file->address.bytes, sizeof file->address.bytes);
	json_write_name(out, "crypto");
	buf_text(out, "{");
	json_write_member_text(out, "cipher", "aes-128-ctr");
	json_write_name(out, "cipherparams");
	buf_text(out, "{");
	write_hex_member(out, "iv", file->iv, sizeof file->iv);
	buf_text(out, "}");
	write_hex_member(out, "ciphertext", file->text, file->text_len);
	json_write_member_text(out, "kdf", "scrypt");
	json_write_name(out, "kdfparams");
	buf_text(out, "{");
	json_write_member_u64(out, "dklen", file->dklen);
	json_write_member_u64(out, "n", file->scrypt_n);
	json_write_member_u64(out, "r", file->scrypt_r);
	json_write_member_u64(out, "p", file->scrypt_p);
	write_hex_member(out, "salt", file->salt, file->salt_len);
	buf_text(out, "}");
	write_hex_member(out, "mac", file->mac, sizeof file->mac);
	buf_text(out, "}");
	if (file->kind == KEYSTORE_SEED)
		buf_text(out, ",\"sluice\":{\"kind\":\"seed\"}");
	buf_text(out, "}\n");
	CHECK(!out->overflow);
}

static bool describe(struct str bytes, enum keystore_kind kind, uint32_t scrypt_n,
		     struct entropy *entropy, struct keystore *ret_file, struct err *err)
{
	struct keystore file = {
		.kind = kind,
		.kdf = KDF_SCRYPT,
		.scrypt_n = scrypt_n,
		.scrypt_r = SCRYPT_R,
		.scrypt_p = SCRYPT_P,
		.dklen = DKLEN_MIN,
		.salt_len = SALT_BYTES,
		.text_len = bytes.len,
		.has_address = kind == KEYSTORE_KEY,
	};

	if (!is_power_of_two(scrypt_n) || scrypt_n > KEYSTORE_SCRYPT_N_MAX)
		return err_set(err, ERR_REFUSED, "keystore: n is not a power of two up to %d",
			       KEYSTORE_SCRYPT_N_MAX);
	if (kind == KEYSTORE_SEED && (bytes.len < 16 || bytes.len > 64))
		return err_set(err, ERR_REFUSED, "keystore: a seed has 16 to 64 bytes");
	if (kind == KEYSTORE_KEY &&
	    (bytes.len != KEY_BYTES || !address_of_key((const uint8_t *)bytes.at, &file.address)))
		return err_set(err, ERR_REFUSED, "keystore: no key of this curve");
	entropy_fill(entropy, file.salt, file.salt_len);
	entropy_fill(entropy, file.iv, sizeof file.iv);
	*ret_file = file;
	return true;
}

bool keystore_write(const char *path, struct str bytes, enum keystore_kind kind,
		    struct str password, uint32_t scrypt_n, struct entropy *entropy,
		    struct err *err)
{
	uint8_t derived[KEYSTORE_DKLEN_MAX];
	char text[2048];
	struct buf out = buf_of(text, sizeof text);
	struct keystore file;

	CHECK(path && entropy && (kind == KEYSTORE_KEY || kind == KEYSTORE_SEED));
	if (!describe(bytes, kind, scrypt_n, entropy, &file, err) ||
	    !derive(&file, password, derived, err))
		return false;
	apply_cipher(derived, file.iv, (const uint8_t *)bytes.at, file.text, bytes.len);
	make_mac(derived, file.text, file.text_len, file.mac);
	secret_wipe(derived, sizeof derived);
	write_keystore(&file, entropy, &out);
	return private_file_create(path, buf_view(&out), err);
}
