#include "cmd/password_input.h"

#include "base/hash.h"
#include "port/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line, or all there is. Byte by byte: what stands behind the line is the next reader's. */
static bool line_read(struct secret *ret_line, struct err *err)
{
	size_t len = 0;
	ssize_t got = 1;
	if (!secret_new(ret_line, PASSWORD_LEN_MAX + 1, err))
		return false;
	while (len < ret_line->len) {
		got = read(STDIN_FILENO, ret_line->at + len, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || ret_line->at[len] == '\n')
			break;
		len++;
	}
	if (got < 0 || len == 0 || len == ret_line->len) {
		secret_free(ret_line);
		return err_set(err, got < 0 ? ERR_NOT_DONE : ERR_REFUSED, "the password %s",
			       got < 0    ? "cannot be read"
			       : len == 0 ? "is missing on standard input; or name a file with "
					    "--password-file"
					  : "is too long");
	}
	ret_line->len = len;
	return true;
}

static bool prompt_read(const char *prompt, const struct termios *shown, struct secret *ret_line,
			struct err *err)
{
	struct termios hidden = *shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)fputs(prompt, stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	bool ok = line_read(ret_line, err);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, shown);
	(void)fputc('\n', stderr);
	return ok;
}

bool password_input_read(const char *path, struct secret *ret_password, struct err *err)
{
	struct termios shown;
	struct secret first, second;
	if (path != NULL)
		return secret_read_file(ret_password, path, PASSWORD_LEN_MAX, err);
	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return line_read(ret_password, err);
	if (!prompt_read("new password (not shown): ", &shown, &first, err))
		return false;
	if (!prompt_read("once more: ", &shown, &second, err)) {
		secret_free(&first);
		return false;
	}
	bool is_same = first.len == second.len &&
		       bytes_equal_constant_time(first.at, second.at, first.len);
	secret_free(&second);
	if (!is_same) {
		secret_free(&first);
		return err_set(err, ERR_REFUSED, "the two are not the same");
	}
	*ret_password = first;
	return true;
}
