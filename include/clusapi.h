/* clusapi.h: the failover cluster API: clusters, their objects, their database, backup and restore.
 *
 * Why      programs that were written for Windows clusters find here the functions, types and constants that they know;
 *          behind them is a Rueda cluster.  Link with -lclusapi; compile with what `pkg-config --cflags clusapi` says.
 * Parts    clusapi/types.h      handles, states, structures        clusapi/properties.h  property lists
 *          clusapi/cluster.h    open, query, back up, restore      clusapi/registry.h    the cluster database
 *          clusapi/node.h       nodes                              clusapi/batch.h       batches of changes and reads
 *          clusapi/group.h      groups                             clusapi/notify.h      events
 *          clusapi/resource.h   resources and their types          clusapi/codes.h       control codes
 *          clusapi/network.h    networks and interfaces            clusapi/volume.h      cluster shared volumes
 *          clusapi/groupset.h   group sets, affinity rules         clusapi/setup.h       making and taking down clusters
 *          clusapi/reason.h     forms that take an audit reason
 *
 * What all functions have in common, unless they say otherwise:
 * Works    docs/SUPPORT.md lists which functions work.  One that does not fails with ERROR_CALL_NOT_IMPLEMENTED (120) in
 *          its own way of failing, and changes nothing.
 * Failure  a DWORD or LONG is a code of <winerror.h>, 0 = success; a handle is NULL, a BOOL is FALSE, a state is -1, and
 *          then GetLastError() has the code.  Functions that return a code leave it in GetLastError() as well.
 *          Codes that a comment lists are those to expect; any other code of <winerror.h> may come, above all
 *          ERROR_INVALID_HANDLE (6), ERROR_INVALID_PARAMETER (87), ERROR_ACCESS_DENIED (5),
 *          ERROR_NOT_ENOUGH_MEMORY (8), ERROR_SHARING_PAUSED (70: no quorum, or just starting or stopping) and those of
 *          the connection, such as RPC_S_SERVER_UNAVAILABLE (1722).
 * Strings  are terminated and of WCHARs (see <windows.h>).  Names of objects are compared without regard to case.
 * Sizes    cch counts WCHARs: on input the capacity with the terminator, on output the length without it.  cb counts
 *          bytes, with the terminators of strings.  A buffer that is too small gives ERROR_MORE_DATA (234) and the
 *          size in the output count (cch: without the terminator, so add one).
 * Handles  a returned handle belongs to the caller, who closes it with the function named there; handles got through a
 *          cluster handle are closed before it.  Any bit pattern may be passed as a handle: what is not an open handle
 *          of the right kind gives ERROR_INVALID_HANDLE (6).  They are not inherited across fork().
 * Pointers arguments are borrowed for the time of the call; output parameters are written on success only, counts also
 *          with 234.
 * Threads  all functions from any thread.  Closing a handle while another thread uses it is safe: the call that runs
 *          ends in its own time or is released by the close, and later calls get 6.
 * Access   reading needs read access to the cluster, changing needs full access (see OpenClusterEx()).
 * Follows  the public documentation of clusapi.h, in the generation of 2003 for backup and restore and of 2012 and
 *          later for the rest; the protocol underneath is [MS-CMRP].
 * Pages    docs/design/library.md, docs/SUPPORT.md          Tests  tests/integration/headers.py
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_H
#define RUEDA_CLUSAPI_H

#include "windows.h"

#include "clusapi/types.h"

#include "clusapi/batch.h"
#include "clusapi/cluster.h"
#include "clusapi/codes.h"
#include "clusapi/group.h"
#include "clusapi/groupset.h"
#include "clusapi/network.h"
#include "clusapi/node.h"
#include "clusapi/notify.h"
#include "clusapi/properties.h"
#include "clusapi/reason.h"
#include "clusapi/registry.h"
#include "clusapi/resource.h"
#include "clusapi/setup.h"
#include "clusapi/volume.h"

#endif
