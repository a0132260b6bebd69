/* The memory of curl: overwritten before it goes back, since curl keeps what it signs with in it,
 * and forgets to. */
#ifndef SLUICE_NET_CURL_MEMORY_H
#define SLUICE_NET_CURL_MEMORY_H

/* Prepares curl for its use; once for each client, ended by curl_global_cleanup. Aborts when curl
 * cannot be used. */
void curl_memory_start(void);

#endif
