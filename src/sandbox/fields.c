/* Checks the keys and types of a JSON object against a table. */
#include "fields.h"

#include <string.h>

const char *sb_field_string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool fits(const json_t *value, enum field_type type)
{
    switch (type) {
    case FIELD_STRING:
        return json_is_string(value);
    case FIELD_BOOLEAN:
        return json_is_boolean(value);
    case FIELD_OBJECT:
        return json_is_object(value);
    case FIELD_ARRAY:
        return json_is_array(value);
    case FIELD_ANY:
        break;
    }
    return true;
}

static const struct field *field_of(const struct field *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

enum field_fault sb_fields_check(const json_t *object, const struct field *table, const char **which,
                                 enum field_type *type)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        const struct field *f = field_of(table, key);

        *which = key;
        if (!f)
            return FIELD_UNKNOWN;
        *type = f->type;
        if (!fits(value, f->type))
            return FIELD_MISTYPED;
    }
    for (; table->name; table++) {
        *which = table->name;
        *type = table->type;
        if (table->required && !json_object_get(object, table->name))
            return FIELD_MISSING;
    }
    return FIELD_FINE;
}
