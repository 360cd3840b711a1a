/* Trees: rows of doubles in, sums of leaf weights out.

   Eight rows go down a tree side by side: the processor fetches a node for one while it compares for another. A leaf
   leads to itself, so that a row that has arrived waits for the others. The two children of a node lie side by side. */

#include <stdint.h>
#include <string.h>

#define LANES 8
#define BLOCK 256
#define FEATURE 0x0FFFFFFF
#define NAN_GOES_RIGHT 30
#define IS_SET 29

typedef struct {
    double split;    /* left where a value is at most this; of a set: its first word and its number of bits */
    int32_t feature; /* with two flags */
    int32_t child;   /* the left one */
} Node;

static inline int32_t side_of_set(const Node *node, const uint32_t *sets, double value) {
    uint32_t place[2];
    memcpy(place, &node->split, sizeof place);
    if (!(value >= 0.0 && value < (double)place[1])) return 1;
    uint32_t bit = (uint32_t)value;
    return (double)bit != value || !((sets[place[0] + bit / 32] >> (bit % 32)) & 1u);
}

static inline int32_t side(const Node *node, const uint32_t *sets, double value) {
    int32_t if_missing = (node->feature >> NAN_GOES_RIGHT) & 1;
    if (sets && ((node->feature >> IS_SET) & 1)) return value != value ? if_missing : side_of_set(node, sets, value);
    return (value > node->split) | ((value != value) & if_missing);
}

static inline void descend(const Node *nodes, const uint32_t *sets, const double *const *row, int32_t *at) {
    int32_t moved = 1;
    while (moved) {
        moved = 0;
        for (int lane = 0; lane < LANES; lane++) {
            const Node *node = nodes + at[lane];
            int32_t next = node->child + side(node, sets, row[lane][node->feature & FEATURE]);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
    }
}

/* sets is null where no node asks for one; targets and weights are those of the leaf at a node's place. */
void golive_walk(const Node *nodes, const uint32_t *sets, const int32_t *roots, int64_t trees, const int32_t *targets,
                 const double *weights, const double *rows, int64_t count, int64_t width, double *sums,
                 int64_t outputs) {
    for (int64_t start = 0; start < count; start += BLOCK) {
        int64_t stop = start + BLOCK < count ? start + BLOCK : count;
        for (int64_t tree = 0; tree < trees; tree++) {
            for (int64_t first = start; first < stop; first += LANES) {
                int64_t lanes = stop - first < LANES ? stop - first : LANES;
                const double *row[LANES];
                int32_t at[LANES];
                for (int lane = 0; lane < LANES; lane++) {
                    row[lane] = rows + (first + (lane < lanes ? lane : 0)) * width;
                    at[lane] = roots[tree];
                }
                if (sets) descend(nodes, sets, row, at);
                else descend(nodes, 0, row, at);
                for (int lane = 0; lane < lanes; lane++)
                    sums[(first + lane) * outputs + targets[at[lane]]] += weights[at[lane]];
            }
        }
    }
}
