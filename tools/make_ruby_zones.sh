#!/bin/sh
# make_ruby_zones.sh - turns tools/ruby_zones.tsv into src/tz/ruby_zones.c; run it in the top folder
# after a change of the list:  tools/make_ruby_zones.sh > src/tz/ruby_zones.c
set -eu
export LC_ALL=C
cat <<'HEAD'
/* ruby_zones.c - made by tools/make_ruby_zones.sh from tools/ruby_zones.tsv; do not edit. */
#include "tz/ruby_zones.h"

const struct pen_ruby_zone pen_ruby_zones[] = {
HEAD
grep -v '^#' "${1:-tools/ruby_zones.tsv}" | sort -t "$(printf '\t')" -k1,1 |
    awk -F '\t' 'NF == 2 { printf "    {\"%s\", %d, %d},\n", $1, $2, length($1) }'
cat <<'TAIL'
};

const size_t pen_ruby_zone_count = sizeof pen_ruby_zones / sizeof pen_ruby_zones[0];
TAIL
