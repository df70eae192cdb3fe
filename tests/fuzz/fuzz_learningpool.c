/* Whatever Learning Pool's host may answer: to a save, to a question about it, to the first question of all. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_saved(const struct lms_provider *p, const struct lms_collection *c, const struct http_reply *r)
{
    json_t *merged = json_object();
    const struct lms_save saves[] = {
        {.parent_key = "U", .ext = "E", .name = "E", .merged = merged},
        {.parent_key = "U", .key = "E", .merged = merged},
        {.parent_key = "U", .key = "E", .merged = merged, .removed = true},
    };
    for (size_t i = 0; i < sizeof saves / sizeof *saves; i++) {
        struct lms_verdict v;
        struct http_request q;
        struct err e = {0};
        int rc = p->saved(c, &saves[i], 0, r, &v, &e);
        if (rc) {
            must_explain(rc, &e);
            continue;
        }
        must(saves[i].removed ? !v.job_id : v.job_id != NULL);
        must(!v.key || !saves[i].key);
        if (v.job_id) {
            must_be_a_name("", v.job_id);
            must(!p->job_request(v.job_id, &q, &e));
            must(!q.url && !strncmp(q.path, "/progress-status/", 17) && !strchr(q.path + 17, '/'));
            http_request_release(&q);
        }
        lms_verdict_release(&v);
    }
    json_decref(merged);
}

static void read_job(const struct lms_provider *p, const struct lms_collection *c, const struct http_reply *r)
{
    const struct lms_save create = {.parent_key = "U", .ext = "E", .name = "E"}, update = {.parent_key = "U", .key = "E"};
    struct lms_job job;
    struct err e = {0};
    int rc = p->job_reply(r, &job, &e);
    p->says_exists(c, &create, r, NULL);
    must(!p->says_exists(c, &update, r, NULL));
    if (rc) {
        must_explain(rc, &e);
        return;
    }
    must(json_is_object(job.vendor));
    must(!job.errors || job.errors[0]);
    must(!p->says_exists(c, &create, r, &job) || job.status == LMS_JOB_FAILED);
    must(!p->says_exists(c, &update, r, &job));
    lms_job_release(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 400, 404, 422};
    const struct lms_provider *p = lms_provider("learningpool");
    struct http_reply r = {.body = malloc(size + 1), .len = size};
    char words[64];
    struct err e = {0};

    memcpy(r.body, data, size);
    r.body[size] = '\0';
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        r.status = statuses[i];
        for (size_t j = 0; j < p->collections_n; j++)
            read_saved(p, &p->collections[j], &r);
        read_job(p, &p->collections[0], &r);
        int rc = p->check_reply(&r, &e);
        if (rc)
            must_explain(rc, &e);
        lms_error_text(&r, words, sizeof words);
        must(words[0] && strlen(words) < sizeof words);
    }
    http_reply_release(&r);
    return 0;
}
