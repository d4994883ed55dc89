/* resapi/property.h: property lists and property tables: reading, checking and storing the properties of objects.
 *
 * A property table (an array of RESUTIL_PROPERTY_ITEM that ends with a Name of NULL) names properties with their
 * types and ranges, and says where each lies in a parameter block, a structure of the caller.  A property list is
 * the form that control codes take and give (clusapi/properties.h).  pcbBytesReturned receives the bytes written,
 * pcbRequired the bytes needed with 234; both may be NULL.  What is allocated is freed with LocalFree().
 *
 * Codes: 13 bytes that are no property list, or a value of another format than asked for; 2 a property or value that is
 * not there; 87 a name that the table does not have or that is read-only, another format, a number out of range, a value
 * that the database cannot hold; 160 no table; and what the calls of the database give.  A list is checked as a whole
 * before anything of it is stored.  A property without data is deleted, and has its default in a parameter block.
 *
 * In a parameter block a DWORD, LONG and what has 64 bits is the number, SZ and EXPAND_SZ an LPWSTR, MULTI_SZ and BINARY
 * a pointer with a DWORD of its bytes behind.  The block owns what it points to; it begins as zeros.  The default of a
 * MULTI_SZ or BINARY has Minimum bytes.
 * Included by <resapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_PROPERTY_H
#define RUEDA_RESAPI_PROPERTY_H

#include "../clusapi.h"

typedef struct RESUTIL_LARGEINT_DATA {
	LARGE_INTEGER Default;
	LARGE_INTEGER Minimum;
	LARGE_INTEGER Maximum;
} RESUTIL_LARGEINT_DATA, *PRESUTIL_LARGEINT_DATA;
typedef struct RESUTIL_ULARGEINT_DATA {
	ULARGE_INTEGER Default;
	ULARGE_INTEGER Minimum;
	ULARGE_INTEGER Maximum;
} RESUTIL_ULARGEINT_DATA, *PRESUTIL_ULARGEINT_DATA;
typedef struct RESUTIL_FILETIME_DATA {
	FILETIME Default;
	FILETIME Minimum;
	FILETIME Maximum;
} RESUTIL_FILETIME_DATA, *PRESUTIL_FILETIME_DATA;

typedef struct RESUTIL_PROPERTY_ITEM {
	LPWSTR Name;
	LPWSTR KeyName; /* Subkey that holds the value; NULL: the key itself. */
	DWORD Format;   /* CLUSPROP_FORMAT_. */
	__extension__ union {
		DWORD_PTR DefaultPtr;
		DWORD Default;
		LPVOID lpDefault;
		PRESUTIL_LARGEINT_DATA LargeIntData;
		PRESUTIL_ULARGEINT_DATA ULargeIntData;
		PRESUTIL_FILETIME_DATA FileTimeData;
	};
	DWORD Minimum;
	DWORD Maximum;
	DWORD Flags;  /* RESUTIL_PROPITEM_. */
	DWORD Offset; /* In the parameter block, in bytes. */
} RESUTIL_PROPERTY_ITEM, *PRESUTIL_PROPERTY_ITEM;
#define RESUTIL_PROPITEM_READ_ONLY 0x00000001u
#define RESUTIL_PROPITEM_REQUIRED 0x00000002u
#define RESUTIL_PROPITEM_SIGNED 0x00000004u
#define RESUTIL_PROPITEM_IN_MEMORY 0x00000008u

RUEDA_BEGIN_DECLARATIONS

/* ---- Lists from keys ---- */

/* The names in a table, as a list of texts. */
DWORD ResUtilEnumProperties(const PRESUTIL_PROPERTY_ITEM pPropertyTable, LPWSTR pszOutProperties,
    DWORD cbOutPropertiesSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* The names of the values of a key, as a list of texts. */
DWORD ResUtilEnumPrivateProperties(HKEY hkeyClusterKey, LPWSTR pszOutProperties, DWORD cbOutPropertiesSize,
    LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* A property list of the values of a key that a table names. */
DWORD ResUtilGetProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    DWORD cbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* A property list of all values of a key, those that a table names and the others. */
DWORD ResUtilGetAllProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    DWORD cbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* A property list of all values of a key. */
DWORD ResUtilGetPrivateProperties(HKEY hkeyClusterKey, PVOID pOutPropertyList, DWORD cbOutPropertyListSize,
    LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* Add the bytes that one entry of a table needs in a property list to a size, and count the entry. */
DWORD ResUtilGetPropertySize(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTableItem,
    LPDWORD pcbOutPropertyListSize, LPDWORD pnPropertyCount);

/* Write the value of one entry of a table to a place in a property list. */
DWORD ResUtilGetProperty(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTableItem, PVOID *pOutPropertyItem,
    LPDWORD pcbOutPropertyItemSize);

/* Add the values of a key that a table does not name to a property list. */
DWORD ResUtilAddUnknownProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    PVOID pOutPropertyList, DWORD pcbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* The types of the entries of a table, as a value list. */
DWORD ResUtilGetPropertyFormats(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyFormatList,
    DWORD cbPropertyFormatListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* ---- Checking and storing lists ---- */

/* Check a property list against a table: types, ranges, names (unknown ones only if bAllowUnknownProperties is
 * TRUE); and fill a parameter block if pOutParams is not NULL. */
DWORD ResUtilVerifyPropertyTable(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams);

/* Check a property list against a table and store it under a key; fill a parameter block if one is given. */
DWORD ResUtilSetPropertyTable(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams);

/* As ResUtilSetPropertyTable(), and store values that did not change as well if bForceWrite is TRUE. */
DWORD ResUtilSetPropertyTableEx(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, BOOL bForceWrite,
    LPBYTE pOutParams);

/* Store a parameter block under a key, and copy it to another block. */
DWORD ResUtilSetPropertyParameterBlock(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    const LPBYTE pInParams, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams);

/* As ResUtilSetPropertyParameterBlock(), and store values that did not change as well if bForceWrite is TRUE. */
DWORD ResUtilSetPropertyParameterBlockEx(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    PVOID Reserved, const LPBYTE pInParams, const PVOID pInPropertyList, DWORD cbInPropertyListSize, BOOL bForceWrite,
    LPBYTE pOutParams);

/* Store those entries of a property list that a table does not name. */
DWORD ResUtilSetUnknownProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    const PVOID pInPropertyList, DWORD cbInPropertyListSize);

/* Store a list of private properties under a key. */
DWORD ResUtilSetPrivatePropertyList(HKEY hkeyClusterKey, const PVOID pInPropertyList, DWORD cbInPropertyListSize);

/* Check that a list is well formed and has no names of common properties. */
DWORD ResUtilVerifyPrivatePropertyList(const PVOID pInPropertyList, DWORD cbInPropertyListSize);

/* ---- Parameter blocks ---- */

/* Read the values of a key that a table names into a parameter block, with the table's defaults. */
DWORD ResUtilGetPropertiesToParameterBlock(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    LPBYTE pOutParams, BOOL bCheckForRequiredProperties, LPWSTR *pszNameOfPropInError);

/* Make a property list of a parameter block. */
DWORD ResUtilPropertyListFromParameterBlock(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    LPDWORD pcbOutPropertyListSize, const LPBYTE pInParams, LPDWORD pcbBytesReturned, LPDWORD pcbRequired);

/* Copy a parameter block with everything that it points to. */
DWORD ResUtilDupParameterBlock(LPBYTE pOutParams, const LPBYTE pInParams, const PRESUTIL_PROPERTY_ITEM pPropertyTable);

/* Free what a parameter block points to, unless pInParams points to the same. */
void ResUtilFreeParameterBlock(LPBYTE pOutParams, const LPBYTE pInParams, const PRESUTIL_PROPERTY_ITEM pPropertyTable);

/* ---- One value at the head of a list ---- */

/* Take a binary value from the head of a list, compare it with the old one, and move on. */
DWORD ResUtilGetBinaryProperty(LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize, const PCLUSPROP_BINARY pValueStruct,
    const LPBYTE pbOldValue, DWORD cbOldValueSize, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* Take a text from the head of a list, compare it with the old one, and move on. */
DWORD ResUtilGetSzProperty(LPWSTR *ppszOutValue, const PCLUSPROP_SZ pValueStruct, LPCWSTR pszOldValue,
    LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* Take a list of texts from the head of a list, compare it with the old one, and move on. */
DWORD ResUtilGetMultiSzProperty(LPWSTR *ppszOutValue, LPDWORD pcbOutValueSize, const PCLUSPROP_SZ pValueStruct,
    LPCWSTR pszOldValue, DWORD cbOldValueSize, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* Take a DWORD from the head of a list, check its range, compare it with the old one, and move on. */
DWORD ResUtilGetDwordProperty(LPDWORD pdwOutValue, const PCLUSPROP_DWORD pValueStruct, DWORD dwOldValue,
    DWORD dwMinimum, DWORD dwMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* Take a LONG from the head of a list, check its range, compare it with the old one, and move on. */
DWORD ResUtilGetLongProperty(LPLONG plOutValue, const PCLUSPROP_LONG pValueStruct, LONG lOldValue, LONG lMinimum,
    LONG lMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* Take a time from the head of a list, check its range, compare it with the old one, and move on. */
DWORD ResUtilGetFileTimeProperty(LPFILETIME pftOutValue, const PCLUSPROP_FILETIME pValueStruct, FILETIME ftOldValue,
    FILETIME ftMinimum, FILETIME ftMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize);

/* ---- One value by its name ---- */

/* Find a text in a property list and copy it; pszPropertyValue NULL only tests whether it is there (2: it is not). */
DWORD ResUtilFindSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue);

/* Find a text with variables in a property list and copy it as it is stored. */
DWORD ResUtilFindExpandSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue);

/* Find a text with variables in a property list and copy it with the variables replaced. */
DWORD ResUtilFindExpandedSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue);

/* Find a DWORD in a property list. */
DWORD ResUtilFindDwordProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPDWORD pdwPropertyValue);

/* Find a binary value in a property list and copy it. */
DWORD ResUtilFindBinaryProperty(const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName,
    LPBYTE *pbPropertyValue, LPDWORD pcbPropertyValueSize);

/* Find a list of texts in a property list and copy it. */
DWORD ResUtilFindMultiSzProperty(const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName,
    LPWSTR *pszPropertyValue, LPDWORD pcbPropertyValueSize);

/* Find a LONG in a property list. */
DWORD ResUtilFindLongProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPLONG plPropertyValue);

/* Find a number of 64 bits in a property list. */
DWORD ResUtilFindULargeIntegerProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, ULONGLONG *plPropertyValue);

/* Find a time in a property list. */
DWORD ResUtilFindFileTimeProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPFILETIME pftPropertyValue);

RUEDA_END_DECLARATIONS

#endif
