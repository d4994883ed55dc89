# SPDX-License-Identifier: Apache-2.0
"""idl: reads the interface descriptions in idl/ and checks that they make sense.

A description is a list of statements, one to a line; a line that starts with white space goes on with the statement
above it; # starts a comment.  Fields are NAME:TYPE, in the order of the wire.

    interface NAME UUID VERSION...            versions as 3.0; the codec is told the major one
    messages NAME VERSION                     a tagged union of own messages, and its newest version
    handle NAME...                            kinds of context handles; the type `handle` is any of them
    struct NAME FIELD...
    method NUMBER NAME[@VERSIONS] ACCESS      followed by  in FIELD...  and  out FIELD...
    message NUMBER NAME[@VERSIONS] FIELD...

    FIELD     NAME:TYPE[@VERSIONS]            @3: since version 3;  @2-2: from version 2 to version 2
    TYPE      u8 u16 u32 u64 i32 i64 bool32 status filetime guid wstr, a handle or a structure, then in this order
      {a,b}   u32: within a and b
      ?       behind a pointer that may be NULL
      [n]     an array of as many elements as the parameter n says; of ? it is an array of pointers
      [n:m]   the same, of which only the first m are sent
      []      an array that brings its own number of elements; C has it in NAME_count (u8: NAME_size)
      [32]    an array of exactly so many u8
      ?       after an array: the whole array is behind a pointer that may be NULL; then n must be 0
      ~       as this ?, but n may be anything

An n that is not among the parameters of a response is the request's."""
import re
import sys
import uuid

SCALARS = {  # name: (C type, kind, size and alignment on the wire)
    "u8": ("uint8_t", "U8", 1, 1), "u16": ("uint16_t", "U16", 2, 2), "u32": ("uint32_t", "U32", 4, 4),
    "u64": ("uint64_t", "U64", 8, 8), "i32": ("int32_t", "U32", 4, 4), "i64": ("int64_t", "U64", 8, 8),
    "bool32": ("uint32_t", "BOOL", 4, 4), "status": ("uint32_t", "STATUS", 4, 4),
    "filetime": ("uint64_t", "FILETIME", 8, 4), "guid": ("struct guid ", "GUID", 16, 4),
    "handle": ("struct ndr_handle ", "HANDLE", 20, 4), "wstr": ("const char16_t *", "WSTR", 14, 4),
}
FIELD = re.compile(r"(?P<name>[a-z][a-z0-9_]*):(?P<base>[a-z][a-z0-9_]*)(?:\{(?P<min>\w+),(?P<max>\w+)\})?"
                   r"(?P<pointer>\?)?(?P<array>\[(?:(?P<fixed>\d+)|(?P<count>[a-z]\w*)(?::(?P<used>\w+))?)?\])?"
                   r"(?P<outer>[?~])?(?:@(?P<since>\d+)(?:-(?P<until>\d+))?)?")


class Error(Exception):
    pass


class Field:
    """One field; `count` and `used` are names of fields, `*_set` says that the array comes before them."""

    def __init__(self, text, description):
        m = FIELD.fullmatch(text)
        if not m:
            raise Error(f"not a field: {text}")
        self.text = text
        self.name = m["name"]
        self.base = m["base"]
        self.struct = description.structs.get(self.base)
        self.handle = description.handles.index(self.base) + 1 if self.base in description.handles else 0
        scalar = SCALARS.get("handle" if self.handle else self.base)
        if not self.struct and not scalar:
            raise Error(f"{text}: unknown type")
        self.c_type, self.kind, self.wire_size, self.wire_align = scalar or (
            f"struct {self.struct.c_name} ", "STRUCT", self.struct.wire_size, self.struct.wire_align)
        self.min, self.max = (int(m[k], 0) if m[k] else None for k in ("min", "max"))
        self.pointer = bool(m["pointer"])
        self.array = m["array"] is not None
        self.fixed = int(m["fixed"]) if m["fixed"] else 0
        self.own_count = self.array and not self.fixed and m["count"] is None
        self.count = m["count"] or (self.own_count and self.name + ("_size" if self.base == "u8" else "_count")) or None
        self.used = m["used"]
        self.outer, self.lax = bool(m["outer"]), m["outer"] == "~"
        self.since, self.until = int(m["since"] or 0), int(m["until"] or 0)
        self.count_set = self.own_count
        self.used_set = self.checked = self.from_request = self.zeros = False
        if self.outer and not self.array:  # A ? that the expression took for the array's.
            self.pointer, self.outer = True, False
        for wrong, why in ((self.fixed and (self.base != "u8" or self.pointer or self.outer), "only u8 of fixed number"),
                           (self.min is not None and (self.base != "u32" or self.array), "only a u32 has a range"),
                           (self.lax and not self.outer, "~ is for arrays"),
                           (self.array and not self.pointer and self.base == "wstr", "an array of strings is wstr?[n]"),
                           (self.struct and self.struct.conformant and not self.pointer,
                            "a structure that ends with an array stands behind a pointer")):
            if wrong:
                raise Error(f"{text}: {why}")

    @property
    def inline(self):
        """An array that stands where the field stands."""
        return self.array and not self.fixed and not self.outer

    def c_member(self):
        """The declaration in C, without the semicolon."""
        c_type = self.c_type
        if self.pointer and self.kind != "WSTR":
            c_type = f"const {c_type.strip()} *"
        if self.fixed:
            return f"{c_type} {self.name}[{self.fixed}]"
        if self.array:
            c_type = f"{c_type}const *" if self.pointer else f"const {c_type.strip()} *"
        return c_type + ("" if c_type.endswith((" ", "*")) else " ") + self.name


class Struct:
    """A structure, the parameters of one direction of a method, or a message."""

    def __init__(self, name, words, description, parameters=False, request=None):
        self.name = name
        self.c_name = f"{description.name}_{name}"
        self.parameters = parameters
        self.fields = [Field(w, description) for w in words]
        self.by_name = {f.name: f for f in self.fields}
        if len(self.by_name) != len(self.fields):
            raise Error(f"{name}: two fields of one name")
        for i, f in enumerate(list(self.fields)):
            if f.array and not f.fixed:
                self.resolve(f, i, request)
        if parameters and any(f.lax for f in self.fields):
            raise Error(f"{name}: ~ is for structures")
        inline = [f for f in self.fields if f.inline]
        self.conformant = not parameters and bool(inline)
        wire = [f for f in self.fields if not f.from_request]
        if not parameters:
            if inline and (inline != self.fields[-1:] or inline[0].count_set or inline[0].used):
                raise Error(f"{name}: a plain array [n] must be the structure's last field, after n")
            if any(f.since or f.until or f.own_count for f in wire):
                raise Error(f"{name}: versions and [] are for parameters and messages")
            if any(f.base == "wstr" and not f.pointer for f in wire):
                raise Error(f"{name}: a string in a structure is wstr?")
        self.wire_align = max([4 if f.pointer or f.outer else f.wire_align for f in wire], default=1)
        self.wire_size = sum(4 if f.pointer or f.outer else f.fixed or (0 if f.inline else f.wire_size) for f in wire) or 1

    def resolve(self, f, i, request):
        """Find what the count and used of an array mean."""
        if f.own_count:
            return
        for what in ("count", "used"):
            name = getattr(f, what)
            if name is None:
                continue
            other = self.by_name.get(name)
            if other is None and request is not None and name in request.by_name:
                other = Field(f"{name}:u32", Description(""))
                other.from_request = True
                self.fields.append(other)
                self.by_name[name] = other
                f.count_set = True
                f.zeros = f.used is None
                continue
            if other is None or other.base != "u32" or other.array or other.pointer:
                raise Error(f"{self.name}: {f.text}: {name} is not a u32 here")
            if other.from_request or other.checked or (other.since, other.until) != (f.since, f.until):
                raise Error(f"{self.name}: {f.text}: {name} belongs to another array or to other versions")
            if self.parameters and self.fields.index(other) > i:
                setattr(f, what + "_set", True)
                other.checked = True


class Method:
    def __init__(self, number, name, access, since, until):
        self.number, self.name, self.access, self.since, self.until = number, name, access, since, until
        self.words = {"in": [], "out": []}
        self.input = self.output = None
        self.upper = upper(name)

    def finish(self, description):
        self.input = Struct(self.name + "_in", self.words["in"], description, True)
        self.output = Struct(self.name + "_out", self.words["out"], description, True, self.input)
        if "status" not in self.output.by_name:
            raise Error(f"{self.name} has no out parameter status")


class Message:
    def __init__(self, number, name, since, until, words, description):
        self.number, self.name, self.since, self.until = number, name, since, until
        self.upper = upper(name)
        self.body = Struct(name, words, description, True)


class Description:
    def __init__(self, name):
        self.name = name
        self.uuid, self.versions = None, []  # An interface …
        self.newest = 0                      # … or messages.
        self.handles, self.structs, self.methods, self.messages = [], {}, [], []

    def entry(self, kind, words, entries):
        """NUMBER NAME[@VERSIONS] of a method or message."""
        m = re.fullmatch(r"([A-Z]\w*)(?:@(\d+)(?:-(\d+))?)?", words[1])
        if not m:
            raise Error(f"not a name: {words[1]}")
        number = int(words[0])
        if any(e.number == number or e.name == m[1] for e in entries):
            raise Error(f"{kind} {number} {m[1]}: defined twice")
        return number, m[1], int(m[2] or 0), int(m[3] or 0)

    def statement(self, words):
        keyword, words = words[0], words[1:]
        if keyword == "interface":
            self.name, self.uuid, self.versions = words[0], uuid.UUID(words[1]), words[2:]
        elif keyword == "messages":
            self.name, self.newest = words[0], int(words[1])
        elif keyword == "handle":
            self.handles += words
        elif keyword == "struct":
            self.structs[words[0]] = Struct(words[0], words[1:], self)
        elif keyword == "method":
            number, name, since, until = self.entry(keyword, words, self.methods)
            method = Method(number, name, words[2], since, until)
            direction = None
            for word in words[3:]:
                if word in method.words:
                    direction = word
                else:
                    method.words[direction].append(word)
            method.finish(self)
            self.methods.append(method)
        elif keyword == "message":
            number, name, since, until = self.entry(keyword, words, self.messages)
            self.messages.append(Message(number, name, since, until, words[2:], self))
        else:
            raise Error(f"unknown statement {keyword}")


def upper(name):
    """OpenKeyEx becomes OPEN_KEY_EX."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def read(path):
    description = Description("")
    statements = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            words = line.split("#")[0].split()
            if words and line[0].isspace():
                statements[-1][1].extend(words)
            elif words:
                statements.append((number, words))
    for number, words in statements:
        try:
            description.statement(words)
        except (Error, IndexError, KeyError, ValueError) as e:
            sys.exit(f"{path}:{number}: {e}")
    return description
