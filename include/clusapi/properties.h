/* clusapi/properties.h: property lists and value lists, the form in which control codes take and give properties.
 *
 *   property list   DWORD count, then for each property: its name, one or more values, an end mark
 *   value list      values, an end mark
 *   value           syntax (DWORD: type in the high word, format in the low), length in bytes (DWORD), the data, and
 *                   zeros up to a multiple of 4 that the length does not count
 *   name            a value of the syntax CLUSPROP_SYNTAX_NAME: text with its terminator
 *   end mark        CLUSPROP_SYNTAX_ENDMARK, a DWORD without length or data
 *
 * A writer adds one more end mark after a property list; a reader does without.  A reader checks each length against
 * what is left of the buffer.  CLUSPROP_BUFFER_HELPER is the usual way to walk over such a buffer.
 *
 * In C++ the structures of values derive from CLUSPROP_VALUE, as they do on Windows; in C they begin with its members.
 * Included by <clusapi.h>.  Follows [MS-CMRP] 2.2.3.10 and the public clusapi.h.   Tests  tests/integration/layouts.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_PROPERTIES_H
#define RUEDA_CLUSAPI_PROPERTIES_H

#include "types.h"

typedef enum CLUSTER_PROPERTY_TYPE {
	CLUSPROP_TYPE_UNKNOWN = -1,
	CLUSPROP_TYPE_ENDMARK = 0,
	CLUSPROP_TYPE_LIST_VALUE = 1,
	CLUSPROP_TYPE_RESCLASS = 2,
	CLUSPROP_TYPE_RESERVED1 = 3,
	CLUSPROP_TYPE_NAME = 4,
	CLUSPROP_TYPE_SIGNATURE = 5,
	CLUSPROP_TYPE_SCSI_ADDRESS = 6,
	CLUSPROP_TYPE_DISK_NUMBER = 7,
	CLUSPROP_TYPE_PARTITION_INFO = 8,
	CLUSPROP_TYPE_FTSET_INFO = 9,
	CLUSPROP_TYPE_DISK_SERIALNUMBER = 10,
	CLUSPROP_TYPE_DISK_GUID = 11,
	CLUSPROP_TYPE_DISK_SIZE = 12,
	CLUSPROP_TYPE_PARTITION_INFO_EX = 13,
	CLUSPROP_TYPE_PARTITION_INFO_EX2 = 14,
	CLUSPROP_TYPE_STORAGE_DEVICE_ID_DESCRIPTOR = 15,
	CLUSPROP_TYPE_USER = 32768,
} CLUSTER_PROPERTY_TYPE;

typedef enum CLUSTER_PROPERTY_FORMAT {
	CLUSPROP_FORMAT_UNKNOWN = 0,
	CLUSPROP_FORMAT_BINARY = 1,
	CLUSPROP_FORMAT_DWORD = 2,
	CLUSPROP_FORMAT_SZ = 3,
	CLUSPROP_FORMAT_EXPAND_SZ = 4,
	CLUSPROP_FORMAT_MULTI_SZ = 5,
	CLUSPROP_FORMAT_ULARGE_INTEGER = 6,
	CLUSPROP_FORMAT_LONG = 7,
	CLUSPROP_FORMAT_EXPANDED_SZ = 8,
	CLUSPROP_FORMAT_SECURITY_DESCRIPTOR = 9,
	CLUSPROP_FORMAT_LARGE_INTEGER = 10,
	CLUSPROP_FORMAT_WORD = 11,
	CLUSPROP_FORMAT_FILETIME = 12,
	CLUSPROP_FORMAT_VALUE_LIST = 13,
	CLUSPROP_FORMAT_PROPERTY_LIST = 14,
	CLUSPROP_FORMAT_USER = 32768,
} CLUSTER_PROPERTY_FORMAT;

typedef enum CLUSTER_PROPERTY_SYNTAX {
	CLUSPROP_SYNTAX_ENDMARK = 0x00000000,
	CLUSPROP_SYNTAX_NAME = 0x00040003,
	CLUSPROP_SYNTAX_RESCLASS = 0x00020002,
	CLUSPROP_SYNTAX_LIST_VALUE_BINARY = 0x00010001,
	CLUSPROP_SYNTAX_LIST_VALUE_DWORD = 0x00010002,
	CLUSPROP_SYNTAX_LIST_VALUE_SZ = 0x00010003,
	CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ = 0x00010004,
	CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ = 0x00010005,
	CLUSPROP_SYNTAX_LIST_VALUE_ULARGE_INTEGER = 0x00010006,
	CLUSPROP_SYNTAX_LIST_VALUE_LONG = 0x00010007,
	CLUSPROP_SYNTAX_LIST_VALUE_EXPANDED_SZ = 0x00010008,
	CLUSPROP_SYNTAX_LIST_VALUE_SECURITY_DESCRIPTOR = 0x00010009,
	CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER = 0x0001000A,
	CLUSPROP_SYNTAX_LIST_VALUE_WORD = 0x0001000B,
	CLUSPROP_SYNTAX_LIST_VALUE_FILETIME = 0x0001000C,
	CLUSPROP_SYNTAX_LIST_VALUE_PROPERTY_LIST = 0x0001000E,
	CLUSPROP_SYNTAX_DISK_SIGNATURE = 0x00050002,
	CLUSPROP_SYNTAX_SCSI_ADDRESS = 0x00060002,
	CLUSPROP_SYNTAX_DISK_NUMBER = 0x00070002,
	CLUSPROP_SYNTAX_PARTITION_INFO = 0x00080001,
	CLUSPROP_SYNTAX_DISK_SERIALNUMBER = 0x000A0003,
	CLUSPROP_SYNTAX_DISK_GUID = 0x000B0003,
	CLUSPROP_SYNTAX_DISK_SIZE = 0x000C0006,
	CLUSPROP_SYNTAX_PARTITION_INFO_EX = 0x000D0001,
	CLUSPROP_SYNTAX_PARTITION_INFO_EX2 = 0x000E0001,
} CLUSTER_PROPERTY_SYNTAX;

typedef union CLUSPROP_SYNTAX {
	DWORD dw;
	__extension__ struct {
		WORD wFormat;
		WORD wType;
	};
} CLUSPROP_SYNTAX, *PCLUSPROP_SYNTAX;

typedef struct CLUSPROP_VALUE {
	CLUSPROP_SYNTAX Syntax;
	DWORD cbLength; /* Of the data behind it, in bytes, without the padding. */
} CLUSPROP_VALUE, *PCLUSPROP_VALUE;

/* What a list can hold of disks. */
typedef struct CLUS_SCSI_ADDRESS {
	__extension__ union {
		__extension__ struct {
			UCHAR PortNumber;
			UCHAR PathId;
			UCHAR TargetId;
			UCHAR Lun;
		};
		DWORD dw;
	};
} CLUS_SCSI_ADDRESS, *PCLUS_SCSI_ADDRESS;

#define RUEDA_PARTITION_INFO_MEMBERS                                                                                   \
	DWORD dwFlags;                                                                                                 \
	WCHAR szDeviceName[MAX_PATH];                                                                                  \
	WCHAR szVolumeLabel[MAX_PATH];                                                                                 \
	DWORD dwSerialNumber;                                                                                          \
	DWORD rgdwMaximumComponentLength;                                                                              \
	DWORD dwFileSystemFlags;                                                                                       \
	WCHAR szFileSystem[32];
#define RUEDA_PARTITION_INFO_EX_MEMBERS                                                                                \
	RUEDA_PARTITION_INFO_MEMBERS                                                                                   \
	ULARGE_INTEGER TotalSizeInBytes;                                                                               \
	ULARGE_INTEGER FreeSizeInBytes;                                                                                \
	DWORD DeviceNumber;                                                                                            \
	DWORD PartitionNumber;                                                                                         \
	GUID VolumeGuid;

typedef enum CLUSPROP_PIFLAGS {
	CLUSPROP_PIFLAG_STICKY = 0x00000001, /* Has a drive letter. */
	CLUSPROP_PIFLAG_REMOVABLE = 0x00000002,
	CLUSPROP_PIFLAG_USABLE = 0x00000004,
	CLUSPROP_PIFLAG_DEFAULT_QUORUM = 0x00000008,
	CLUSPROP_PIFLAG_USABLE_FOR_CSV = 0x00000010,
	CLUSPROP_PIFLAG_ENCRYPTION_ENABLED = 0x00000020,
	CLUSPROP_PIFLAG_RAW = 0x00000040,
} CLUSPROP_PIFLAGS;
#define CLUSPROP_PIFLAG_UNKNOWN 0x80000000u

typedef struct CLUS_PARTITION_INFO {
	RUEDA_PARTITION_INFO_MEMBERS
} CLUS_PARTITION_INFO, *PCLUS_PARTITION_INFO;
typedef struct CLUS_PARTITION_INFO_EX {
	RUEDA_PARTITION_INFO_EX_MEMBERS
} CLUS_PARTITION_INFO_EX, *PCLUS_PARTITION_INFO_EX;
typedef struct CLUS_PARTITION_INFO_EX2 {
	RUEDA_PARTITION_INFO_EX_MEMBERS
	GUID GptPartitionId;
	WCHAR szPartitionName[MAX_PATH];
	DWORD EncryptionFlags;
} CLUS_PARTITION_INFO_EX2, *PCLUS_PARTITION_INFO_EX2;

typedef struct CLUS_STORAGE_SET_DRIVELETTER {
	DWORD PartitionNumber;
	DWORD DriveLetterMask; /* Bit 0 is A. */
} CLUS_STORAGE_SET_DRIVELETTER, *PCLUS_STORAGE_SET_DRIVELETTER;
typedef struct CLUS_STORAGE_REMAP_DRIVELETTER {
	DWORD CurrentDriveLetterMask;
	DWORD TargetDriveLetterMask;
} CLUS_STORAGE_REMAP_DRIVELETTER, *PCLUS_STORAGE_REMAP_DRIVELETTER;

typedef struct CLUS_NETNAME_PWD_INFO {
	DWORD Flags;
	WCHAR Password[MAX_CO_PASSWORD_LENGTH];
	WCHAR CreatingDC[MAX_CREATINGDC_LENGTH + 2];
	WCHAR ObjectGuid[MAX_OBJECTID];
} CLUS_NETNAME_PWD_INFO, *PCLUS_NETNAME_PWD_INFO;

/* A structure that begins with CLUSPROP_VALUE, and one that goes on with the members of another structure. */
#ifdef __cplusplus
#define RUEDA_CLUSPROP_BEGIN(name) typedef struct name : public CLUSPROP_VALUE {
#define RUEDA_CLUSPROP_WITH(name, data, members)                                                                       \
	typedef struct name : public CLUSPROP_VALUE, public data {                                                     \
	} name, *P##name;
#else
#define RUEDA_CLUSPROP_BEGIN(name)                                                                                     \
	typedef struct name {                                                                                          \
		CLUSPROP_SYNTAX Syntax;                                                                                \
		DWORD cbLength;
#define RUEDA_CLUSPROP_WITH(name, data, members)                                                                       \
	RUEDA_CLUSPROP_BEGIN(name)                                                                                     \
	members                                                                                                        \
	}                                                                                                              \
	name, *P##name;
#endif

/* Data of any length: the member has one element, cbLength says how many there are. */
// clang-format off
RUEDA_CLUSPROP_BEGIN(CLUSPROP_BINARY) BYTE rgb[1]; } CLUSPROP_BINARY, *PCLUSPROP_BINARY;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_SZ) WCHAR sz[1]; } CLUSPROP_SZ, *PCLUSPROP_SZ;
typedef CLUSPROP_SZ CLUSPROP_MULTI_SZ, *PCLUSPROP_MULTI_SZ;
typedef CLUSPROP_SZ CLUSPROP_PROPERTY_NAME, *PCLUSPROP_PROPERTY_NAME;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_SECURITY_DESCRIPTOR) BYTE rgbSecurityDescriptor[1]; } CLUSPROP_SECURITY_DESCRIPTOR,
	*PCLUSPROP_SECURITY_DESCRIPTOR;

RUEDA_CLUSPROP_BEGIN(CLUSPROP_WORD) WORD w; } CLUSPROP_WORD, *PCLUSPROP_WORD;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_DWORD) DWORD dw; } CLUSPROP_DWORD, *PCLUSPROP_DWORD;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_LONG) LONG l; } CLUSPROP_LONG, *PCLUSPROP_LONG;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_ULARGE_INTEGER) ULARGE_INTEGER li; } CLUSPROP_ULARGE_INTEGER, *PCLUSPROP_ULARGE_INTEGER;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_LARGE_INTEGER) LARGE_INTEGER li; } CLUSPROP_LARGE_INTEGER, *PCLUSPROP_LARGE_INTEGER;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_FILETIME) FILETIME ft; } CLUSPROP_FILETIME, *PCLUSPROP_FILETIME;
RUEDA_CLUSPROP_BEGIN(CLUSPROP_RESOURCE_CLASS) CLUSTER_RESOURCE_CLASS rc; } CLUSPROP_RESOURCE_CLASS,
	*PCLUSPROP_RESOURCE_CLASS;
typedef CLUSPROP_DWORD CLUSPROP_DISK_SIGNATURE, *PCLUSPROP_DISK_SIGNATURE;
typedef CLUSPROP_DWORD CLUSPROP_DISK_NUMBER, *PCLUSPROP_DISK_NUMBER;

RUEDA_CLUSPROP_WITH(CLUSPROP_RESOURCE_CLASS_INFO, CLUS_RESOURCE_CLASS_INFO,
	__extension__ union {
		__extension__ struct {
			__extension__ union { DWORD dw; CLUSTER_RESOURCE_CLASS rc; };
			DWORD SubClass;
		};
		ULARGE_INTEGER li;
	};)
RUEDA_CLUSPROP_WITH(CLUSPROP_SCSI_ADDRESS, CLUS_SCSI_ADDRESS,
	__extension__ union {
		__extension__ struct { UCHAR PortNumber; UCHAR PathId; UCHAR TargetId; UCHAR Lun; };
		DWORD dw;
	};)
RUEDA_CLUSPROP_WITH(CLUSPROP_PARTITION_INFO, CLUS_PARTITION_INFO, RUEDA_PARTITION_INFO_MEMBERS)
RUEDA_CLUSPROP_WITH(CLUSPROP_PARTITION_INFO_EX, CLUS_PARTITION_INFO_EX, RUEDA_PARTITION_INFO_EX_MEMBERS)
RUEDA_CLUSPROP_WITH(CLUSPROP_PARTITION_INFO_EX2, CLUS_PARTITION_INFO_EX2,
	RUEDA_PARTITION_INFO_EX_MEMBERS GUID GptPartitionId; WCHAR szPartitionName[MAX_PATH]; DWORD EncryptionFlags;)
// clang-format on

/* The head of a property list, followed by the first name. */
typedef struct CLUSPROP_LIST {
	DWORD nPropertyCount;
	CLUSPROP_PROPERTY_NAME PropertyName;
} CLUSPROP_LIST, *PCLUSPROP_LIST;

typedef union CLUSPROP_REQUIRED_DEPENDENCY {
	CLUSPROP_VALUE Value;
	CLUSPROP_RESOURCE_CLASS ResClass;
	CLUSPROP_SZ ResTypeName;
} CLUSPROP_REQUIRED_DEPENDENCY, *PCLUSPROP_REQUIRED_DEPENDENCY;

/* One pointer into a buffer, under all its types. */
typedef union CLUSPROP_BUFFER_HELPER {
	BYTE *pb;
	WORD *pw;
	DWORD *pdw;
	LONG *pl;
	LPWSTR psz;
	PCLUSPROP_LIST pList;
	PCLUSPROP_SYNTAX pSyntax;
	PCLUSPROP_PROPERTY_NAME pName;
	PCLUSPROP_VALUE pValue;
	PCLUSPROP_BINARY pBinaryValue;
	PCLUSPROP_WORD pWordValue;
	PCLUSPROP_DWORD pDwordValue;
	PCLUSPROP_LONG pLongValue;
	PCLUSPROP_ULARGE_INTEGER pULargeIntegerValue;
	PCLUSPROP_LARGE_INTEGER pLargeIntegerValue;
	PCLUSPROP_FILETIME pFileTimeValue;
	PCLUSPROP_SZ pStringValue;
	PCLUSPROP_MULTI_SZ pMultiSzValue;
	PCLUSPROP_SECURITY_DESCRIPTOR pSecurityDescriptor;
	PCLUSPROP_RESOURCE_CLASS pResourceClassValue;
	PCLUSPROP_RESOURCE_CLASS_INFO pResourceClassInfoValue;
	PCLUSPROP_DISK_SIGNATURE pDiskSignatureValue;
	PCLUSPROP_SCSI_ADDRESS pScsiAddressValue;
	PCLUSPROP_DISK_NUMBER pDiskNumberValue;
	PCLUSPROP_PARTITION_INFO pPartitionInfoValue;
	PCLUSPROP_PARTITION_INFO_EX pPartitionInfoValueEx;
	PCLUSPROP_PARTITION_INFO_EX2 pPartitionInfoValueEx2;
	PCLUSPROP_REQUIRED_DEPENDENCY pRequiredDependencyValue;
} CLUSPROP_BUFFER_HELPER, *PCLUSPROP_BUFFER_HELPER;

/* The bytes that data of a length takes up in a list. */
#define ALIGN_CLUSPROP(length) (((length) + 3) & ~3u)

#endif
