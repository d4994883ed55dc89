/* clusapi/registry.h: the cluster database: keys, values, security.
 *
 * The database is one tree of keys, the same on every node.  A change is durable and visible through every node when
 * the call returns.  Every handle of a key (HKEY) belongs to the cluster, never to a registry of this machine.
 *
 * Names    are relative to an open key; levels are separated by '\'; a name must not begin with '\'.  At most 255
 *          WCHARs for a key's name, 16,383 for a value's, 32,767 for a path.  The value with the empty name is the
 *          default value.
 * Types    REG_ constants of windows/access.h.  Text carries its terminator, and sizes in bytes count it.
 * Rights   samDesired: KEY_ rights of windows/access.h.
 * Codes    beside those below, all may return 1018 (the key was deleted since it was opened) and 234.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_REGISTRY_H
#define RUEDA_CLUSAPI_REGISTRY_H

#include "types.h"

RUEDA_BEGIN_DECLARATIONS

/* ---- Keys of objects ---- */

/* Open the root of the cluster database.
 *
 * samDesired  the rights that are wanted.
 *
 * Returns a key for ClusterRegCloseKey().  NULL and the last error: 5. */
HKEY GetClusterKey(HCLUSTER hCluster, REGSAM samDesired);

/* Open the key that holds a group's data.  Parameters and result as for GetClusterKey(); 5012: the group is gone. */
HKEY GetClusterGroupKey(HGROUP hGroup, REGSAM samDesired);

/* Open the key that holds a resource's data; its private properties are in the subkey Parameters.  Parameters and
 * result as for GetClusterKey(); 5006: the resource is gone. */
HKEY GetClusterResourceKey(HRESOURCE hResource, REGSAM samDesired);

/* Open the key that holds a node's data.  Parameters and result as for GetClusterKey(); 5042: the node is gone. */
HKEY GetClusterNodeKey(HNODE hNode, REGSAM samDesired);

/* Open the key that holds a network's data.  Parameters and result as for GetClusterKey(); 5045: the network is
 * gone. */
HKEY GetClusterNetworkKey(HNETWORK hNetwork, REGSAM samDesired);

/* Open the key that holds a network interface's data.  Parameters and result as for GetClusterKey(); 5047: it is
 * gone. */
HKEY GetClusterNetInterfaceKey(HNETINTERFACE hNetInterface, REGSAM samDesired);

/* Open the key that holds a resource type's data.
 *
 * lpszTypeName  the type's name.
 * samDesired    the rights that are wanted.
 *
 * Returns a key for ClusterRegCloseKey().  NULL and the last error: 5078 there is no such type. */
HKEY GetClusterResourceTypeKey(HCLUSTER hCluster, LPCWSTR lpszTypeName, REGSAM samDesired);

/* ---- Keys ---- */

/* Create a key, with all levels that are missing on the way, or open it if it is there.
 *
 * hKey                  the key that lpszSubKey is relative to.
 * lpszSubKey            its name; not NULL.  "" gives another handle for hKey.
 * dwOptions             REG_OPTION_NON_VOLATILE; cluster keys are never volatile.
 * samDesired            the rights that are wanted.
 * lpSecurityAttributes  not used: a new key takes its parent's security (see ClusterRegSetKeySecurity()).
 * phkResult             receives the key, for ClusterRegCloseKey().
 * lpdwDisposition       receives REG_CREATED_NEW_KEY or REG_OPENED_EXISTING_KEY; may be NULL.
 *
 * Returns 0; 87, 123 a bad name; 206 a name is too long. */
LONG ClusterRegCreateKey(HKEY hKey, LPCWSTR lpszSubKey, DWORD dwOptions, REGSAM samDesired,
    LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult, LPDWORD lpdwDisposition);

/* Open a key that is there.
 *
 * hKey        the key that lpszSubKey is relative to.
 * lpszSubKey  its name; not NULL.  "" gives another handle for hKey.
 * samDesired  the rights that are wanted.
 * phkResult   receives the key, for ClusterRegCloseKey().
 *
 * Returns 0; 2 there is no such key. */
LONG ClusterRegOpenKey(HKEY hKey, LPCWSTR lpszSubKey, REGSAM samDesired, PHKEY phkResult);

/* Delete a key and its values.  A key with subkeys is refused (a batch can delete a whole tree).
 *
 * hKey        the key that lpszSubKey is relative to.
 * lpszSubKey  its name; not NULL and not "".
 *
 * Returns 0; 2 there is no such key; 5 it has subkeys. */
LONG ClusterRegDeleteKey(HKEY hKey, LPCWSTR lpszSubKey);

/* Close a key.  Returns 0; 6. */
LONG ClusterRegCloseKey(HKEY hKey);

/* Name and time of one subkey.
 *
 * hKey               the key.
 * dwIndex            from 0 up; the order means nothing and may change with the subkeys.
 * lpszName           buffer for the name.
 * lpcchName          in: capacity in WCHARs with the terminator.  out: length without it.
 * lpftLastWriteTime  receives the time of the subkey's last change; may be NULL.
 *
 * Returns 0; 259 there are no more; 234 the buffer is too small. */
LONG ClusterRegEnumKey(HKEY hKey, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName, PFILETIME lpftLastWriteTime);

/* What a key holds, in numbers.  Every output may be NULL.
 *
 * hKey                    the key.
 * lpcSubKeys              number of subkeys.
 * lpcchMaxSubKeyLen       length of the longest subkey name, in WCHARs without the terminator.
 * lpcValues               number of values.
 * lpcchMaxValueNameLen    length of the longest value name, in WCHARs without the terminator.
 * lpcbMaxValueLen         size of the largest value, in bytes.
 * lpcbSecurityDescriptor  size of the security descriptor, in bytes.
 * lpftLastWriteTime       time of the last change.
 *
 * Returns 0; 6; 1018. */
LONG ClusterRegQueryInfoKey(HKEY hKey, LPDWORD lpcSubKeys, LPDWORD lpcchMaxSubKeyLen, LPDWORD lpcValues,
    LPDWORD lpcchMaxValueNameLen, LPDWORD lpcbMaxValueLen, LPDWORD lpcbSecurityDescriptor, PFILETIME lpftLastWriteTime);

/* ---- Values ---- */

/* Create or replace a value.
 *
 * hKey           the key.
 * lpszValueName  NULL or "": the default value.
 * dwType         a REG_ type; kept as it is given.
 * lpData         the data; NULL only if cbData is 0.
 * cbData         its size in bytes, for text with the terminator; at most 1 MiB with the names around it.
 *
 * Returns 0; 206 the name is too long; 5030 the value is too large. */
DWORD ClusterRegSetValue(HKEY hKey, LPCWSTR lpszValueName, DWORD dwType, const BYTE *lpData, DWORD cbData);

/* Delete a value.
 *
 * hKey           the key.
 * lpszValueName  NULL or "": the default value.
 *
 * Returns 0; 2 there is no such value. */
DWORD ClusterRegDeleteValue(HKEY hKey, LPCWSTR lpszValueName);

/* Read a value.
 *
 * hKey             the key.
 * lpszValueName    NULL or "": the default value.
 * lpdwValueType    receives the type; may be NULL.
 * lpData           buffer for the data; NULL asks for the size only.
 * lpcbData         in: capacity in bytes.  out: size of the data in bytes.  May be NULL only if lpData is.
 *
 * Returns 0; 2 there is no such value; 234 the buffer is too small, and *lpcbData says what is needed. */
LONG ClusterRegQueryValue(HKEY hKey, LPCWSTR lpszValueName, LPDWORD lpdwValueType, LPBYTE lpData, LPDWORD lpcbData);

/* Name, type and data of one value.
 *
 * hKey              the key.
 * dwIndex           from 0 up; the order means nothing and may change with the values.
 * lpszValueName     buffer for the name.
 * lpcchValueName    in: capacity in WCHARs with the terminator.  out: length without it.
 * lpdwType          receives the type; may be NULL.
 * lpData, lpcbData  buffer and size of the data in bytes, as for ClusterRegQueryValue().
 *
 * Returns 0; 259 there are no more; 234 one of the buffers is too small. */
DWORD ClusterRegEnumValue(HKEY hKey, DWORD dwIndex, LPWSTR lpszValueName, LPDWORD lpcchValueName, LPDWORD lpdwType,
    LPBYTE lpData, LPDWORD lpcbData);

/* ---- Security and the database as a whole ---- */

/* Copy the security descriptor of a key.
 *
 * hKey                    the key.
 * RequestedInformation    which parts: OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION.
 * pSecurityDescriptor     buffer for the self-relative descriptor.
 * lpcbSecurityDescriptor  in: capacity in bytes.  out: size in bytes.
 *
 * Returns 0; 122 the buffer is too small. */
LONG ClusterRegGetKeySecurity(HKEY hKey, SECURITY_INFORMATION RequestedInformation,
    PSECURITY_DESCRIPTOR pSecurityDescriptor, LPDWORD lpcbSecurityDescriptor);

/* Replace parts of the security descriptor of a key; the only way to set one.
 *
 * hKey                 the key.
 * SecurityInformation  which parts.
 * pSecurityDescriptor  a self-relative descriptor with at least these parts.
 *
 * Returns 0; 5946 the descriptor is not valid. */
LONG ClusterRegSetKeySecurity(
    HKEY hKey, SECURITY_INFORMATION SecurityInformation, PSECURITY_DESCRIPTOR pSecurityDescriptor);

/* Wait until this node has every change that the cluster has acknowledged before the call.
 *
 * hCluster  the cluster.
 * flags     0.
 *
 * Returns 0; 87 other flags. */
LONG ClusterRegSyncDatabase(HCLUSTER hCluster, DWORD flags);

RUEDA_END_DECLARATIONS

#endif
