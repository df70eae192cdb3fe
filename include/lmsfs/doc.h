/* doc.h — documents: the form of a record as a file. Pure; any thread.
 *
 * A document is a JSON object: the writable fields at the top, `_readonly` with what only the server decides. It is printed in one way
 * only, so that the same record always gives the same bytes.
 */
#ifndef LMSFS_DOC_H
#define LMSFS_DOC_H

#include "lmsfs/err.h"
#include "lmsfs/lms.h"
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define DOC_VERSION_LEN 16 /* characters of a version: 64 bits of a hash of the document, in hex */

/* Parse bytes from outside. Rejects duplicate members, anything after the value, nesting deeper than 64, more than `max` bytes, invalid
 * UTF-8; accepts \u0000. *out is a new reference. -EINVAL with line and reason, -EFBIG. An empty or all-blank text is -ENODATA. */
int doc_parse(const char *text, size_t len, size_t max, json_t **out, struct err *e);

/* Print canonically: 2 spaces, UTF-8 unescaped, members in the order they have, one a line, '\n' at the end; reals in the shortest form
 * that reads back the same (71.1, never 71.099999999999994). *out is malloc'ed. -ENOMEM. */
int doc_print(const json_t *doc, char **out, size_t *len);

/* Order the members as the field table has them (unknown ones after, `_readonly` last), set _readonly.complete and then
 * _readonly.version (a hash of the document without it). A collection without fields is left as it is. Returns 0 or -ENOMEM. */
int doc_finish(const struct lms_collection *c, json_t *doc, bool complete);
/* 64 bits of what a document holds, in the order in which it holds it; never 0. Not of what it looks like: 1 and 1.0 differ. */
uint64_t doc_hash(const json_t *doc);
/* _readonly.version of a document, or NULL. Borrowed. */
const char *doc_version(const json_t *doc);
bool doc_complete(const json_t *doc); /* true where there is no _readonly.complete */

/* A newer list row laid over a known, more complete document: the row's members win (also inside `_readonly`), what only the detail has
 * stays, as_written fields stay. Returns a new document (not finished). */
json_t *doc_overlay_row(const json_t *known, const json_t *row);

/* Moves the members of a saved document that are no fields into the collection's open object, where it has one; a document that gives
 * both is -EINVAL, and so is a member called like a secret. 0, -ENOMEM. */
int doc_gather(const struct lms_collection *c, json_t *doc, struct err *e);

/* Does the document hold only what may be sent: known fields of the right type, length, words, pattern, dates; no unknown key;
 * `_options` keys allowed. On create also the required fields. -EINVAL with the field and the reason.
 * today: YYYY-MM-DD (UTC), for LMS_NO_FUTURE. */
int doc_check(const struct lms_collection *c, const json_t *doc, bool create, const char *today, struct err *e);

/* The same for an edit of what `base` showed: a field whose value is base's is taken as it is, for an API may hold what its own
 * documentation forbids, and that must not stand in the way of changing another field. */
int doc_check_edit(const struct lms_collection *c, const json_t *base, const json_t *doc, const char *today,
                   struct err *e);

/* What the person changed. base: the version that was shown (NULL: none, a create or a partial document's save). saved: what was saved.
 * *delta (new reference): {"set":{field:value,…}, "clear":[field,…], "keyed":{field:{"set":{key:element,…},"remove":[key,…]}}} — empty
 * object members are left out, so an empty delta is {} and means: nothing to do.
 * A saved document with `_readonly` is whole: an absent field was removed. One without is partial: absent keeps, null clears.
 * What a partial document says of keyed arrays and open objects is partial too: keys that it doesn't name stay; null and [] clear all.
 * For fields in base with null, absent and null are the same. as_written and secret fields absent in base: set if present.
 * -EINVAL: a change inside `_readonly` (named; `version` and `complete` and as_written aside), clearing what can't be cleared, changing
 * a fixed field. */
int doc_diff(const struct lms_collection *c, const json_t *base, const json_t *saved, json_t **delta, struct err *e);

/* Carry a delta onto the server's current document. *merged: new document without `_readonly` and `_options`; *changed: array of the top-level
 * fields that differ from current (as_written and secret ones count when set). -EINVAL where a field that current has can't be cleared or changed
 * (a partial document's delta was made without a base to see that in). -ESTALE naming the field where base (may be NULL: no check) and current differ in a
 * field, or in an array's key, that the delta touches, unless current already has the wanted value. */
int doc_apply(const struct lms_collection *c, const json_t *base, const json_t *current, const json_t *delta,
              json_t **merged, json_t **changed, struct err *e);

/* The first field that `shown` shows and in which the server's record has moved on since, or NULL. What the server filled in beside what we
 * wrote (the name of a group that was given by its id) is no move. Borrowed from the table. */
const char *doc_moved_on(const struct lms_collection *c, const json_t *shown, const json_t *now);

/* The document to show once `merged` is accepted: merged, current's `_readonly` (or, on a create, an empty one), secrets left out,
 * as_written fields named in `_readonly.as_written`. New reference, finished. */
json_t *doc_project(const struct lms_collection *c, const json_t *current, const json_t *merged);

/* A copy with secret and private fields' values replaced by "***" — for rejected/, the audit log and every other text that leaves. */
json_t *doc_masked(const struct lms_collection *c, const json_t *doc);
/* And back, in place: private fields that hold the mask get what the current document has there; what it hasn't stays masked. -ENOMEM. */
int doc_unmask(const struct lms_collection *c, json_t *doc, const json_t *current);
/* doc_masked in a sentence, which may quote what the document holds (a vendor's words do). In place: it only gets shorter. */
void doc_mask_text(const struct lms_collection *c, const json_t *doc, char *text);
void doc_mask_values(const json_t *value, char *text); /* the same for one string, or each string of an array */

/* File names. doc_stem_to_name: "EXT-" + id → the file name with ".json", percent-encoding bytes that a name can't hold (/ NUL control
 * % leading dot), a name over 255 bytes cut and ended by "~" + 16 hex digits of a hash. doc_name_to_stem: the reverse; -EINVAL where the
 * name isn't <PREFIX-><id>.json or was cut (then only the store knows). Both write at most size bytes with the NUL. */
int doc_stem_to_name(const char *prefix, const char *id, char *name, size_t size);
int doc_name_to_stem(const char *name, char *stem, size_t size);
/* The same for <key>.json, which doc_stem_to_name makes with the prefix "". */
int doc_name_to_key(const char *name, char *key, size_t size);

/* Numerically, not textually: 1 and 1.0, 71.10 and 71.1 are equal; objects without regard to order. */
bool doc_equal(const json_t *a, const json_t *b);

#endif
