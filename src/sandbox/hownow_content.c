/* HowNow: one content, one lesson, as they are answered. */
#include "hownow_contents.h"

#include <stdlib.h>
#include <string.h>

#include "when.h"

/* ---- a content ---- */

void content_print_stamp(struct buf *out, const char *key, int64_t seconds)
{
    char stamp[32];

    sb_stamp_ms_print(seconds * 1000, stamp);
    sb_printf(out, ",\"%s\":\"%s\"", key, stamp);
}

void content_print_author(const struct sandbox *sb, struct buf *out, uint32_t index)
{
    struct user u;

    if (!people_load(sb->people, index, &u) || u.deleted) {
        sb_str(out, ",\"author\":null");
        return;
    }
    sb_printf(out, ",\"author\":{\"id\":%u,\"name\":", index + 1);
    sb_json(out, u.name);
    sb_str(out, ",\"email\":");
    sb_json(out, u.email);
    sb_printf(out, ",\"role\":\"%s\"}", people_type_name(u.type));
}

/* As a list has it, without its closing brace. What is asked for alone has "language" in the place of "languages", and no is_mandatory. */
void content_print(const struct sandbox *sb, struct buf *out, unsigned source, uint32_t id, bool alone)
{
    const char *type = source == SOURCE_FEED ? "feed_article" : source ? "course" : content_types[id % TYPES];
    char name[128];

    content_title(source, id, name);
    sb_printf(out, "{\"id\":%u,\"source\":\"%s\",\"hownow_id\":\"%s_%u\",\"content_type\":\"%s\",\"name\":", id,
              content_sources[source].id, content_sources[source].id, id, type);
    sb_json(out, name);
    sb_printf(
        out,
        ",\"thumbnail\":\"https://files.example.org/thumbnails/%u.png?%u\",\"is_hownow_plus\":%s,\"is_pathway\":%s,"
        "\"duration\":%s,\"%s\"%s%s\"%s,\"is_premium\":%s,\"is_scorm\":%s,\"visibility_level\":\"everywhere\"",
        id, id * 31, boolean(source == SOURCE_PLUS), boolean(!strcmp(type, "pathway")), id % 3 ? "null" : "\"30m\"",
        alone ? "language" : "languages", alone ? ":\"" : ":[\"", id % 4 ? "en" : "fr", alone ? "" : "]",
        boolean(id % 10 == 9), boolean(!strcmp(type, "scorm")));
    content_print_stamp(out, "published_date", content_created_at(id) + 600);
    content_print_stamp(out, "last_published", content_created_at(id) + 600 + id % 5 * 86400);
    content_print_stamp(out, "created_at", content_created_at(id));
    sb_printf(out, ",\"url\":\"/courses/%u?preview=true\"", id);
    if (!content_sources[source].provider) {
        content_print_author(sb, out, content_owner_of(contents_built(sb), content_author_of(id)));
        sb_printf(out, ",\"metadata\":null%s", alone ? "" : ",\"is_mandatory\":false");
    } else {
        sb_printf(out, ",\"author\":{\"name\":\"%s\"},\"metadata\":{\"provider_name\":\"%s\"}",
                  content_sources[source].provider, content_sources[source].provider);
    }
}

/* The details of what others made have other keys than their rows. */
static void print_foreign(struct buf *out, unsigned source, uint32_t id)
{
    bool article = source == SOURCE_FEED;
    char name[128];

    content_title(source, id, name);
    sb_printf(out, "{\"id\":%u,\"source\":\"%s\",\"hownow_id\":\"%s_%u\",\"content_type\":\"%s\",\"name\":", id,
              content_sources[source].id, content_sources[source].id, id, article ? "feed_article" : "course");
    sb_json(out, name);
    sb_printf(
        out,
        "%s,\"is_hownow_plus\":false,\"is_pathway\":false,\"is_scorm\":false,\"is_premium\":%s,\"visibility_level\":%s,"
        "\"language_code\":\"%s\",\"duration\":%s",
        article ? ",\"subtitle\":\"An invented article\",\"description\":\"An invented article, at length\"" : "",
        boolean(id % 10 == 9), article ? "null" : "false", id % 4 ? "en" : "fr", id % 3 ? "null" : "\"30m\"");
    content_print_stamp(out, article ? "published_date" : "published_at", content_created_at(id) + 600);
    content_print_stamp(out, "created_at", content_created_at(id));
    content_print_stamp(out, "last_published", content_created_at(id) + 600 + id % 5 * 86400);
    sb_printf(
        out,
        ",\"thumbnail\":\"https://files.example.org/thumbnails/%u.png?%u\",\"url\":\"https://learn.example.org/%u\","
        "\"author\":{\"name\":\"%s\",\"image_details\":{\"url\":\"https://files.example.org/publishers/%u.png\","
        "\"uploaded\":false,\"backdrop_color_code\":null}},\"metadata\":{\"%s\":\"%s\"}",
        id, id * 31, id, content_sources[source].provider, source, article ? "publisher" : "provider_name",
        content_sources[source].provider);
}

static unsigned lessons_of(uint32_t id)
{
    return id % TYPES == 2 ? 0 : id % TYPES == 0 ? 6 : 1; /* a pathway has steps, a course two sections of three */
}

static void print_sections(struct buf *out, uint32_t id)
{
    unsigned count = lessons_of(id);

    for (unsigned k = 0; k < count; k++) {
        if (k % 3 == 0)
            sb_printf(out, "%s{\"id\":%u,\"name\":\"Section %u\",\"order\":%u,\"lessons\":[", k ? "]}," : "",
                      id * 2 + k / 3, k / 3 + 1, k / 3);
        sb_printf(out, "%s{\"id\":%u,\"name\":\"Lesson %u & more\"}", k % 3 ? "," : "", id * OF_COURSE + k, k + 1);
    }
    sb_str(out, count ? "]}" : "");
}

static void print_schedule(struct buf *out, uint32_t id)
{
    sb_printf(out, "{\"id\":%u", id * 3);
    content_print_stamp(out, "start_time", content_created_at(id) + 86400 * 30);
    content_print_stamp(out, "end_time", content_created_at(id) + 86400 * 30 + 1800);
    sb_str(out, ",\"bookable\":true,\"has_expired\":false,\"reason\":null}");
}

static void print_details(const struct sandbox *sb, struct buf *out, unsigned source, uint32_t id)
{
    unsigned type = id % TYPES;

    if (source > SOURCE_PLUS) {
        print_foreign(out, source, id);
        return;
    }
    content_print(sb, out, source, id, false);
    if (!source && type == 2) {
        sb_printf(
            out,
            ",\"type\":\"Pathway\",\"sections\":[{\"id\":%u,\"name\":\"First step\",\"description\":null,\"steps\":{"
            "\"id\":%u,\"order\":1,\"item_type\":\"Course\",\"item_id\":%u,\"name\":\"First "
            "step\",\"description\":\"\","
            "\"author\":null,\"published_at\":null,\"duration\":null,\"type\":\"Content\"}}]",
            id * 2, id * 2 + 1, id);
    } else {
        sb_printf(out, ",\"type\":\"%s\",\"sections\":[", source ? "course" : content_types[type]);
        print_sections(out, id);
        sb_str(out, "]");
    }
    if (!source && (type == 3 || type == 4 || type == 5)) {
        sb_str(out, ",\"schedules\":[");
        print_schedule(out, id);
        sb_str(out, "],\"is_recurring\":false,\"is_daily\":false");
    }
    if (!source && type == 5)
        sb_str(out, ",\"address\":\"1 Invented Street\",\"additional_directions\":\"\"");
}

/* ---- the requests ---- */

static bool number(const char *text, uint32_t *id)
{
    if (!*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
        return false;
    *id = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

/* "{source}_{number}" in the path; false when a refusal has been written. */
static bool find_content(struct sandbox *sb, struct request *rq, struct reply *rp, unsigned *source, uint32_t *id)
{
    const char *name = rq->captured[0], *dash = strrchr(name, '_');
    unsigned at = 0;
    size_t len;

    if (!dash || !number(dash + 1, id)) {
        hn_refuse(rp, 400, NULL);
        return false;
    }
    len = (size_t)(dash - name);
    while (at < SOURCES && (strlen(content_sources[at].id) != len || strncmp(name, content_sources[at].id, len) != 0))
        at++;
    if (at == SOURCES || !content_exists(sb, at, *id)) {
        hn_error(rp, 404, "Not Found");
        return false;
    }
    *source = at;
    if (!content_visible(sb, rq, *source, *id)) {
        hn_error(rp, 401, "Unauthorized");
        return false;
    }
    return true;
}

static void answer(struct sandbox *sb, struct request *rq, struct reply *rp, bool details)
{
    unsigned source;
    uint32_t id;

    if (!find_content(sb, rq, rp, &source, &id))
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    if (details)
        print_details(sb, &rp->body, source, id);
    else
        content_print(sb, &rp->body, source, id, true);
    sb_str(&rp->body, "}}");
}

void hn_content_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer(sb, rq, rp, false);
}

void hn_content_details(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer(sb, rq, rp, true);
}

/* Good for 90 seconds, and another one each time. */
static void print_signed(struct sandbox *sb, struct buf *out, const char *key, uint32_t id)
{
    struct contents *c = hn_catalogue_contents(sb->catalogue);

    sb_printf(
        out,
        ",\"%s\":\"https://files.example.org/lessons/%u/original.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%lld"
        "&X-Amz-Expires=90&X-Amz-SignedHeaders=host&X-Amz-Signature=%08x\"",
        key, id, (long long)sb_wall(), ++c->signatures * 2654435761U);
}

static void print_block(struct sandbox *sb, struct buf *out, uint32_t lesson)
{
    sb_printf(out, "{\"id\":%u,\"order\":1,\"type\":", lesson * 2);
    switch (lesson % OF_COURSE) {
    case 0:
        sb_str(out, "\"file\",\"file_name\":\"handbook.pdf\",\"preview_url\":\"/file_urls/original/missing.png\"");
        print_signed(sb, out, "file_url", lesson);
        break;
    case 1:
        sb_str(out, "\"video\",\"preview_url\":\"https://video.example.org/watch?v=EzTxYQmU8OE\"");
        break;
    case 2:
        sb_str(out, "\"upload_video\"");
        print_signed(sb, out, "preview_url", lesson);
        break;
    case 3:
        sb_str(out, "\"live_class\",\"schedules\":[");
        print_schedule(out, lesson);
        sb_str(out, "],\"recurring\":\"week\",\"is_daily\":true");
        break;
    case 4:
        sb_str(out,
               "\"assessment\",\"assessment_questions\":[{\"id\":471,\"question\":\"Which exit?\",\"question_type\":"
               "\"MCQ\",\"is_multiple_answer\":false,\"order\":1,\"max_marks\":1,\"choice_options\":[]}],"
               "\"assessment_settings\":{\"retake_assessment\":false,\"passing_grade\":0,\"is_timer_set\":false}");
        break;
    default:
        sb_str(out, "\"text\"");
    }
    sb_str(out, "}");
}

void hn_lesson_details(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t lesson = 0;
    bool known = number(rq->captured[0], &lesson) &&
                 (content_exists(sb, 0, lesson / OF_COURSE) || content_exists(sb, SOURCE_PLUS, lesson / OF_COURSE)) &&
                 lesson % OF_COURSE < lessons_of(lesson / OF_COURSE);

    if (!known || !content_visible(sb, rq, 0, lesson / OF_COURSE)) {
        hn_error(rp, known ? 401 : 404, known ? "Unauthorized" : "Not Found");
        return;
    }
    rp->status = 200;
    sb_printf(&rp->body,
              "{\"data\":{\"id\":%u,\"source\":\"lesson\",\"name\":\"Lesson %u & more\",\"lesson_type\":\"%s\","
              "\"duration\":0,\"contents\":[",
              lesson, lesson % OF_COURSE + 1, lesson % OF_COURSE == 4 ? "Assessment" : "Lesson");
    print_block(sb, &rp->body, lesson);
    sb_str(&rp->body, "]}}");
}
