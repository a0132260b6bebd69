/* The head of the store's feed, in the signer's journal. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_FEED_H
#define SLUICE_SERVICE_SIGNER_SIGNER_FEED_H

struct signer;

/* Now and then. A fault keeps nobody from being paid: it is logged, and tried again. */
void signer_feed_copy(struct signer *self);

#endif
