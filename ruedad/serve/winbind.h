/* winbind: logins of a domain's accounts by NTLM, where Samba's winbindd runs.  See winbind.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "io/proc.h"
#include "rpc/auth/ntlm.h"

enum {
	WINBIND_AT_A_TIME = 4, /* Helpers. */
	WINBIND_WAITING_MAX = 64,
	WINBIND_LOOK_S = 4,  /* What a helper may take. */
	WINBIND_CHECK_S = 8, /* Samba's clients give up after 10. */
	WINBIND_FRESH_S = 60,
	WINBIND_QUIET_S = 60, /* Between two lines about the same. */
};

struct winbind;

/* Both are borrowed and outlive it. */
int winbind_new(struct loop *loop, struct proc *proc, struct winbind **ret);
struct ntlm_authority *winbind_authority(struct winbind *w);
/* Nobody asks any more: done() comes when no helper runs, perhaps at once.  Then it may be freed, from done() as well. */
void winbind_stop(struct winbind *w, loop_callback *done, void *data);
void winbind_free(struct winbind *w);
