#!/usr/bin/env python3
"""CSV against two judges: Python's csv module, and a tokenizer written from the rules of the format.

    judge_csv.py PENSTOCK

The tokenizer here is docs/formats/csv.md said again, one character at a time, for any text whatever.
"""
import csv
import io
import sys

import oracle

TRUE = {"true", "True", "TRUE", "yes", "Yes", "YES", "t", "T", "y", "Y", "on", "On", "ON", "1"}
TOO_FEW = "A record does not have an expected column (i.e. too few columns)."
TOO_MANY = "A record has an unexpected trailing column (i.e. too many columns)."
AT_END = "Unexpected end of file in a quoted field."


class Bad(Exception):
    """A record is wrong; args[0] is the reason."""


def utf16_len(text):
    return len(text.encode("utf-16-le")) // 2


def split_lines(text, mode):
    """Physical lines without their ends."""
    lines, line, i = [], "", 0
    while i < len(text):
        c, following = text[i], text[i + 1:i + 2]
        ends = {None: c in "\r\n", "LF": c == "\n" and not line.endswith("\r"),
                "CR": c == "\r" and following != "\n", "CRLF": c == "\r" and following == "\n"}[mode]
        if ends:
            lines.append(line)
            line = ""
            i += 2 if c == "\r" and following == "\n" else 1
        else:
            line += c
            i += 1
    return lines + [line] if line else lines


class Reader:
    """Fields of the lines, from `at` on: `line` is the one being read, `column` the place in it."""

    def __init__(self, lines, options):
        self.lines, self.at, self.column, self.began = lines, 0, 0, 0
        self.delimiter = options.get("delimiter", ",")
        self.quote, self.escape = options.get("quote", '"'), options.get("escape", "\\")
        self.is_trimmed = options.get("trim_if_not_quoted", False)
        self.is_stray = options.get("quotes_in_quoted_fields", "").startswith("ACCEPT_STRAY")
        self.newline = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}[options.get("newline", "CRLF")]
        self.limit = options.get("max_quoted_size_limit", 131072)

    def is_delimiter(self, column):
        return self.lines[self.at].startswith(self.delimiter, column)

    def field(self):
        """(text, was it quoted, is it the record's last)"""
        self.began = self.at
        line = self.lines[self.at]
        start = self.column
        if self.is_trimmed:
            while line[start:start + 1] == " ":
                start += 1
        if self.quote is not None and line[start:start + 1] == self.quote and not self.is_delimiter(start):
            self.column = start + 1
            return self.quoted()
        end = start
        while end < len(line) and not self.is_delimiter(end):
            end += 1
        text = line[start:end].rstrip(" ") if self.is_trimmed else line[start:end]
        self.column = end + len(self.delimiter)
        return text, False, end == len(line)

    def closes(self, column):
        """Does the quote before `column` end a field with stray quotes?"""
        return column == len(self.lines[self.at]) or self.lines[self.at][column] == self.delimiter[0]

    def quoted(self):
        text = ""
        while True:
            line = self.lines[self.at]
            if self.column == len(line):
                text += self.newline
                self.at += 1
                self.column = 0
                if self.at == len(self.lines):
                    raise Bad(AT_END)
                continue
            c = line[self.column]
            following = line[self.column + 1:self.column + 2]
            self.column += 1
            if c == self.quote:
                is_pair = following == self.quote and not (self.is_stray and self.closes(self.column + 1))
                if is_pair:
                    self.column += 1
                    text += c
                    continue
                if not self.is_stray or self.closes(self.column):
                    return self.behind_quote(text)
            elif c == self.escape and following and following in (self.quote, self.escape):
                text += following
                self.column += 1
                continue
            elif c == self.escape:
                text += c  # the next character is read as if nothing had been before it
                continue
            text += c
            if utf16_len(text) > self.limit:
                raise Bad("The length of the quoted field exceeds the limit (%d)." % self.limit)

    def behind_quote(self, text):
        line = self.lines[self.at]
        while self.column < len(line):
            if self.is_delimiter(self.column):
                self.column += len(self.delimiter)
                return text, True, False
            if line[self.column] != " ":
                raise Bad("Unexpected extra character '%s' after a quote by '%s'." % (line[self.column], self.quote))
            self.column += 1
        return text, True, True


def convert(text, is_quoted, kind, null_string):
    if null_string is None:
        if text == "" and not is_quoted:
            return None
    elif text == null_string:
        return None
    if kind == "boolean":
        return text in TRUE
    if kind == "long":
        digits = text[1:] if text[:1] in ("+", "-") else text
        if digits and all("0" <= c <= "9" for c in digits) and -2**63 <= int(text) < 2**63:
            return int(text)
        raise Bad('java.lang.NumberFormatException: For input string: "%s"' % text)
    return text


def read_record(reader, options):
    row, is_last = [], False
    for column in options["columns"]:
        if is_last:
            if not options.get("allow_optional_columns", False):
                raise Bad(TOO_FEW)
            row.append(None)
            continue
        text, is_quoted, is_last = reader.field()
        row.append(convert(text, is_quoted, column["type"], options.get("null_string")))
    if not is_last and not options.get("allow_extra_columns", False):
        raise Bad(TOO_MANY)
    return row


def judge(text, options):
    """(rows, rejects): what must come of the text."""
    lines = split_lines(text, options.get("line_delimiter_recognized"))
    reader = Reader(lines, options)
    rows, rejects, names = [], [], [column["name"] for column in options["columns"]]
    reader.at = max(options.get("skip_header_lines", 0), 0)
    marker = options.get("comment_line_marker")
    while reader.at < len(lines):
        line = lines[reader.at]
        reader.column = 0
        if line == "" or (marker and line.startswith(marker)):
            reader.at += 1
            continue
        try:
            rows.append(oracle.dump(dict(zip(names, read_record(reader, options)))))
        except Bad as bad:
            rejects.append((reader.began + 1, bad.args[0]))
            reader.at = reader.began
        reader.at += 1
    return rows, rejects


def visible(reason):
    """As messages show it: one line, whatever the value is (its end may be cut)."""
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(names.get(c, "\\x%02x" % ord(c) if c < " " else c) for c in reason)


def compare(program, text, options):
    rows, rejects = judge(text, options)
    got_rows, got_rejects, others = program.preview(text.encode(), dict(options, type="csv"))
    if got_rows is None:
        return "options %r\n%s" % (options, "\n".join(others))
    wanted = [(line, visible(reason)[:100]) for line, reason in rejects]
    got = [(line, reason[:len(want)]) for (line, reason), (_, want) in zip(got_rejects, wanted)]
    got += got_rejects[len(wanted):]
    difference = oracle.first_difference(got_rows, rows) or oracle.first_difference(got, wanted)
    return difference and "%s\noptions %r\ntext %r" % (difference, options, text[:3000])


def random_options(r):
    options = {}

    def maybe(key, values, chance=0.4):
        if r.random() < chance:
            options[key] = r.choice(values)
    maybe("delimiter", ["\t", ";", "::", ":a", "é", "🐟"])
    maybe("quote", ["'", None, "é"], 0.25)
    maybe("escape", ['"', None, "'", "a"], 0.5)
    maybe("null_string", ["", "a", "NULL", "\\"])
    maybe("trim_if_not_quoted", [True])
    if not options.get("trim_if_not_quoted"):
        maybe("quotes_in_quoted_fields", ["ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS"])
    maybe("max_quoted_size_limit", [2, 5, 20])
    maybe("comment_line_marker", ["#", "aa", '"'])
    maybe("allow_optional_columns", [True])
    maybe("allow_extra_columns", [True])
    maybe("newline", ["LF", "CR"])
    maybe("line_delimiter_recognized", ["LF", "CR", "CRLF"], 0.3)
    maybe("skip_header_lines", [1, 3, -1, 400], 0.2)
    kinds = r.choice([["string"], ["string"] * 2, ["string"] * 3, ["long", "string"], ["string", "boolean", "long"]])
    options["columns"] = [{"name": "c%d" % i, "type": kind} for i, kind in enumerate(kinds)]
    return options


def random_text(r, options):
    """Mostly characters that mean something."""
    quote, escape = options.get("quote", '"'), options.get("escape", "\\")
    delimiter = options.get("delimiter", ",")
    line_end = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}.get(options.get("line_delimiter_recognized"))
    some = [delimiter] * 6 + [line_end or r.choice(["\n", "\r\n", "\r"])] * 5 + ["a", "1", " ", "é", "🐟", '"', "'"]
    some += [quote] * 4 if quote else []
    some += [escape] if escape else []
    some += ["\n", "\r", "\\", "#", "12", "NULL", ":", "a b", "\t", "-", "x" * r.randint(1, 90), "\0"]
    return "".join(r.choice(some) for _ in range(r.randint(200, 2500)))


def any_text_is_read_as_the_rules_say(program, r):
    for _ in range(70):
        options = random_options(r)
        complaint = compare(program, random_text(r, options), options)
        if complaint:
            return complaint
    return None


def even_records_are_read_as_the_rules_say(program, r):
    """Mostly sound records, as the scanner likes them, with a wrong one now and then."""
    for _ in range(25):
        options = random_options(r)
        quote, delimiter = options.get("quote", '"'), options.get("delimiter", ",")
        words = ["", "a", "1", "-12", "x" * 40, "é", " b ", "on", "NULL"]
        if quote:
            words += [quote + word + quote for word in ("", "a", "b" + quote + quote + "c", "d\ne", delimiter, "77")]
        lines = []
        for _ in range(r.randint(20, 400)):
            count = len(options["columns"]) + (r.choice([-1, 1]) if r.random() < 0.02 else 0)
            lines.append(delimiter.join(r.choice(words) for _ in range(max(count, 1))))
            if r.random() < 0.02:
                lines[-1] += r.choice(['"', "'", "\r", " ", "\\"])
        end = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}.get(options.get("line_delimiter_recognized"), "\n")
        complaint = compare(program, end.join(lines) + end * r.randint(0, 1), options)
        if complaint:
            return complaint
    return None


def what_python_writes_is_read_back(program, r):
    for round_number in range(12):
        delimiter, quote = r.choice(",\t;|"), r.choice("\"'")
        style = dict(delimiter=delimiter, quotechar=quote, lineterminator=r.choice(["\n", "\r\n"]),
                     quoting=r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        is_escaped = round_number % 3 == 0
        if is_escaped:
            style.update(escapechar="\\", doublequote=False, quoting=csv.QUOTE_ALL)
        rows = [["".join(r.choice("ab ,;|\t\"'\n0é日🐟") for _ in range(r.choice([0, 1, 5, 60]))) or "-"
                 for _ in range(4)] for _ in range(300)]
        file = io.StringIO(newline="")
        csv.writer(file, **style).writerows(rows)
        options = {"delimiter": delimiter, "quote": quote, "escape": "\\" if is_escaped else None, "newline": "LF",
                   "columns": [{"name": "c%d" % i, "type": "string"} for i in range(4)], "type": "csv"}
        got, rejects, _ = program.preview(file.getvalue().encode(), options)
        wanted = [oracle.dump({"c%d" % i: cell for i, cell in enumerate(row)}) for row in rows]
        difference = oracle.first_difference(got or [], wanted)
        if difference or rejects:
            return "%s\n%r\n%r" % (difference, rejects[:2], style)
    return None


if __name__ == "__main__":
    sys.exit(oracle.main([any_text_is_read_as_the_rules_say, even_records_are_read_as_the_rules_say,
                          what_python_writes_is_read_back]))
