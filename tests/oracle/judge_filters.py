#!/usr/bin/env python3
"""Every filter against Python: hashlib, re, and the rules of docs/filters.md said again.

    judge_filters.py PENSTOCK
"""
import hashlib
import hmac
import json
import operator
import re
import sys

import oracle

KINDS = {"b": "boolean", "i": "long", "d": "double", "s": "string", "j": "json", "t": "timestamp"}
FORMAT = "%Y-%m-%d %H:%M:%S"


def random_text(r):
    return "".join(r.choice("abAB 0_-é日🐟\0\n\"") for _ in range(r.choice([0, 1, 2, 3, 7, 40])))


def random_time(r):
    return "%04d-%02d-%02d %02d:%02d:%02d" % (r.randint(1900, 2100), r.randint(1, 12), r.randint(1, 28), r.randrange(24),
                                             r.randrange(60), r.randrange(60))


def random_json(r, depth=3):
    kind = r.randrange(7 if depth else 5)
    if kind == 5:
        return [random_json(r, depth - 1) for _ in range(r.randint(0, 3))]
    if kind == 6:
        return {r.choice(["a", "b", "x.y", "é", "k 1"]): random_json(r, depth - 1) for _ in range(r.randint(0, 4))}
    return [None, True, r.randint(-5, 5), random_text(r), r.randint(-9, 9) + 0.5][kind]


def random_rows(r, count=300):
    """One column of each type, each value null now and then. Times are their texts."""
    rows = []
    for _ in range(count):
        row = {"b": r.random() < 0.5, "i": r.choice([r.randint(-3, 3), r.randint(-2**63, 2**63 - 1)]),
               "d": r.choice([r.randint(-3, 3) / 2, r.uniform(-1e9, 1e9)]), "s": random_text(r),
               "j": {"a": random_json(r), "b": random_json(r)} if r.random() < 0.8 else random_json(r),
               "t": random_time(r)}
        rows.append({name: None if r.random() < 0.1 else value for name, value in row.items()})
    return rows


def parser():
    return {"type": "json", "columns": [dict({"name": n, "type": t}, **({"format": FORMAT} if n == "t" else {}))
                                        for n, t in KINDS.items()]}


def shown_time(text):
    return None if text is None else text.replace(" ", "T") + "Z"


def printed(row):
    """As the row comes out when no filter touches it; doubles compare as numbers."""
    return {name: shown_time(value) if name == "t" else value for name, value in row.items()}


def run(program, rows, filters, chosen=None):
    data = "\n".join(oracle.dump(row) for row in rows).encode()
    got, rejects, others = program.preview(data, chosen or parser(), filters=filters)
    return None if got is None else [list(json.loads(row).items()) for row in got], rejects, others


def compare(program, rows, filters, wanted, rejected=0):
    """wanted: rows as dicts, in the order of the columns."""
    got, rejects, others = run(program, rows, filters)
    if got is None:
        return "%r\n%s" % (filters, "\n".join(others))
    want = [list(row.items()) for row in wanted]
    # True == 1 in Python, so types are compared, too
    difference = oracle.first_difference([(row, [type(v) for _, v in row]) for row in got],
                                         [(row, [type(v) for _, v in row]) for row in want])
    if difference or len(rejects) != rejected:
        return "%s\n%d rejects, wanted %d: %r\n%r" % (difference, len(rejects), rejected, rejects[:2], filters)
    return None


def refused(program, filters, words):
    """The configuration must be an error that holds these words and its place."""
    got, _, others = run(program, [{"i": 1}], filters)
    text = "\n".join(others)
    if got is not None or not re.search(words, text) or not re.search(r"load\.yml:\d+:\d+", text):
        return "wanted an error with %r\n%r\n%r\n%s" % (words, filters, got, text)
    return None


def java_text(kind, value):
    """What is digested; doubles here have a short form with a point."""
    if kind in "bj":
        return oracle.dump(value)
    if kind == "t":
        return value + " UTC"
    return str(value)


def columns_are_kept_added_and_dropped(program, r):
    rows = random_rows(r)
    for _ in range(6):
        names = r.sample(list(KINDS), r.randint(1, 6))
        wanted = [{name: printed(row)[name] for name in names} for row in rows]
        complaint = compare(program, rows, [{"type": "retain_columns", "columns": [{"name": n} for n in names]}], wanted)
        gone = set(KINDS) - set(names)
        if gone:
            copied = sorted(gone)[0]
            wanted = [dict({n: printed(row)[n] for n in KINDS if n in names}, copy=printed(row)[copied], c=7)
                      for row in rows]
            complaint = complaint or compare(program, rows, [
                {"type": "column", "drop_columns": [{"name": n} for n in sorted(gone) + ["nobody"]],
                 "add_columns": [{"name": "copy", "src": copied}, {"name": "c", "type": "long", "default": 7}]}], wanted)
            complaint = complaint or compare(program, rows, [{"type": "remove_columns", "keep": names}],
                                             [{n: printed(row)[n] for n in KINDS if n in names} for row in rows])
            complaint = complaint or compare(program, rows, [{"type": "remove_columns", "remove": sorted(gone)}],
                                             [{n: printed(row)[n] for n in KINDS if n in names} for row in rows])
        if complaint:
            return complaint
    defaults = {"b": True, "i": -9, "d": 2.5, "s": "none", "j": '{"x":[1]}', "t": "2000-01-02 03:04:05"}
    made = dict(defaults, j={"x": [1]}, t=shown_time(defaults["t"]))
    wanted = [{n: made[n] if row[n] is None else printed(row)[n] for n in KINDS} for row in rows]
    return compare(program, rows, [{"type": "column", "default_timestamp_format": FORMAT, "columns": [
        {"name": n, "default": v} for n, v in defaults.items()]}], wanted)


def members_of_json_are_dropped_and_kept(program, r):
    rows = random_rows(r)

    def without(value, name):
        return {k: v for k, v in value.items() if k != name} if isinstance(value, dict) else value

    def without_in_all(value):
        inner = value.get("a") if isinstance(value, dict) else None
        if isinstance(inner, list):
            return dict(value, a=[without(v, "b") for v in inner])
        return dict(value, a={k: without(v, "b") for k, v in inner.items()}) if isinstance(inner, dict) else value
    for path, change in (("$.j.b", lambda v: without(v, "b")), ("$['j']['b']", lambda v: without(v, "b")),
                         ("$.j.a[*].b", without_in_all)):
        wanted = [dict(printed(row), j=change(row["j"])) for row in rows]
        complaint = compare(program, rows, [{"type": "drop_columns", "drop_columns": [{"name": path}]}], wanted)
        if complaint:
            return complaint
    return None


def json_expands_into_columns(program, r):
    rows = random_rows(r)

    def at(value, *names):
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def text(value):
        return value if value is None or isinstance(value, str) else oracle.dump(value)
    columns = {"a": "string", "b.a": "json", "['b']['x.y']": "boolean", "a['k 1']": "string"}
    wanted, rejected = [], 0
    for row in rows:
        j = row["j"]
        inner, flag = at(j, "b", "a"), text(at(j, "b", "x.y"))
        if isinstance(inner, str):  # a text in a json column must be JSON itself, and these are not
            try:
                inner = json.loads(inner)
            except ValueError:
                rejected += 1
                continue
        new = {"a": text(at(j, "a")), "b.a": inner, "['b']['x.y']": flag and flag.lower() == "true",
               "a['k 1']": text(at(j, "a", "k 1"))}
        if flag == "":
            new["['b']['x.y']"] = False
        wanted.append({})
        for name, value in printed(row).items():
            wanted[-1].update(new if name == "j" else {name: value})
    return compare(program, rows, [
        {"type": "expand_json", "json_column_name": "j", "expanded_columns": [
            {"name": name, "type": kind} for name, kind in columns.items()]}], wanted, rejected)


def numbers_of_json_become_longs_or_reject(program, r):
    texts = ["1", "-7", "1.9", "-1.9", "1e3", "9223372036854775807", "9223372036854775808", "-1e30", "x", "", "1_0", "0x",
             "true", "12abc", "+5", "0.999"]
    rows = [dict(random_rows(r, 1)[0], j={"n": value}) for value in texts + [1, 2.5, -2.5, None, True, [1], {}]]

    def to_long(value):
        shown = value if isinstance(value, str) else oracle.dump(value)
        if re.fullmatch(r"[+-]?\d+", shown) and -2**63 <= int(shown) < 2**63:
            return int(shown)
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", shown):
            raise ValueError
        return max(-2**63, min(2**63 - 1, int(float(shown))))
    wanted, rejected = [], 0
    for row in rows:
        value = row["j"]["n"]
        try:
            number = None if value is None else to_long(value)
            wanted.append({(name if name != "j" else "n"): (v if name != "j" else number)
                           for name, v in printed(row).items()})
        except ValueError:
            rejected += 1
    return compare(program, rows, [{"type": "expand_json", "json_column_name": "j",
                                    "expanded_columns": [{"name": "n", "type": "long"}]}], wanted, rejected)


def digests_are_those_of_hashlib(program, r):
    rows = random_rows(r)
    for row in rows:  # a double whose text Python and Java write alike
        row["d"] = None if row["d"] is None else r.randint(-9999, 9999) / 4
    for algorithm, make in (("SHA-256", hashlib.sha256), ("md5", hashlib.md5), ("SHA-1", hashlib.sha1),
                            ("sha-512", hashlib.sha512), ("HmacSHA256", "sha256"), ("hmacmd5", "md5")):
        is_mac = isinstance(make, str)
        salt = "" if is_mac else r.choice(["", "pepper é"])

        def digest(value, make=make, salt=salt, is_mac=is_mac):
            if is_mac:
                return hmac.new("key é".encode(), value.encode(), make).hexdigest()
            return make((salt + value).encode()).hexdigest()
        entries = [dict({"name": n, "algorithm": algorithm}, **({"secret_key": "key é"} if is_mac else
                                                               {"salt": salt} if salt else {})) for n in KINDS]
        entries[0]["new_name"] = "hashed"
        wanted = [{("hashed" if n == "b" else n): None if row[n] is None else digest(java_text(n, row[n])) for n in KINDS}
                  for row in rows]
        complaint = compare(program, rows, [{"type": r.choice(["hash", "digest"]), "columns": entries}], wanted)
        if complaint:
            return complaint
    return None


def rows_stay_where_conditions_hold(program, r):
    rows = random_rows(r)
    signs = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
             ">=": operator.ge}

    def condition():
        name = r.choice("bidst")
        sign = r.choice(list(signs) if name != "b" else ["==", "!="]) if r.random() < 0.6 else \
            r.choice(["in", "is_null", "is_not_null", "matches"])
        if sign == "is_null" or sign == "is_not_null":
            name = r.choice("bidsjt")
            return {"column": name, "operator": sign}, lambda row: (row[name] is None) == (sign == "is_null")
        if sign == "matches":
            pattern = r.choice(["^a", "b$", "A.?B", "[0-9_]", "é|日"])
            return {"column": "s", "operator": sign, "value": pattern}, \
                lambda row: row["s"] is not None and re.search(pattern, row["s"]) is not None
        value = next(v for v in (r.choice(rows)[name] for _ in range(1000)) if v is not None)

        def key(v):
            return v.encode() if name == "s" else v
        if sign == "in":
            values = [value, r.choice([v[name] for v in rows if v[name] is not None])]
            return {"column": name, "operator": sign, "value": values}, lambda row: row[name] in values
        entry = {"column": name, "operator": sign, "value": value}
        return entry, lambda row: row[name] is not None and signs[sign](key(row[name]), key(value))
    for _ in range(25):
        every, some = [condition() for _ in range(r.randint(0, 2))], [condition() for _ in range(r.randint(0, 3))]
        if not every and not some:
            continue
        entry = {"type": "where", "timestamp_format": FORMAT}
        for name, conditions in (("all", every), ("any", some)):
            if conditions:
                entry[name] = [c for c, _ in conditions]
        stay = [row for row in rows if all(f(row) for _, f in every) and (not some or any(f(row) for _, f in some))]
        got, rejects, others = run(program, rows, [entry])
        want = [list(printed(row).items()) for row in stay]
        if (got or []) != want or rejects:  # a row that is left out is no rejected record
            return "%r\n%r\n%s" % (entry, oracle.first_difference(got or [], want), others[:3])
    return None


def texts_are_masked(program, r):
    rows = random_rows(r)
    for first, last, mark in ((0, 4, "*"), (2, 1, "x"), (0, 0, "日"), (1, 0, "*"), (3, 3, "🐟")):
        def mask(text, first=first, last=last, mark=mark):
            if len(text) <= first + last:
                return mark * len(text)
            return text[:first] + mark * (len(text) - first - last) + text[len(text) - last:]
        wanted = [dict(printed(row), s=row["s"] and mask(row["s"])) for row in rows]
        complaint = compare(program, rows, [{"type": "mask", "columns": [
            {"name": "s", "first": first, "last": last, "character": mark}]}], wanted)
        if complaint:
            return complaint
    return None


def times_are_added(program, r):
    rows = random_rows(r)
    units = {"sec": 1, "milli": 10**3, "micro": 10**6, "nano": 10**9}
    wanted, seconds = [], {}
    for row in rows:
        row["i"] = None if row["i"] is None else r.randint(-10**9, 2 * 10**9)
        wanted.append(dict(printed(row), time=row["i"]))
    complaint = compare(program, rows, [{"type": "add_time", "to_column": {"name": "time", "type": "long"},
                                         "from_column": {"name": "i"}}], wanted)
    for unit, factor in units.items():
        got, _, others = run(program, rows, [
            {"type": "add_time", "to_column": {"name": "time", "type": "long", "unix_timestamp_unit": unit},
             "from_column": {"name": "t"}}, {"type": "retain_columns", "columns": [{"name": "time"}]}])
        if got is None:
            return others
        values = [row[0][1] for row in got]
        seconds[unit] = [None if v is None else v / factor for v in values]
        if seconds[unit] != seconds["sec"] or [v is None for v in values] != [row["t"] is None for row in rows]:
            complaint = complaint or "unit %s differs" % unit
    return complaint


def unique(names, delimiter="_", digits=None, max_length=None, offset=1):
    """unique_number_suffix as spec and documentation state it."""
    fixed, counters = [], {name: offset for name in names}
    for name in names:
        short = name[:max_length]
        if short not in fixed:
            fixed.append(short)
            counters[name] += 1
            continue
        number = counters[name]
        while True:
            suffix = delimiter + str(number).rjust(digits or 0, "0")
            candidate = (name if max_length is None else name[:max(max_length - len(suffix), 0)]) + suffix
            number += 1
            if candidate not in fixed and candidate not in names:
                break
        fixed.append(candidate)
        counters[name] = number
    return fixed


def names_are_made_by_rules(program, r):
    for _ in range(30):
        count = r.randint(1, 14)
        names = ["".join(r.choice("aAbB1_ -é日") for _ in range(r.choice([1, 1, 2, 3, 12]))) for _ in range(count)]
        if r.random() < 0.5:
            names += [r.choice(names) + r.choice(["", "_1", "_2"]) for _ in range(r.randint(1, 5))]
        names = list(dict.fromkeys(names))  # a parser may have two columns of a name, but say it once
        rules, now = [], names
        for _ in range(r.randint(1, 4)):
            kind = r.randrange(7)
            if kind == 0:
                rules.append({"rule": "upper_to_lower"})
                now = [n.lower() for n in now]
            elif kind == 1:
                rules.append({"rule": "lower_to_upper"})
                now = [n.upper() for n in now]
            elif kind == 2:
                rules.append({"rule": "character_types", "pass_types": ["a-z", "0-9"], "pass_characters": "_é"})
                now = [re.sub("[^a-z0-9_é]", "_", n) for n in now]
            elif kind == 3:
                rules.append({"rule": "first_character_types", "pass_types": ["a-z"], "prefix": "_"})
                now = [n if re.match("[a-z]|$", n) else "_" + n for n in now]
            elif kind == 4:
                rules.append({"rule": "regex_replace", "match": "(a+)(b?)", "replace": "$2<$1>"})
                now = [re.sub("(a+)(b?)", r"\2<\1>", n) for n in now]
            elif kind == 5:
                length = r.randint(1, 9)
                rules.append({"rule": "truncate", "max_length": length})
                now = [n[:length] for n in now]
            options = {"max_length": r.randint(8, 12)} if r.random() < 0.5 else {}
            if r.random() < 0.3:
                options["digits"] = 3
            if r.random() < 0.3:
                options["offset"] = r.choice([0, 5])
            rules.append(dict(options, rule="unique_number_suffix"))
            now = unique(now, **options)
        columns = [{"name": name, "type": "string"} for name in names]
        data = ",".join(str(i) for i in range(len(names))).encode() + b"\n"
        got, _, others = program.preview(data, {"type": "csv", "columns": columns}, filters=[
            {"type": "rename", "rules": rules}])
        want = oracle.dump({name: str(i) for i, name in enumerate(now)})
        if got != [want]:
            return "%r\n%r\nwanted %s\ngot %r %r" % (names, rules, want, got, others)
    return None


def order_of_filters_counts(program, r):
    """A chain is its filters one behind another, and each sees what the one before it left."""
    rows = random_rows(r)
    chain = [{"type": "expand_json", "json_column_name": "j", "expanded_columns": [{"name": "a", "type": "string"}]},
             {"type": "rename", "columns": {"a": "A"}, "rules": [{"rule": "upper_to_lower"}]},
             {"type": "where", "all": [{"column": "a", "operator": "is_not_null"}]},
             {"type": "mask", "columns": [{"name": "a", "first": 1}]},
             {"type": "hash", "columns": [{"name": "a", "algorithm": "MD5"}]},
             {"type": "drop_columns", "drop_columns": [{"name": n} for n in "bdt"]}]
    wanted = []
    for row in rows:
        a = row["j"].get("a") if isinstance(row["j"], dict) else None
        if a is not None:
            a = a if isinstance(a, str) else oracle.dump(a)
            a = a[:1] + "*" * (len(a) - 1) if len(a) > 1 else "*" * len(a)
            wanted.append({"i": row["i"], "s": row["s"], "a": hashlib.md5(a.encode()).hexdigest()})
    got, _, others = run(program, rows, chain)
    want = [list(row.items()) for row in wanted]
    return None if got == want else "%s\n%s" % (oracle.first_difference(got or [], want), others[:3])


def wrong_options_are_refused_with_their_place(program, _):
    tries = [([{"type": "nobody"}], "nobody"), ([{"type": "column", "columns": [{"name": "zz"}]}], "zz"),
             ([{"type": "mask", "columns": [{"name": "i"}]}], "string"),
             ([{"type": "mask", "columns": [{"name": "s", "last": -1}]}], "last"),
             ([{"type": "hash", "columns": [{"name": "s", "algorithm": "SHA-257"}]}], "No such algorithm"),
             ([{"type": "hash", "columns": [{"name": "s", "algorithm": "HmacMD5"}]}], "Secret key must not be null"),
             ([{"type": "where", "all": [{"column": "i", "value": "x"}]}], "x"),
             ([{"type": "where", "all": [{"column": "t", "value": "x"}]}], "x"),
             ([{"type": "where", "all": [{"column": "s", "operator": "matches", "value": "("}]}],
              "regular expression"),
             ([{"type": "expand_json", "json_column_name": "i", "expanded_columns": []}], "i"),
             ([{"type": "expand_json", "json_column_name": "j", "expanded_columns": [
                 {"name": "s", "type": "string"}]}], "s"),
             ([{"type": "expand_json", "json_column_name": "j", "expanded_columns": [
                 {"name": "a[", "type": "string"}]}], r"a\["),
             ([{"type": "remove_columns", "remove": ["zz"]}], "zz"),
             ([{"type": "rename", "columns": {"zz": "a"}}], "zz"),
             ([{"type": "rename", "rules": [{"rule": "regex_replace", "match": "(", "replace": ""}]}], r"\("),
             ([{"type": "drop_columns", "drop_columns": [{"name": "i"}]},
               {"type": "mask", "columns": [{"name": "i"}]}], "i"),
             ([{"type": "source_columns", "columns": ["size"]}], "size"),
             ([{"type": "add_time", "to_column": {"name": "time", "type": "double"}, "from_column": {"name": "i"}}],
              "double"),
             ([{"type": "add_time", "to_column": {"name": "time"}, "from_column": {"name": "zz"}}],
              r"from_column 'zz' doesn't exist in the schema\.")]
    for filters, words in tries:
        complaint = refused(program, filters, words)
        if complaint:
            return complaint
    return None


if __name__ == "__main__":
    sys.exit(oracle.main([
        columns_are_kept_added_and_dropped, members_of_json_are_dropped_and_kept, json_expands_into_columns,
        numbers_of_json_become_longs_or_reject, digests_are_those_of_hashlib, rows_stay_where_conditions_hold,
        texts_are_masked, times_are_added, names_are_made_by_rules, order_of_filters_counts,
        wrong_options_are_refused_with_their_place]))
