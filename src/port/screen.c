#include "port/screen.h"

#include "port/stop_point.h"

enum screen_begun screen_begin(struct screen *screen, const struct intent *intent)
{
	PORT_CALL();
	CHECK(!id_is_zero(intent->id));
	return screen->ops->begin(screen, intent);
}

/* An outcome that is no answer never carries one. */
bool screen_next(struct screen *screen, int64_t wait_ms, struct screen_outcome *ret_outcome)
{
	PORT_CALL();
	CHECK(wait_ms >= 0);
	*ret_outcome = (struct screen_outcome){ 0 };
	if (!screen->ops->next(screen, wait_ms, ret_outcome))
		return false;
	CHECK(!id_is_zero(ret_outcome->withdrawal));
	CHECK(ret_outcome->is_answered == (ret_outcome->answer.decision != 0));
	CHECK(ret_outcome->is_answered || ret_outcome->err.text[0] != 0);
	return true;
}

void screen_close(struct screen *screen)
{
	if (screen != NULL)
		screen->ops->close(screen);
}

const char *screen_decision_text(enum screen_decision decision)
{
	switch (decision) {
	case SCREEN_ALLOW:
		return "allow";
	case SCREEN_DENY:
		return "deny";
	case SCREEN_REVIEW:
		return "review";
	}
	return "none";
}
