#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ndrgen: makes NAME.h and NAME.c of NAME.idl (see gen/idl.py for the notation).

    ndrgen.py IDL HEADER SOURCE

The header has a C structure for each structure, message and direction of a method, and the numbers; the source has
the tables that wire/ndr.c walks.  Nothing else is generated: what can be said by a table is not said by code."""
import os
import sys

import idl

OPEN = """/* {file}: made by gen/ndrgen.py of {name}.idl, where the text is.
 * SPDX-License-Identifier: Apache-2.0 */
"""


def flags(f):
    names = (("POINTER", f.pointer), ("ARRAY", f.array and not f.fixed), ("VARYING", f.used), ("OUTER", f.outer),
             ("LAX", f.lax), ("FIXED", f.fixed), ("SETS_COUNT", f.count_set), ("SETS_USED", f.used_set),
             ("CHECKED", f.checked), ("FROM_REQUEST", f.from_request), ("RANGE", f.min is not None), ("ZEROS", f.zeros))
    return " | ".join("NDR_" + name for name, on in names if on)


def versions(since, until):
    return ([f".since = {since}"] if since else []) + ([f".until = {until}"] if until else [])


class Header:
    def __init__(self, description, write):
        self.d, self.write = description, write
        self.prefix = description.name.upper()

    def struct(self, s):
        members = []
        for f in s.fields:
            note = " /* Of the request. */" if f.from_request else ""
            members.append(f"\t{f.c_member()};{note}")
            if f.own_count:
                members.append(f"\tuint32_t {f.count};")
        self.write(f"struct {s.c_name} {{", *(members or ["\tchar none;"]), "};", "")

    def enum(self, name, entries):
        self.write(f"enum {name} {{", *(f"\t{self.prefix}_{e} = {n}," for e, n in entries), "};", "")

    def make(self):
        d = self.d
        self.write(OPEN.format(file=f"{d.name}.h", name=d.name) + "#pragma once\n", '#include "wire/ndr.h"', "")
        if d.handles:
            self.enum(f"{d.name}_handle", [(h.upper(), i) for i, h in enumerate(d.handles, 1)])
        for s in d.structs.values():
            self.struct(s)
        if d.methods:
            self.enum(f"{d.name}_method", [(m.upper, m.number) for m in d.methods])
            for m in d.methods:
                self.struct(m.input)
                self.struct(m.output)
            self.write(f"extern const struct ndr_interface {d.name}_interface;")
        if d.messages:
            self.enum(f"{d.name}_kind", [(m.upper, m.number) for m in d.messages])
            for m in d.messages:
                self.struct(m.body)
            self.write(f"#define {self.prefix}_VERSION {d.newest}", "", f"struct {d.name} {{",
                       f"\tuint16_t kind; /* enum {d.name}_kind */", "\tuint16_t version;", "\tunion {",
                       *(f"\t\tstruct {m.body.c_name} {m.upper.lower()};" for m in d.messages), "\t};", "};", "",
                       f"extern const struct ndr_messages {d.name}_messages;")


class Source:
    def __init__(self, description, write):
        self.d, self.write = description, write
        self.prefix = description.name.upper()

    def field(self, s, f, request):
        struct = f"struct {s.c_name}"
        items = [f"NDR_MEMBER({struct}, {f.name})", f".kind = NDR_{f.kind}"]
        items += versions(f.since, f.until) if s.parameters else []
        items += [f".flags = {flags(f)}"] if flags(f) else []
        items += [f".handle = {self.prefix}_{f.base.upper()}"] if f.handle else []
        items += [f".type = &{f.struct.name}_type"] if f.struct else []
        items += [f".min = {f.min}, .max = {f.max:#x}"] if f.min is not None else []
        if f.from_request:
            items.append(f".count = offsetof(struct {request.c_name}, {f.name})")
        items += [f".{what} = offsetof({struct}, {getattr(f, what)})" for what in ("count", "used") if getattr(f, what)]
        return "\t{ " + ", ".join(items) + " },"

    def type(self, s, request=None):
        if s.fields:
            self.write(f"static const struct ndr_field {s.name}_fields[] = {{",
                       *(self.field(s, f, request) for f in s.fields), "};")
        items = [f'.name = "{s.name}"', f".size = sizeof(struct {s.c_name})", f".wire_size = {s.wire_size}",
                 f".align = {s.wire_align}"]
        items += [".parameters = true"] if s.parameters else []
        items += [".conformant = true"] if s.conformant else []
        items += [f".fields = {s.name}_fields, .field_count = {len(s.fields)}"] if s.fields else []
        self.write(f"static const struct ndr_type {s.name}_type = {{ " + ", ".join(items) + " };", "")

    def interface(self):
        d = self.d
        for m in d.methods:
            self.type(m.input)
            self.type(m.output, m.input)
        self.write("static const struct ndr_method methods[] = {")
        for m in d.methods:
            items = [f'.name = "{m.name}"', *versions(m.since, m.until), f".access = '{m.access}'",
                     f".in = &{m.name}_in_type", f".out = &{m.name}_out_type",
                     f".status = offsetof(struct {m.output.c_name}, status)"]
            self.write(f"\t[{self.prefix}_{m.upper}] = {{ " + ", ".join(items) + " },")
        uuid = ", ".join(f"0x{b:02x}" for b in d.uuid.bytes_le)
        major_minor = ", ".join("{ " + v.replace(".", ", ") + " }" for v in d.versions)
        self.write("};", "", f"const struct ndr_interface {d.name}_interface = {{", f'\t.name = "{d.name}",',
                   f"\t.uuid = {{ {{ {uuid} }} }},", f"\t.versions = {{ {major_minor} }},",
                   "\t.method_count = ARRAY_SIZE(methods),", "\t.methods = methods,", "};")

    def messages(self):
        d = self.d
        for m in d.messages:
            self.type(m.body)
        self.write("static const struct ndr_message_kind kinds[] = {")
        for m in d.messages:
            items = [f'.name = "{m.name}"', *versions(m.since, m.until), f".body = &{m.name}_type"]
            self.write(f"\t[{self.prefix}_{m.upper}] = {{ " + ", ".join(items) + " },")
        body = d.messages[0].upper.lower()
        self.write("};", "", f"const struct ndr_messages {d.name}_messages = {{", f'\t.name = "{d.name}",',
                   f"\t.newest = {d.newest},", f"\t.size = sizeof(struct {d.name}),",
                   f"\t.body_offset = offsetof(struct {d.name}, {body}),", "\t.kind_count = ARRAY_SIZE(kinds),",
                   "\t.kinds = kinds,", "};",
                   f"static_assert(offsetof(struct {d.name}, version) == offsetof(struct ndr_message, version), "
                   '"begins as struct ndr_message");')

    def make(self):
        self.write(OPEN.format(file=f"{self.d.name}.c", name=self.d.name) + f'#include "{self.d.name}.h"', "")
        for s in self.d.structs.values():
            self.type(s)
        if self.d.methods:
            self.interface()
        if self.d.messages:
            self.messages()


def main():
    source, *outputs = sys.argv[1:]
    description = idl.read(source)
    if description.name != os.path.basename(source).removesuffix(".idl"):
        sys.exit(f"{source}: describes {description.name}")
    for path, maker in zip(outputs, (Header, Source)):
        lines = []
        maker(description, lambda *more: lines.extend(more)).make()
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
