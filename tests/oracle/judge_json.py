#!/usr/bin/env python3
"""JSON against a writer and judge of its own.

    judge_json.py PENSTOCK

Values are made first and written in many ways (layouts, escapes, encodings); what a json column must
hold, and what each other type makes of them, follows from the value, not from the text. Broken texts
are compared with Python's json module.
"""
import json
import re
import struct
import sys

import oracle

FFFD = "\ufffd"


class Literal(str):
    """A number as it is written."""


# --- making values -------------------------------------------------------------------------------


def random_text(r):
    alphabet = "abcXYZ 0189_\"\\/\b\f\n\r\t\x00\x1f\x7fé\u0300ß日本\u2028\uffff🐟𝄞"
    return "".join(r.choice(alphabet) for _ in range(r.choice([0, 1, 2, 5, 20, 90])))


def random_number(r):
    kind = r.randrange(8)
    if kind == 0:
        return Literal(r.choice(["0", "-0", "9223372036854775807", "-9223372036854775808", "0.0", "-0.0", "1e0",
                                 "1E+5", "5e-324", "1e-400", "1.7976931348623157e308", "2.2250738585072014e-308",
                                 "9007199254740993.0", "0.1", "100000000000000000000.5", "1.0e7", "0.001", "1e-3"]))
    if kind < 4:
        return Literal(r.randint(-2**r.randint(1, 63), 2**r.randint(1, 63) - 1))
    if kind < 6:
        while True:
            value = struct.unpack("<d", struct.pack("<Q", r.getrandbits(64)))[0]
            if value == value and abs(value) != float("inf"):
                return Literal(repr(value) if "e" in repr(value) or "." in repr(value) else repr(value) + ".0")
    digits = "".join(r.choice("0123456789") for _ in range(r.randint(1, 40)))
    return Literal("%s%d.%s%s" % (r.choice(["", "-"]), r.randint(0, 10**6), digits,
                                  r.choice(["", "e-12", "E3", "e+20"])))


def random_value(r, depth):
    """Objects are lists of pairs inside a dict of one: {"pairs": [...]}: names may come twice."""
    kind = r.randrange(10 if depth > 0 else 7)
    if kind < 3:
        return random_text(r)
    if kind < 5:
        return random_number(r)
    if kind < 7:
        return r.choice([True, False, None])
    if kind == 7:
        return [random_value(r, depth - 1) for _ in range(r.randint(0, 5))]
    return random_object(r, depth - 1, ["k", "a b", "é", "", "x/y", "m~n", "0", "k" * 70])


def random_object(r, depth, names):
    return {"pairs": [(r.choice(names), random_value(r, depth)) for _ in range(r.randint(0, 6))]}


# --- writing them in some way --------------------------------------------------------------------

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write_text(r, text):
    out = []
    for c in text:
        if c in '"\\':
            out.append(SHORT[c])
        elif r.random() < 0.1:
            units = c.encode("utf-16-be").hex()
            out.append("".join("\\u" + (units[i:i + 4].upper() if r.random() < 0.5 else units[i:i + 4])
                               for i in range(0, len(units), 4)))
        elif c in SHORT and r.random() < 0.5:
            out.append(SHORT[c])
        elif c == "/" and r.random() < 0.5:
            out.append("\\/")
        else:
            out.append(c)  # control characters may stand raw
    return '"%s"' % "".join(out)


def write(r, value, space):
    def gap():
        return "".join(r.choice(" \t\n\r") for _ in range(r.randint(0, 3))) if space else ""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, str):
        return write_text(r, value)
    if value is True or value is False or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return "[" + gap() + (gap() + "," + gap()).join(write(r, v, space) for v in value) + gap() + "]"
    return "{" + gap() + (gap() + "," + gap()).join(
        write_text(r, k) + gap() + ":" + gap() + write(r, v, space) for k, v in value["pairs"]) + gap() + "}"


# --- what must come of them ----------------------------------------------------------------------


def java_double(value):
    """As Double.toString: at least two digits, an exponent outside of 1e-3 .. 1e7."""
    if value == 0:
        return "-0.0" if str(value)[0] == "-" else "0.0"
    digits, exponent = re.fullmatch(r"-?(\d(?:\.\d+)?)e([+-]\d+)", shortest(abs(value))).groups()
    sign = "-" if value < 0 else ""
    digits, exponent = digits.replace(".", "").rstrip("0"), int(exponent)
    if exponent < -3 or exponent >= 7:
        return "%s%s.%sE%d" % (sign, digits[0], digits[1:] or "0", exponent)
    if exponent < 0:
        return "%s0.%s%s" % (sign, "0" * (-exponent - 1), digits)
    digits = digits.ljust(exponent + 2, "0")
    return "%s%s.%s" % (sign, digits[:exponent + 1], digits[exponent + 1:])


def shortest(value):
    """The fewest digits, two at least, that are this double; of those the nearest to it."""
    for count in range(1, 18):
        text = "%.*e" % (count, value)
        if float(text) == value:
            return text
    raise ValueError(value)


def canonical_text(text):
    return '"' + "".join(SHORT.get(c) or ("\\u%04x" % ord(c) if c < " " else c) for c in text) + '"'


def canonical(value):
    if isinstance(value, Literal):
        is_double = any(c in value for c in ".eE")
        return java_double(float(value)) if is_double else str(int(value))
    if isinstance(value, str):
        return canonical_text(value)
    if value is True or value is False or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    return "{" + ",".join(canonical_text(k) + ":" + canonical(v) for k, v in value["pairs"]) + "}"


def member(value, name):
    """The first member of that name, or element of that index; None when there is none."""
    if isinstance(value, dict):
        return next((v for k, v in value["pairs"] if k == name), None)
    if isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", name):
        return value[int(name)] if int(name) < len(value) else None
    return None


def pointed(value, pointer):
    for step in pointer.split("/")[1:]:
        value = member(value, step.replace("~1", "/").replace("~0", "~"))
    return value


class Misfit(Exception):
    pass


def plain_text(value):
    return value if isinstance(value, str) and not isinstance(value, Literal) else canonical(value)


def typed(value, kind):
    """The value of a column, as the program prints it."""
    if value is None:
        return "null"
    if kind == "json":
        return canonical(value)
    if kind == "string":
        return canonical_text(plain_text(value))
    if kind == "boolean":
        return "true" if value is True or plain_text(value).lower() == "true" else "false"
    if kind == "long":
        if re.fullmatch(r"[+-]?[0-9]+", plain_text(value)) and -2**63 <= int(plain_text(value)) < 2**63:
            return str(int(plain_text(value)))
        raise Misfit
    if not isinstance(value, str):
        raise Misfit
    if isinstance(value, Literal) and not any(c in value for c in ".eE"):
        return float(int(value))  # so -0 is 0
    number = value.strip("".join(map(chr, range(33))))  # as Double.parseDouble
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?", number):
        raise Misfit
    return float(number.rstrip("fFdD"))


def same_row(got, wanted, kinds):
    """Doubles are compared as numbers, all else as text."""
    if "double" not in kinds:
        return got == "{%s}" % ",".join('"c%d":%s' % (i, text) for i, text in enumerate(wanted))
    row = json.loads(got)
    for i, text in enumerate(wanted):
        have = row["c%d" % i]
        if isinstance(text, float):
            if struct.pack("<d", have) != struct.pack("<d", text):
                return False
        elif json.loads(text, parse_float=float) != have:
            return False
    return True


# --- tests ---------------------------------------------------------------------------------------

ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16",
             "utf-32"]


def lay_out(r, values):
    space, between = r.random() < 0.5, r.choice(["\n", "", " \r\n\t", "\n\n"])
    return r.choice(["", " \n"]) + between.join(write(r, v, space) for v in values) + r.choice(["", "\n", "  "])


def a_json_column_holds_the_canonical_text(program, r):
    for _ in range(20):
        values = [random_object(r, 4, ["k", "a b", "é", "", "x/y", "k" * 70]) for _ in range(r.randint(1, 60))]
        text = lay_out(r, values)
        encoding = r.choice(ENCODINGS)
        rows, rejects, others = program.preview(text.encode(encoding), {"type": "json"})
        wanted = ['{"record":%s}' % canonical(v) for v in values]
        difference = rejects or oracle.first_difference(rows or [], wanted)
        if difference:
            return "%s\n%s\n%r" % (difference, others, text[:2000])
    return None


def columns_take_what_fits_their_type(program, r):
    pointers = [None, None, "/k", "/x~1y/0", "/m~0n/k", "//0", "/é/é", "/k/0/k", "/0"]
    names = ["c0", "c1", "c2", "k", "x/y", "m~n", "", "é", "0"]
    for _ in range(25):
        kinds = [r.choice(["json", "string", "boolean", "long", "double"]) for _ in range(3)]
        columns = [{"name": "c%d" % i, "type": kind} for i, kind in enumerate(kinds)]
        for column in columns:
            pointer = r.choice(pointers)
            if pointer is not None:
                column["element_at"] = pointer
        values = [random_object(r, 3, names) for _ in range(r.randint(20, 200))]
        options = {"type": "json", "columns": columns}
        documents, root = values, r.choice([None, None, "", "/d", "/d~1~0/1"])
        is_flat = r.random() < 0.4
        if is_flat:
            documents = [values[:7], values[7:]]
            options["flatten_json_array"] = True
        if root == "/d":
            documents = [{"pairs": [("x", v), ("d", v), ("d", None)]} for v in documents]
        elif root:
            documents = [{"pairs": [("d/~", [None, v])]} for v in documents]
        if root is not None:
            options["root"] = root
        wanted = []
        rejected = 0
        for value in values:
            try:
                wanted.append([typed(pointed(value, c.get("element_at", "/" + c["name"])), c["type"])
                               for c in columns])
            except Misfit:
                rejected += 1
        text = lay_out(r, documents)
        rows, rejects, others = program.preview(text.encode(), options)
        if rows is None or len(rows) != len(wanted) or len(rejects) != rejected:
            return "wanted %d rows, %d rejects\n%r\n%r\n%r" % (len(wanted), rejected, rejects, options, others)
        for got, want in zip(rows, wanted):
            if not same_row(got, want, kinds):
                return "wanted %r\ngot %s\n%r" % (want, got, options)
    return None


def broken_texts_are_refused(program, r):
    """One byte of a sound text is lost, doubled or changed: sound for Python and for us, or for neither."""
    for _ in range(80):
        value = random_object(r, 3, ["k", "a", "é"])
        text = write(r, value, r.random() < 0.3)
        at = r.randrange(len(text))
        change = r.choice(["", text[at] * 2, r.choice('"\\{}[],:0-+.eEtnf x/u'), r.choice("\v\xa0'#")])
        text = text[:at] + change + text[at + 1:]
        try:
            made = json.JSONDecoder(strict=False, object_pairs_hook=lambda pairs: {"pairs": pairs},
                                    parse_int=Literal, parse_float=Literal,
                                    parse_constant=lambda name: int("NaN")).decode(text)
            if not isinstance(made, dict):
                continue
            if any(abs(float(n)) == float("inf") for n in re.findall(r"[0-9.eE+-]{3,}", text) if is_number(n)) or \
                    re.search(r"[0-9]{19,}", text):
                continue  # out of range: tests/cases/parse_json
            wanted = ['{"record":%s}' % canonical(made).encode("utf-8", "surrogatepass").decode("utf-8")]
        except UnicodeError:
            continue  # half a pair of surrogates: tests/cases/parse_json
        except ValueError:
            wanted = None
        rows, _, others = program.preview(text.encode(), {"type": "json"})
        if rows != wanted and not (wanted is None and not rows):
            return "wanted %r\ngot %r %r\n%r" % (wanted, rows, others, text)
        if wanted is None and rows is None and not re.search(r"Failed to parse JSON: .*in\.dat: .* at byte", others[0]):
            return "%r\n%r" % (others, text)
    return None


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(oracle.main([a_json_column_holds_the_canonical_text, columns_take_what_fits_their_type,
                          broken_texts_are_refused]))
