/* What hownow_contents.c knows of contents, for those that answer with them. `source` is an index in content_sources: 0, the tenant's own. */
#ifndef SANDBOX_HOWNOW_CONTENTS_H
#define SANDBOX_HOWNOW_CONTENTS_H

#include "hownow.h"

enum { SOURCE_OWN, SOURCE_PLUS, SOURCE_UDEMY, SOURCE_LINKEDIN, SOURCE_FEED, SOURCES };
#define TYPES     7    /* content_types */
#define AUTHORS   2000 /* whose contents the catalogue shows */
#define OF_PERSON 16
#define FIRST     1000
#define OF_COURSE 8 /* lessons have numbers 8 * content + k */

struct moved {
    uint32_t author, owner;
};

struct contents {
    uint32_t *ids, count; /* of "course", ascending */
    bool built;
    struct moved *moved;
    uint32_t moved_count, moved_room;
    unsigned signatures;
};

struct content_source {
    const char *id, *label;
    uint32_t first, step, count;
    const char *provider;
};
extern const struct content_source content_sources[SOURCES];
extern const char *const content_types[TYPES], *const content_type_labels[TYPES];

static inline const char *boolean(bool yes)
{
    return yes ? "true" : "false";
}

/* hownow_contents.c */
const struct contents *contents_built(const struct sandbox *sb);
unsigned content_authored_by(const struct sandbox *sb, uint32_t index);
uint32_t content_author_of(uint32_t id);
uint32_t content_owner_of(const struct contents *c, uint32_t author);
uint32_t contents_count(const struct sandbox *sb, unsigned source);
uint32_t contents_nth(const struct sandbox *sb, unsigned source, uint32_t n);
bool content_exists(const struct sandbox *sb, unsigned source, uint32_t id);
uint32_t contents_assigned(const struct sandbox *sb, uint32_t index); /* how many */
uint32_t contents_assigned_id(const struct sandbox *sb, uint32_t index, uint32_t k);
/* An Admin sees everything, others what they own or were assigned; what comes from elsewhere everybody. */
bool content_visible(const struct sandbox *sb, const struct request *rq, unsigned source, uint32_t id);
void content_title(unsigned source, uint32_t id, char out[128]);
int64_t content_created_at(uint32_t id);

/* hownow_content.c */
void content_print_stamp(struct buf *out, const char *key, int64_t seconds);
void content_print_author(const struct sandbox *sb, struct buf *out, uint32_t index);
/* As a list has it, without its closing brace. alone: it is asked for by itself. */
void content_print(const struct sandbox *sb, struct buf *out, unsigned source, uint32_t id, bool alone);

#endif
