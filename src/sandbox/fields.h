/* Checks the keys and types of a JSON object against a table. */
#ifndef SANDBOX_FIELDS_H
#define SANDBOX_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

enum field_type { FIELD_STRING, FIELD_BOOLEAN, FIELD_OBJECT, FIELD_ARRAY, FIELD_ANY };

/* A table ends with a NULL name. */
struct field {
    const char *name;
    enum field_type type;
    bool required;
};

enum field_fault { FIELD_FINE, FIELD_UNKNOWN, FIELD_MISSING, FIELD_MISTYPED };

/* The first thing that is wrong; *which is the key and *type what it should have been. */
enum field_fault sb_fields_check(const json_t *object, const struct field *table, const char **which,
                                 enum field_type *type);

/* Borrowed; NULL when absent or not a string. */
const char *sb_field_string(const json_t *object, const char *name);

#endif
