"""usage: embed_migrations.py OUTPUT.c FILE.sql ... - the SQL files as C data, by their numbers."""

import os
import sys


def main(output, *paths):
    paths = sorted(paths, key=os.path.basename)
    lines = ['#include "db/migrate.h"', ""]
    for number, path in enumerate(paths, 1):
        name = os.path.basename(path)
        if int(name.split("_")[0]) != number:
            sys.exit(f"{name}: the numbers must be 0001, 0002, ... without a gap")
        with open(path, "rb") as file:
            data = file.read() + b"\0"
        lines.append(f"static const char migration_{number}[] = {{")
        for at in range(0, len(data), 20):
            lines.append("    " + ", ".join(f"{byte:d}" for byte in data[at : at + 20]) + ",")
        lines.append("};")
    lines.append("")
    lines.append("const struct pen_migration pen_migrations[] = {")
    for number, path in enumerate(paths, 1):
        lines.append(f'    {{{number}, "{os.path.basename(path)}", migration_{number}}},')
    lines += ["    {0, 0, 0},", "};", ""]
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(lines))


main(*sys.argv[1:])
