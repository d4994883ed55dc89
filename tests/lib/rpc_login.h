/* rpc_login: accounts, chance and time for tests of authentication; and a client and a server of the echo interface that
 * log in over nothing but memory.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/ntlm.h"
#include "rpc/channel.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

extern const struct auth_source login_source;  /* The same bytes each time. */
extern const struct rpc_identity login_nobody; /* Somebody remote who has not said who he is. */

/* alice (All) and bob (Read), whose passwords are "Secret.1" and "Secret.2". */
int login_lookup(void *data, struct u16 user, struct u16 domain, struct ntlm_account *ret);
struct ntlm_acceptor login_acceptor(void);
struct ntlm_initiator login_initiator(struct u16 user, struct u16 password);

/* A server with that provider, and one connection of nobody to it. */
void login_setup(struct echo *e, struct peer *p, const struct rpc_security_provider *provider);
int login_channel(struct rpc_channel *ch, const struct rpc_security_provider *initiator, uint8_t level);
/* Bytes to and fro until there are no more. */
void login_exchange(struct rpc_channel *ch, struct peer *p);
void login_done(struct echo *e, struct peer *p, struct rpc_channel *ch);
