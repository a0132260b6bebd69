#include "cmd/key_input.h"

#include "base/hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_BYTES_MAX 1024
#define PRIVATE_KEY_BYTES  32

/* Up to the end of the file; at a terminal up to the end of the line, which is not shown. */
static bool input_read(struct secret *ret_text, struct err *err)
{
	struct termios shown;
	bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	if (!secret_new(ret_text, KEYSTORE_FILE_BYTES_MAX, err))
		return false;
	if (is_terminal) {
		struct termios hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		(void)fputs("private key (not shown): ", stderr);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	size_t len = 0;
	ssize_t got = 1;
	while (got > 0 && len < ret_text->len) {
		got = read(STDIN_FILENO, ret_text->at + len, ret_text->len - len);
		len += got > 0 ? (size_t)got : 0;
		if (is_terminal && len > 0 && ret_text->at[len - 1] == '\n')
			break;
	}
	if (is_terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		(void)fputc('\n', stderr);
	}
	if (len == 0 && got == 0) {
		secret_free(ret_text);
		return err_set(err, ERR_REFUSED,
			       "standard input is empty: give the key there, or name its file with "
			       "--from FILE");
	}
	if (got < 0 || len == ret_text->len) {
		secret_free(ret_text);
		return err_set(err, ERR_NOT_DONE, "standard input: %s",
			       got < 0 ? strerror(errno) : "too long");
	}
	ret_text->len = len;
	return true;
}

static bool keystore_take(struct str text, const char *password_file, struct secret *ret_bytes,
			  enum keystore_kind *ret_kind, struct err *err)
{
	struct secret password;
	if (password_file == NULL)
		return err_set(err, ERR_REFUSED,
			       "this is an encrypted key: --from-password-file is needed");
	if (!secret_read_file(&password, password_file, PASSWORD_BYTES_MAX, err))
		return false;
	bool ok = keystore_decrypt(text, str_from_bytes(password.at, password.len), ret_bytes,
				   ret_kind, err);
	secret_free(&password);
	return ok;
}

static bool hex_take(struct str text, struct secret *ret_bytes, enum keystore_kind *ret_kind,
		     struct err *err)
{
	if (str_starts_with(text, STR("0x")))
		text = str_skip(text, 2);
	if (!secret_new(ret_bytes, PRIVATE_KEY_BYTES, err))
		return false;
	if (!hex_read(text, ret_bytes->at, PRIVATE_KEY_BYTES)) {
		secret_free(ret_bytes);
		return err_set(err, ERR_REFUSED,
			       "neither 64 hexadecimal digits nor a Web3 Secret Storage file");
	}
	*ret_kind = KEYSTORE_KEY;
	return true;
}

bool key_input_read(const char *path, const char *password_file, struct secret *ret_bytes,
		    enum keystore_kind *ret_kind, struct err *err)
{
	struct secret input;
	bool ok = path != NULL ? secret_read_file(&input, path, KEYSTORE_FILE_BYTES_MAX, err)
			       : input_read(&input, err);
	if (!ok)
		return false;
	struct str text = str_from_bytes(input.at, input.len);
	while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL)
		text.len--;
	text = str_trim(text);
	if (text.len > 0 && text.at[0] == '{')
		ok = keystore_take(text, password_file, ret_bytes, ret_kind, err);
	else
		ok = hex_take(text, ret_bytes, ret_kind, err);
	secret_free(&input);
	return ok;
}
