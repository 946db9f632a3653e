#include "decode/bzip2_invert.h"

#define MARK       UINT32_C(0x80000000) /* a walk begins here; the rest is the walk's number */
#define LANES      PEN_BZIP2_LANES
#define LANE_BYTES PEN_BZIP2_LANE_BYTES
#define MARK_EVERY 384 /* nodes; a block with less than LANES marks is walked plainly */

static void make_links(const uint8_t *column, size_t len, uint32_t *links)
{
    uint32_t first[256] = {0}, second[256] = {0};
    size_t half = len / 2;
    for (size_t i = 0; i < half; i++) {
        first[column[i]]++;
        second[column[half + i]]++;
    }
    if (len % 2 != 0)
        second[column[len - 1]]++;
    uint32_t sum = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t firsts = first[byte], seconds = second[byte];
        first[byte] = sum;
        second[byte] = sum + firsts;
        sum += firsts + seconds;
    }
    for (size_t i = 0; i < half; i++) { /* two chains of counters instead of one */
        uint8_t a = column[i], b = column[half + i];
        links[first[a]++] = (uint32_t)i << 8 | a;
        links[second[b]++] = (uint32_t)(half + i) << 8 | b;
    }
    if (len % 2 != 0)
        links[second[column[len - 1]]++] = (uint32_t)(len - 1) << 8 | column[len - 1];
}

static void walk_plainly(const uint32_t *links, uint32_t start, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t link = links[start];
        out[i] = (uint8_t)link;
        start = link >> 8;
    }
}

static void set_marks(struct pen_bzip2_walker *walker, uint32_t start, size_t len, size_t wanted)
{
    walker->count = walker->begun = 0;
    for (size_t i = 0; i < wanted; i++) {
        size_t node = i == 0 ? start : i * len / wanted;
        if (i > 0 && node == start)
            continue;
        walker->walks[walker->count].link = walker->links[node];
        walker->links[node] = MARK | (uint32_t)walker->count++;
    }
}

/* The next walk, in that lane: writes its first byte and returns the link of its second node. */
static uint32_t begin_walk(struct pen_bzip2_walker *walker, size_t lane, uint8_t *out)
{
    struct pen_bzip2_walk *walk = &walker->walks[walker->begun];
    walker->in_lane[lane] = walker->begun++;
    walk->bytes = out;
    *out = (uint8_t)walk->link;
    return walker->links[walk->link >> 8];
}

/* The lane came to a marked node. */
static void end_walk(struct pen_bzip2_walker *walker, size_t lane, const uint8_t *out,
                     uint32_t mark)
{
    struct pen_bzip2_walk *walk = &walker->walks[walker->in_lane[lane]];
    walk->len = (size_t)(out - walk->bytes);
    walk->next = mark & ~MARK;
}

static uint8_t *finish_walk(struct pen_bzip2_walker *walker, size_t lane, uint32_t link,
                            uint8_t *out)
{
    while ((link & MARK) == 0) {
        *out++ = (uint8_t)link;
        link = walker->links[link >> 8];
    }
    end_walk(walker, lane, out, link);
    return out;
}

/* All lanes one node on; some of them are at a mark and begin another walk. */
static void step_over_marks(struct pen_bzip2_walker *walker, uint32_t *lane_links, size_t at)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        uint8_t *out = walker->lanes + lane * LANE_BYTES + at;
        uint32_t link = lane_links[lane];
        if ((link & MARK) != 0) {
            end_walk(walker, lane, out, link);
            lane_links[lane] = begin_walk(walker, lane, out);
        } else {
            *out = (uint8_t)link;
            lane_links[lane] = walker->links[link >> 8];
        }
    }
}

/* Until a lane is at a mark: eight loads that do not wait for each other. */
static size_t step_together(struct pen_bzip2_walker *walker, uint32_t *lane_links, size_t at)
{
    const uint32_t *links = walker->links;
    uint32_t a = lane_links[0], b = lane_links[1], c = lane_links[2], d = lane_links[3];
    uint32_t e = lane_links[4], f = lane_links[5], g = lane_links[6], h = lane_links[7];
    uint8_t *out = walker->lanes + at;
    while (((a | b | c | d | e | f | g | h) & MARK) == 0) {
        out[0 * LANE_BYTES] = (uint8_t)a;
        out[1 * LANE_BYTES] = (uint8_t)b;
        out[2 * LANE_BYTES] = (uint8_t)c;
        out[3 * LANE_BYTES] = (uint8_t)d;
        out[4 * LANE_BYTES] = (uint8_t)e;
        out[5 * LANE_BYTES] = (uint8_t)f;
        out[6 * LANE_BYTES] = (uint8_t)g;
        out[7 * LANE_BYTES] = (uint8_t)h;
        a = links[a >> 8];
        b = links[b >> 8];
        c = links[c >> 8];
        d = links[d >> 8];
        e = links[e >> 8];
        f = links[f >> 8];
        g = links[g >> 8];
        h = links[h >> 8];
        out++;
    }
    const uint32_t ended[LANES] = {a, b, c, d, e, f, g, h};
    memcpy(lane_links, ended, sizeof ended);
    return (size_t)(out - walker->lanes);
}

static size_t count_marked(const uint32_t *lane_links)
{
    size_t marked = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        marked += (lane_links[lane] & MARK) != 0;
    return marked;
}

static void walk_lanes(struct pen_bzip2_walker *walker)
{
    uint32_t lane_links[LANES];
    for (size_t lane = 0; lane < LANES; lane++)
        lane_links[lane] = begin_walk(walker, lane, walker->lanes + lane * LANE_BYTES);
    size_t at = step_together(walker, lane_links, 1);
    while (walker->begun + count_marked(lane_links) <= walker->count) {
        step_over_marks(walker, lane_links, at);
        at = step_together(walker, lane_links, at + 1);
    }
    uint8_t *out = NULL;
    for (size_t lane = 0; lane < LANES; lane++)
        out = finish_walk(walker, lane, lane_links[lane], walker->lanes + lane * LANE_BYTES + at);
    while (walker->begun < walker->count) {
        uint32_t link = begin_walk(walker, LANES - 1, out);
        out = finish_walk(walker, LANES - 1, link, out + 1);
    }
}

/* The text is the walks one behind another. When it repeats itself the links are several rings, of
 * which the start's is walked again and again. */
static void join_walks(const struct pen_bzip2_walker *walker, uint8_t *out, size_t len)
{
    const struct pen_bzip2_walk *walk = &walker->walks[0];
    while (len > 0) {
        size_t n = walk->len < len ? walk->len : len;
        memcpy(out, walk->bytes, n);
        out += n;
        len -= n;
        walk = &walker->walks[walk->next];
    }
}

void pen_bzip2_invert(struct pen_bzip2_walker *walker, uint8_t *bytes, size_t len, uint32_t start)
{
    make_links(bytes, len, walker->links);
    size_t marks = len / MARK_EVERY < PEN_BZIP2_MARKS_MAX ? len / MARK_EVERY : PEN_BZIP2_MARKS_MAX;
    if (marks <= LANES) {
        walk_plainly(walker->links, start, bytes, len);
        return;
    }
    set_marks(walker, start, len, marks);
    walk_lanes(walker);
    join_walks(walker, bytes, len);
}
