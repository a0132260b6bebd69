/* What only a person can put right: an editor of the database, a stranger with the key, a chain
 * that takes back what was final. */
#include "sim/world.h"

#include <stdio.h>

static void edit(struct sim_world *world, const char *what, const char *literal, int64_t row)
{
	struct err err = { 0 };
	if (world->depth > 0)
		return;
	CHECK(db_begin(world->db, true, &err));
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, row);
	world->editing = true;
	enum db_step step = db_step(world->db, statement, &err);
	CHECK(step == DB_DONE || step == DB_CONFLICT);
	db_reset(world->db, statement);
	CHECK(db_commit(world->db, &err));
	sim_check_changes(world);
	world->editing = false;
	sim_tell(world, "editor: row %lld %s", (long long)row, what);
}

void sim_editor_act(struct sim_world *world)
{
	struct sim_order *order =
		&world->orders[sim_between(world, 0, (int64_t)world->orders_len - 1)];
	if (order->row == 0)
		return;
	switch (sim_between(world, 0, 3)) {
	case 0:
		edit(world, "is queued again",
		     "UPDATE withdrawals SET stage = 3, version = version + 1, due_at = 0 "
		     "WHERE rowid = ?",
		     order->row);
		break;
	case 1:
		edit(world, "has another receiver",
		     "UPDATE withdrawals SET receiver = x'00000000000000000000000000000000000bad01' "
		     "WHERE rowid = ? AND stage < 5",
		     order->row);
		break;
	case 2:
		edit(world, "is a round ahead",
		     "UPDATE withdrawals SET stage = 3, round = round + 1, version = version + 1, "
		     "due_at = 0 WHERE rowid = ?",
		     order->row);
		break;
	default:
		edit(world, "has another amount",
		     "UPDATE withdrawals SET amount = zeroblob(31) || x'01' "
		     "WHERE rowid = ? AND stage < 5",
		     order->row);
		break;
	}
}

void sim_outside_foreign(struct sim_world *world)
{
	struct address to;
	sim_random_fill(&world->random, to.bytes, sizeof to.bytes);
	if ((world->causes & SIM_CAUSE_FOREIGN) != 0)
		return;
	world->causes |= SIM_CAUSE_FOREIGN;
	sim_chain_foreign(world->model, (unsigned)sim_between(world, 0, SIM_WALLETS - 1), to,
			  u256_from_u64(1));
	sim_tell(world, "chain: a stranger has a key");
}

void sim_outside_take_back(struct sim_world *world)
{
	uint64_t depth = (uint64_t)sim_between(world, 20, 250);
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0)
		return;
	world->causes |= SIM_CAUSE_TAKE_BACK;
	uint64_t back = sim_chain_reorg_final(world->model, depth, 500, world->now_ms);
	sim_tell(world, "chain: %llu blocks are taken back, final ones too",
		 (unsigned long long)back);
}
