/* options.c — keys that set what a save's `_options` are where the document doesn't say. */
#include "conf/value.h"

#include "lmsfs/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 64 /* bytes */

static struct conf_option *option_add(const struct key *k, void *obj)
{
    struct conf_options *o = (struct conf_options *)(void *)((char *)obj + k->offset);
    if (o->n == sizeof o->at / sizeof *o->at)
        return NULL;
    o->at[o->n] = (struct conf_option){.name = k->name};
    return &o->at[o->n++];
}

int value_option_yesno(const struct key *k, void *obj, const char *value, struct err *e)
{
    bool yes;
    const struct key whole = {.name = k->name};
    int rc = value_yesno(&whole, &yes, value, e);
    struct conf_option *o = rc ? NULL : option_add(k, obj);
    if (rc || !o)
        return rc ? rc : err_set(e, -E2BIG, "too many options");
    o->yes = yes;
    return 0;
}

int value_option_text(const struct key *k, void *obj, const char *value, struct err *e)
{
    size_t len = strlen(value);
    bool plain = len > 0 && len <= TEXT_MAX;
    for (size_t i = 0; i < len && plain; i++)
        plain = isgraph((unsigned char)value[i]);
    if (!plain)
        return err_set(e, -EINVAL, "must be 1 to %d letters, digits or signs, without blanks", TEXT_MAX);
    struct conf_option *o = option_add(k, obj);
    if (!o)
        return err_set(e, -E2BIG, "too many options");
    o->text = strdup(value);
    return o->text ? 0 : err_set(e, -ENOMEM, "out of memory");
}

void conf_options_release(struct conf_options *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->at[i].text);
    *o = (struct conf_options){.n = 0};
}
