/* What only a person can put right: a stranger with the key, a chain that takes back what was
 * final.
 */
#include "sim/world.h"

void sim_outside_foreign(struct sim_world *world)
{
	struct address to;
	sim_random_fill(&world->random, to.bytes, sizeof to.bytes);
	if ((world->causes & SIM_CAUSE_FOREIGN) != 0)
		return;
	world->causes |= SIM_CAUSE_FOREIGN;
	unsigned wallet = (unsigned)sim_between(world, 0, SIM_WALLETS - 1);
	world->foreign |= 1U << wallet;
	sim_chain_foreign(world->model, wallet, to, u256_from_u64(1));
	sim_tell(world, "chain: a stranger has a key");
}

void sim_outside_take_back(struct sim_world *world)
{
	uint64_t depth = (uint64_t)sim_between(world, 20, 250);
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0)
		return;
	world->causes |= SIM_CAUSE_TAKE_BACK;
	uint64_t back = sim_chain_reorg_final(world->model, depth, 500, world->now_ms);
	world->reorgs++;
	world->is_reorged = true;
	sim_check_block(world);
	sim_tell(world, "chain: %llu blocks are taken back, final ones too",
		 (unsigned long long)back);
}
