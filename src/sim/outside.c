/* What only a person can put right: a stranger with the key, a chain that takes back what was
 * final, a node that lies.
 */
#include "sim/world.h"

#define HONEST_SHARE   400 /* per mille: a liar is honest again */
#define LIES_TOGETHER  3
#define LIE_BLOCKS_MAX 30

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

static uint64_t own_below(struct sim_world *world, uint64_t n)
{
	return sim_random_below(&world->own, n);
}

/* Those that lead to the seed's favourite call; or some. */
static unsigned lies_choose(struct sim_world *world, unsigned favourite)
{
	unsigned lies = favourite & (unsigned)own_below(world, 1U << SIM_LIES);
	if (lies == 0 && !sim_random_chance(&world->own, HONEST_SHARE))
		for (int i = 0; i < LIES_TOGETHER; i++)
			lies |= 1U << own_below(world, SIM_LIES);
	if ((lies >> SIM_LIE_STRANGER & 1U) != 0)
		lies |= 1U << SIM_LIE_NONCE;
	return lies;
}

void sim_outside_lie(struct sim_world *world)
{
	unsigned favourite = sim_favourite_lies(world);
	/* The front asks the first one first. */
	uint64_t index = favourite != 0 ? 0 : world->options->seed % world->nodes_len;
	struct sim_node_settings *settings = sim_node_settings(world->nodes[index]);
	uint64_t head = sim_chain_head(world->model);
	uint64_t back = own_below(world, LIE_BLOCKS_MAX);
	/* With one node nobody can know better. */
	if (world->nodes_len < 2)
		return;
	settings->lies = lies_choose(world, favourite);
	settings->lie_per_mille =
		(unsigned)(favourite != 0 || own_below(world, 2) == 0 ? 1000 : 300);
	settings->lie_kind = (unsigned)own_below(world, 60);
	settings->lie_block = head > back ? head - back : 0;
	world->has_lies |= settings->lies != 0;
	sim_tell(world, "node: lies %x", settings->lies);
}
