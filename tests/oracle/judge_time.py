#!/usr/bin/env python3
"""Time formats against Python's calendar and its time zones.

    judge_time.py PENSTOCK

Each text is printed by Python (or by hand, where Python's strftime stops) from an instant that is
known; reading it must give that instant back.
"""
import datetime
import os
import re
import sys
import zoneinfo

import oracle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
REGIONS = ["America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "America/Sao_Paulo",
           "Asia/Kathmandu", "Europe/Dublin", "Africa/Casablanca", "America/St_Johns", "Pacific/Apia",
           "Antarctica/Troll", "Asia/Tehran", "America/New_York", "Africa/Monrovia", "Pacific/Kiritimati", "UTC"]


# --- instants without Python's limits ------------------------------------------------------------


def days_from_civil(year, month, day):
    """Days since 1970-01-01 of any year, by the 400 years after which the calendar repeats."""
    cycles, year = divmod(year - 2000, 400)
    return cycles * 146097 + datetime.date(2000 + year, month, 1).toordinal() + day - 1 - 719163


def civil_from_days(days):
    cycles, day = divmod(days + 719163 - datetime.date(2000, 1, 1).toordinal(), 146097)
    date = datetime.date.fromordinal(datetime.date(2000, 1, 1).toordinal() + day)
    return date.year + 400 * cycles, date.month, date.day


def instant(days, seconds, nanoseconds=0):
    """As the program prints it: RFC 3339, in UTC."""
    more, nanoseconds = divmod(nanoseconds, 10**9)
    more, seconds = divmod(seconds + more, 86400)
    year, month, day = civil_from_days(days + more)
    fraction = (".%09d" % nanoseconds).rstrip("0") if nanoseconds else ""
    shown = "%04d" % year if 0 <= year <= 9999 else "%+05d" % year
    return "%s-%02d-%02dT%02d:%02d:%02d%sZ" % (shown, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60,
                                             fraction)


class Clock:
    """A reading of calendar and clock."""

    def __init__(self, r, years=(1, 9999)):
        self.year = r.randint(*years) if r.random() < 0.5 else r.randint(1900, 2100)
        self.month = r.randint(1, 12)
        last = days_from_civil(self.year + self.month // 12, self.month % 12 + 1, 1) - 1
        self.day = last - days_from_civil(self.year, self.month, 1) + 1 if r.random() < 0.2 else r.randint(1, 28)
        self.hour, self.minute, self.second = r.randrange(24), r.randrange(60), r.randrange(60)
        self.nano = r.choice([0, r.randrange(10**9), r.randrange(10**3) * 10**6])

    def days(self):
        return days_from_civil(self.year, self.month, self.day)

    def seconds(self):
        return self.hour * 3600 + self.minute * 60 + self.second

    def yearday(self):
        return self.days() - days_from_civil(self.year, 1, 1) + 1

    def weekday(self):
        return DAYS[(self.days() + 3) % 7]


def any_case(r, text):
    return r.choice([str, str.upper, str.lower, str.title])(text)


def padded(r, number):
    """Two digits, or one behind a space, or one."""
    return r.choice(["%02d", "%2d", "%d"]) % number


def print_directive(r, letter, c):
    """What a directive may stand for; the text must be followed by no digit."""
    century, in_century = divmod(c.year, 100)
    return {
        "Y": lambda: r.choice(["%d", "%04d", "+%d", "%06d"]) % c.year,
        "C": lambda: "%02d" % century, "y": lambda: "%02d" % in_century,
        "m": lambda: r.choice(["%02d", "%d"]) % c.month, "d": lambda: padded(r, c.day), "e": lambda: padded(r, c.day),
        "B": lambda: any_case(r, MONTHS[c.month - 1]), "b": lambda: any_case(r, MONTHS[c.month - 1][:3]),
        "h": lambda: any_case(r, r.choice([MONTHS[c.month - 1], MONTHS[c.month - 1][:3]])),
        "j": lambda: r.choice(["%03d", "%d"]) % c.yearday(), "H": lambda: padded(r, c.hour),
        "k": lambda: padded(r, c.hour), "I": lambda: padded(r, (c.hour + 11) % 12 + 1),
        "l": lambda: padded(r, (c.hour + 11) % 12 + 1), "M": lambda: r.choice(["%02d", "%d"]) % c.minute,
        "S": lambda: r.choice(["%02d", "%d"]) % c.second,
        "p": lambda: any_case(r, r.choice(["am", "a.m."]) if c.hour < 12 else r.choice(["pm", "p.m."])),
        "N": lambda: "%09d" % c.nano + r.choice(["", "123"]), "L": lambda: ("%09d" % c.nano).rstrip("0") or "0",
        "a": lambda: any_case(r, c.weekday()[:3]), "A": lambda: any_case(r, c.weekday()), "%": lambda: "%",
        "n": lambda: r.choice(["", " ", "\t \n"]), "u": lambda: str(DAYS.index(c.weekday()) + 1),
        "T": lambda: "%02d:%02d:%02d" % (c.hour, c.minute, c.second), "F": lambda: "%04d-%02d-%02d" % (c.year, c.month,
                                                                                                   c.day),
        "R": lambda: "%02d:%02d" % (c.hour, c.minute),
        "r": lambda: "%02d:%02d:%02d %s" % ((c.hour + 11) % 12 + 1, c.minute, c.second, "PM" if c.hour > 11 else "AM"),
    }[letter]()


def compare(program, kind, columns, rows, wanted):
    """rows: texts per column; wanted: what each prints, None for a record that is rejected."""
    names = ["c%d" % i for i in range(len(columns))]
    text = "".join("\x01".join('"%s"' % cell for cell in row) + "\n" for row in rows)
    parser = {"type": "csv", "delimiter": "\x01", "newline": "LF", "escape": None,
              "columns": [dict(column, name=name, type="timestamp") for name, column in zip(names, columns)]}
    got, rejects, others = program.preview(text.encode(), parser)
    want = [oracle.dump(dict(zip(names, row))) for row in wanted if row is not None]
    if got is None or len(got) != len(want) or got != want:
        at = next((i for i, (a, b) in enumerate(zip(got or [], want)) if a != b), 0)
        return "%s: %s\n%r\n%r\n%r" % (kind, oracle.first_difference(got or [], want), columns, rejects[:3],
                                       (others[:3], [row for row, w in zip(rows, wanted) if w is not None][at:at + 1]))
    return None


# --- tests ---------------------------------------------------------------------------------------


def every_directive_reads_what_it_prints(program, r):
    dates = ["Y m d", "C y m d", "Y B d", "Y b e", "Y h d", "Y j", "F", "d B Y", "a Y m d", "A u Y m e"]
    times = ["H M S", "k M S N", "I M S p", "p l M S L", "T", "R S", "r", "% H M n S", "T N"]
    for dialect in ("", "ruby:"):
        columns, makers = [], []
        for date in dates:
            if dialect and "j" in date:
                continue  # not used there
            for time in times:
                letters = r.sample([date, time], 2)
                columns.append({"format": dialect + "|".join("|".join("%" + x for x in part.split()) for part in letters)})
                makers.append(" ".join(letters).split())
        rows, wanted = [], []
        for _ in range(12):
            row, want = [], []
            for letters in makers:
                c = Clock(r, (1000, 9999)) if "C" in letters else Clock(r)
                row.append("|".join(print_directive(r, letter, c) for letter in letters))
                nano = c.nano if "N" in letters or "L" in letters else 0
                want.append(instant(c.days(), c.seconds(), nano))
            rows.append(row)
            wanted.append(want)
        complaint = compare(program, dialect or "legacy", columns, rows, wanted)
        if complaint:
            return complaint
    return None


def packed_digits_are_told_apart(program, r):
    columns = [{"format": "%Y%m%d%H%M%S"}, {"format": "%Y%j%H%M"}, {"format": "%y%m%d"}, {"format": "%Y%m%d%H%M%S%L"},
               {"format": "java:uuuuMMddHHmmss"}, {"format": "java:uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS"}]
    rows, wanted = [], []
    for _ in range(150):
        c = Clock(r, (1000, 9999))
        y = Clock(r, (1969, 2068))
        y.year = 1969 + (y.year - 1969) % 100
        y.day = min(y.day, 28)
        stamp = "%04d%02d%02d%02d%02d%02d" % (c.year, c.month, c.day, c.hour, c.minute, c.second)
        milli = c.nano // 10**6
        rows.append([stamp, "%04d%03d%02d%02d" % (c.year, c.yearday(), c.hour, c.minute),
                     "%02d%02d%02d" % (y.year % 100, y.month, y.day), "%s%03d" % (stamp, milli), stamp,
                     "%04d-%02d-%02dT%02d:%02d:%02d.%09d" % (c.year, c.month, c.day, c.hour, c.minute, c.second, c.nano)])
        whole = instant(c.days(), c.seconds())
        wanted.append([whole, instant(c.days(), c.seconds() - c.second), instant(y.days(), 0),
                       instant(c.days(), c.seconds(), milli * 10**6), whole, instant(c.days(), c.seconds(), c.nano)])
    return compare(program, "packed", columns, rows, wanted)


def years_of_any_size_and_epochs(program, r):
    columns = [{"format": "%Y-%m-%d %H:%M:%S"}, {"format": "ruby:%Y-%m-%d %H:%M:%S"}, {"format": "%s"}, {"format": "%Q"},
               {"format": "%s.%N"}]
    rows, wanted = [], []
    for _ in range(200):
        c = Clock(r, (-290000, 294000))
        stamp = "%d-%02d-%02d %02d:%02d:%02d" % (c.year, c.month, c.day, c.hour, c.minute, c.second)
        epoch = c.days() * 86400 + c.seconds()
        fraction = "".join(r.choice("0123456789") for _ in range(r.randint(1, 12)))
        nano = int((fraction + "0" * 9)[:9])
        rows.append([stamp, stamp, str(epoch), str(epoch * 1000 + 7), "%d.%s" % (epoch, fraction)])
        whole = instant(c.days(), c.seconds())
        wanted.append([whole, whole, whole, instant(c.days(), c.seconds(), 7 * 10**6),
                       instant(c.days(), c.seconds(), -nano if epoch < 0 else nano)])
    return compare(program, "wide", columns, rows, wanted)


def regions_follow_the_time_zone_database(program, r):
    """A clock reading near a change and far from it: gaps move forward, what comes twice is the first."""
    for name in REGIONS:
        zone = zoneinfo.ZoneInfo(name)
        changes = []
        at = datetime.datetime(1950, 1, 1, tzinfo=datetime.timezone.utc)
        while at.year < 2090:
            later = at + datetime.timedelta(days=7)
            if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
                changes.append(at)
            at = later
        rows, wanted = [], []
        for _ in range(200):
            near = r.choice(changes) if changes and r.random() < 0.8 else at
            utc = near + datetime.timedelta(seconds=r.randint(0, 7 * 86400))
            if r.random() < 0.2:
                utc -= datetime.timedelta(days=r.randint(0, 365 * 140))
            clock = utc.astimezone(zone).replace(tzinfo=None)
            clock = clock.replace(minute=r.choice([0, 15, 30, clock.minute])) + datetime.timedelta(hours=r.randint(-2, 2))
            offset = clock.replace(tzinfo=zone, fold=0).utcoffset()
            back = clock - offset
            rows.append([clock.strftime("%Y-%m-%d %H:%M:%S")])
            wanted.append([instant(back.toordinal() - 719163, back.hour * 3600 + back.minute * 60 + back.second)])
        complaint = compare(program, name, [{"format": "%Y-%m-%d %H:%M:%S", "timezone": name}], rows, wanted)
        if complaint:
            return complaint
    return None


def every_zone_name_of_the_table_is_known(program, r):
    """In any case, with blanks; an hour more in daylight time. What Java's names take away is left out."""
    with open(os.path.join(ROOT, "tools", "ruby_zones.tsv"), encoding="utf-8") as file:
        zones = dict(line.rstrip("\n").split("\t") for line in file if not line.startswith("#"))
    rows, wanted = [], []
    for name, offset in sorted(zones.items()):
        if not re.fullmatch("[A-Z. ]+", name):
            continue
        is_word = name.isalpha()
        for suffix, more in ((" standard time", 0), (" daylight time", 3600)) + (((" dst", 3600),) if is_word else ()):
            rows.append(["12:00 " + any_case(r, name).replace(" ", r.choice([" ", "  "])) + any_case(r, suffix)])
            wanted.append([instant(0, 43200 - int(offset) - more)])
        if is_word and len(name) > 1:
            rows.append(["12:00 " + name.lower()])
            wanted.append([instant(0, 43200 - int(offset))])
    if len(rows) < 300:
        return "only %d names" % len(rows)
    return compare(program, "names", [{"format": "%H:%M %z"}], rows, wanted)


def offsets_in_every_spelling(program, r):
    columns = [{"format": "%Y-%m-%d %H:%M:%S %z"}, {"format": "ruby:%Y-%m-%d %H:%M:%S %z"},
               {"format": "java:uuuu-MM-dd HH:mm:ss XXX"}]
    rows, wanted = [], []
    for _ in range(200):
        c = Clock(r, (1000, 9999))
        sign, hours, minutes = r.choice([1, -1]), r.randint(0, 17), r.choice([0, 30, 45, r.randrange(60)])
        mark = "+" if sign > 0 else "-"
        stamp = "%04d-%02d-%02d %02d:%02d:%02d " % (c.year, c.month, c.day, c.hour, c.minute, c.second)
        colon = "%s%02d:%02d" % (mark, hours, minutes)
        rows.append([stamp + r.choice([colon, colon.replace(":", ""), "GMT" + colon, "utc" + colon]),
                     stamp + r.choice([colon, colon.replace(":", "")]), stamp + colon])
        offset = sign * (hours * 3600 + minutes * 60)
        wanted.append([instant(c.days(), c.seconds() - offset)] * 3)
    return compare(program, "offsets", columns, rows, wanted)


def dates_that_are_not_there(program, r):
    """Legacy: the day runs into the next month, second 60 is 59, hour 24 is the next day. Others refuse."""
    rows, wanted, strict_rows, strict_wanted = [], [], [], []
    for _ in range(300):
        c = Clock(r)
        month, day, hour, second = r.randint(1, 12), r.randint(1, 31), r.choice([24, c.hour]), r.choice([60, c.second])
        text = "%04d-%02d-%02d %02d:%02d:%02d" % (c.year, month, day, hour, c.minute, second)
        start = days_from_civil(c.year, month, 1) + day - 1
        rows.append([text])
        wanted.append([instant(start, hour * 3600 + c.minute * 60 + min(second, 59))])
        length = days_from_civil(c.year + month // 12, month % 12 + 1, 1) - days_from_civil(c.year, month, 1)
        is_carried = hour * 3600 + c.minute * 60 + second >= 86400
        if is_carried:  # whatever is behind the month's end is the 1st of the next one
            start = min(start, days_from_civil(c.year, month, 1) + length - 1)
        elif day > length:
            strict_rows.append([text])
            strict_wanted.append(None)
            continue
        strict_rows.append([text])
        strict_wanted.append([instant(start, hour * 3600 + c.minute * 60 + second)])
    return compare(program, "legacy", [{"format": "%Y-%m-%d %H:%M:%S"}], rows, wanted) or \
        compare(program, "ruby", [{"format": "ruby:%Y-%m-%d %H:%M:%S"}], strict_rows, strict_wanted)


if __name__ == "__main__":
    sys.exit(oracle.main([every_directive_reads_what_it_prints, packed_digits_are_told_apart,
                          years_of_any_size_and_epochs, regions_follow_the_time_zone_database,
                          every_zone_name_of_the_table_is_known, offsets_in_every_spelling,
                          dates_that_are_not_there]))
