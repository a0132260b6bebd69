/* Which signer has which wallet, where several live: share.c. On one host nobody shares. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_SHARE_H
#define SLUICE_SERVICE_SIGNER_SIGNER_SHARE_H

#include "service/signer/signer_parts.h"

/* Before a look at the leases: are the nodes that were away still away? */
void signer_share_look(struct signer *self);
/* With the look: nothing of the wallet is half done, and it may be given to who asks for it; */
bool signer_share_gives(const struct signer *self, const struct signer_wallet *wallet);
/* its nodes or its keys have been away for long, and another signer may have them: the lease is
 * left to stand still, and goes on when nobody has taken it; */
bool signer_share_rests(const struct signer *self, const struct signer_wallet *wallet);
/* somebody else has it now. */
void signer_share_lost(struct signer *self, struct signer_wallet *wallet);
/* After it: whom to ask for a wallet with the next one. */
void signer_share(struct signer *self);

#endif
