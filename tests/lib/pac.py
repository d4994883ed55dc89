# SPDX-License-Identifier: Apache-2.0
"""Service tickets opened with the service's key, their PAC changed, and closed again; needs impacket.

Usage: pac.py CACHE KEYTAB OLD NEW SIGN      the bytes OLD become NEW, both hexadecimal; SIGN 1: the PAC is signed anew"""
import struct
import sys

from impacket.krb5 import crypto
from impacket.krb5.asn1 import AD_IF_RELEVANT, EncTicketPart, Ticket
from impacket.krb5.ccache import CCache, CountedOctetString
from impacket.krb5.keytab import Keytab
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import noValue

IF_RELEVANT, WIN2K_PAC = 1, 128
SERVER_CHECKSUM, KDC_CHECKSUM = 6, 7
TICKET_USAGE, PAC_USAGE = 2, 17


def key_of(keytab, enctype):
    for entry in Keytab.loadFile(keytab).entries:
        if entry.main_part["keyblock"]["keytype"] == enctype:
            return crypto.Key(enctype, entry.main_part["keyblock"]["keyvalue"]["data"])
    raise AssertionError(f"the keytab has no key of type {enctype}")


def signatures(data):
    """(type, offset of the signature, its length) of both."""
    count = struct.unpack_from("<I", data)[0]
    for i in range(count):
        kind, size, offset = struct.unpack_from("<IIQ", data, 8 + 16 * i)
        if kind in (SERVER_CHECKSUM, KDC_CHECKSUM):
            length = {-138: 16, 15: 12, 16: 12}[struct.unpack_from("<i", data, offset)[0]]
            assert size >= 4 + length
            yield kind, offset, length


def sign(data, key):
    found = list(signatures(data))
    blank = bytearray(data)
    for _, offset, length in found:
        blank[offset + 4:offset + 4 + length] = bytes(length)
    for kind, offset, length in found:
        if kind == SERVER_CHECKSUM:
            checksum = crypto._checksum_table[struct.unpack_from("<i", data, offset)[0]]
            data[offset + 4:offset + 4 + length] = checksum.checksum(key, PAC_USAGE, bytes(blank))
    return data


def change(data, key, old, new, signed):
    assert len(old) == len(new)
    data = bytearray(data)
    assert not old or data.count(old) == 1, data.count(old)
    data = bytearray(bytes(data).replace(old, new)) if old else data
    return bytes(sign(data, key) if signed else data)


def change_ticket(der, keytab, old, new, signed):
    ticket = decoder.decode(der, asn1Spec=Ticket())[0]
    enctype = int(ticket["enc-part"]["etype"])
    key = key_of(keytab, enctype)
    cipher = crypto._enctype_table[enctype]
    part = decoder.decode(cipher.decrypt(key, TICKET_USAGE, ticket["enc-part"]["cipher"].asOctets()), asn1Spec=EncTicketPart())[0]
    changed = 0
    for element in part["authorization-data"]:
        if int(element["ad-type"]) != IF_RELEVANT:
            continue
        inner = decoder.decode(element["ad-data"].asOctets(), asn1Spec=AD_IF_RELEVANT())[0]
        for one in inner:
            if int(one["ad-type"]) == WIN2K_PAC:
                one["ad-data"] = change(one["ad-data"].asOctets(), key, old, new, signed)
                changed += 1
        element["ad-data"] = encoder.encode(inner)
    assert changed == 1, changed
    ticket["enc-part"]["cipher"] = noValue
    ticket["enc-part"]["cipher"] = cipher.encrypt(key, TICKET_USAGE, encoder.encode(part), None)
    return encoder.encode(ticket)


def tamper(cache, keytab, old, new, signed):
    tickets = CCache.loadFile(cache)
    for credential in tickets.credentials:
        if credential["server"].prettyPrint().startswith((b"host/", b"MSServer")):
            data = CountedOctetString()
            data["data"] = change_ticket(credential.ticket["data"], keytab, old, new, signed)
            data["length"] = len(data["data"])
            credential.ticket = data
    tickets.saveFile(cache)


tamper(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4]), sys.argv[5] == "1")
