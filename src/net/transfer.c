/* transfer.c — one attempt at a request, by curl's easy interface.
 *
 * curl by itself resends a request when a reused connection turns out to be dead, whatever the method. That would be one request more
 * than the budget knows of, and a create done twice: before_request stops it, and net/ decides.
 */
#include "net/transfer.h"

#include "base/clock.h"
#include "base/loopback.h"
#include "net/retry.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LMSFS_VERSION
#define LMSFS_VERSION "0"
#endif

#define CONNECT_TIMEOUT_MS 10000L
/* A connection that was idle for long may just be closing at the other end: what mustn't be sent twice gets a younger one. */
#define IDLE_MOST_S      60L
#define IDLE_MOST_ONCE_S 20L

struct sending {
    int fd;
    size_t at, size;
};

struct transfer {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers; /* may hold secrets */
    curl_mime *mime;
    void *owner;
    char *body;
    size_t len, room, max;
    struct sending file; /* a part's bytes */
    int into;            /* the body of a 2xx goes there; -1: into the reply */
    size_t written;
    bool disk_full;
    bool over_max, no_memory;
    bool begun;  /* curl was about to send it */
    long before; /* bytes that had gone out then: a proxy's CONNECT */
    char curl_text[CURL_ERROR_SIZE];
};

/* ---- what may be sent ---- */

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

/* RFC 9110 §5.6.2: a token. */
static bool is_token(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
            return false;
    return true;
}

/* Host in *out (freed with curl_free) of a URL that is https, or http to loopback; NULL for another. */
static char *url_host(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL;
    bool fit = u && curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
               curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
               curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
               (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback_host(host)));
    curl_free(scheme);
    curl_url_cleanup(u);
    if (!fit) {
        curl_free(host);
        return NULL;
    }
    return host;
}

int transfer_check_url(const char *url, struct err *e)
{
    char *host = url_host(url);
    if (!host)
        return err_set(e, -EINVAL, "the URL is neither https nor plain http to this machine");
    curl_free(host);
    return 0;
}

static int check_headers(const struct http_header *list, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_token(list[i].name))
            return err_set(e, -EINVAL, "a header's name is no token");
        if (has_control(list[i].value))
            return err_set(e, -EINVAL, "the header %.64s holds a control character", list[i].name);
    }
    return 0;
}

int transfer_check(const struct http_request *r, struct err *e)
{
    int rc = check_headers(r->headers, r->headers_n, e);
    if (rc < 0)
        return rc;
    if (r->url)
        return transfer_check_url(r->url, e);
    if (!r->path || *r->path != '/' || has_control(r->path) || strpbrk(r->path, " #"))
        return err_set(e, -EINVAL, "the request's path does not start with '/' or is not encoded");
    return 0;
}

/* ---- what comes back ---- */

/* Grows by moving and wiping: tokens and passwords come this way. */
static bool body_room(struct transfer *t, size_t need)
{
    if (need <= t->room)
        return true;
    size_t room = t->room ? t->room : 4096;
    while (room < need)
        room *= 2;
    char *body = malloc(room);
    if (!body)
        return false;
    if (t->body) {
        memcpy(body, t->body, t->len);
        explicit_bzero(t->body, t->len);
        free(t->body);
    }
    t->body = body;
    t->room = room;
    return true;
}

static bool goes_to_file(const struct transfer *t)
{
    long status = 0;
    if (t->into < 0)
        return false;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t to_file(struct transfer *t, const char *data, size_t n)
{
    if (n > t->max - t->written) {
        t->over_max = true;
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t k = pwrite(t->into, data + done, n - done, (off_t)(t->written + done));
        if (k <= 0) {
            t->disk_full = true;
            return 0;
        }
        done += (size_t)k;
    }
    t->written += n;
    return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= size;
    if (goes_to_file(t))
        return to_file(t, data, n);
    if (n > t->max - t->len) {
        t->over_max = true;
        return 0;
    }
    if (!body_room(t, t->len + n + 1)) {
        t->no_memory = true;
        return 0;
    }
    memcpy(t->body + t->len, data, n);
    t->len += n;
    return n;
}

static long bytes_out(const struct transfer *t)
{
    long n = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &n);
    return n;
}

static bool was_sent(const struct transfer *t)
{
    return t->begun && bytes_out(t) > t->before;
}

/* Runs just before each time that curl sends the request. */
static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    struct transfer *t = arg;
    if (was_sent(t))
        return CURL_PREREQFUNC_ABORT;
    t->begun = true;
    t->before = bytes_out(t);
    return CURL_PREREQFUNC_OK;
}

/* ---- the easy handle ---- */

static int add_header(struct transfer *t, const char *name, const char *value)
{
    char *line;
    /* curl's grammar: "Name;" sends an empty header, "Name:" would drop it */
    if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0)
        return -ENOMEM;
    struct curl_slist *more = curl_slist_append(t->headers, line);
    explicit_bzero(line, strlen(line));
    free(line);
    if (!more)
        return -ENOMEM;
    t->headers = more;
    return 0;
}

static int drop_header(struct transfer *t, const char *name_and_colon)
{
    struct curl_slist *more = curl_slist_append(t->headers, name_and_colon);
    if (!more)
        return -ENOMEM;
    t->headers = more;
    return 0;
}

static int set_headers(struct transfer *t, const struct http_request *r, bool typed)
{
    int rc = add_header(t, "Accept", "application/json");
    if (rc == 0)
        rc = drop_header(t, "Expect:");
    if (rc == 0 && r->content_type && typed)
        rc = add_header(t, "Content-Type", r->content_type);
    else if (rc == 0 && r->parts_n == 0 && !r->file.part)
        rc = drop_header(t, "Content-Type:"); /* curl would call any body a form */
    for (size_t i = 0; rc == 0 && i < r->headers_n; i++)
        rc = add_header(t, r->headers[i].name, r->headers[i].value);
    if (rc == 0 && curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) != CURLE_OK)
        rc = -ENOMEM;
    return rc;
}

static size_t file_read(char *to, size_t size, size_t n, void *arg)
{
    struct sending *f = arg;
    n *= size;
    if (n > f->size - f->at)
        n = f->size - f->at;
    ssize_t got = n ? pread(f->fd, to, n, (off_t)f->at) : 0;
    if (got < 0 || (n && got == 0)) /* it is shorter than was said */
        return CURL_READFUNC_ABORT;
    f->at += (size_t)got;
    return (size_t)got;
}

static int file_seek(void *arg, curl_off_t offset, int origin)
{
    struct sending *f = arg;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > f->size)
        return CURL_SEEKFUNC_FAIL;
    f->at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int set_file(struct transfer *t, const struct http_file *file)
{
    t->file = (struct sending){.fd = file->fd, .size = file->size};
    curl_mimepart *part = curl_mime_addpart(t->mime);
    bool good = part && curl_mime_name(part, file->part) == CURLE_OK &&
                curl_mime_filename(part, file->name) == CURLE_OK && curl_mime_type(part, file->type) == CURLE_OK &&
                curl_mime_data_cb(part, (curl_off_t)file->size, file_read, file_seek, NULL, &t->file) == CURLE_OK;
    return good ? 0 : -ENOMEM;
}

static int set_parts(struct transfer *t, const struct http_request *r)
{
    t->mime = curl_mime_init(t->easy);
    if (!t->mime)
        return -ENOMEM;
    for (size_t i = 0; i < r->parts_n; i++) {
        curl_mimepart *part = curl_mime_addpart(t->mime);
        if (!part || curl_mime_name(part, r->parts[i].name) != CURLE_OK ||
            curl_mime_data(part, r->parts[i].value, CURL_ZERO_TERMINATED) != CURLE_OK)
            return -ENOMEM;
    }
    if (r->file.part && set_file(t, &r->file))
        return -ENOMEM;
    return curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->mime) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_body(struct transfer *t, const struct http_request *r)
{
    if (r->parts_n > 0 || r->file.part)
        return set_parts(t, r);
    bool takes_body = r->method == HTTP_POST || r->method == HTTP_PUT || r->method == HTTP_PATCH;
    if (!r->body && !takes_body)
        return curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK ? 0 : -ENOMEM;
    /* Without a body an empty one, so that Content-Length: 0 goes out. */
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : 0));
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    return rc == CURLE_OK ? 0 : -ENOMEM;
}

static int set_url(struct transfer *t, const struct http_request *r, const char *base_url)
{
    char *url;
    if (r->url ? (url = strdup(r->url)) == NULL : asprintf(&url, "%s%s", base_url, r->path) < 0)
        return -ENOMEM;
    char *host = url_host(url);
    int rc = host ? 0 : -EINVAL;
    if (rc == 0 && curl_easy_setopt(t->easy, CURLOPT_URL, url) != CURLE_OK)
        rc = -ENOMEM;
    /* This machine is never reached through a proxy, whatever the environment says. */
    if (rc == 0 && is_loopback_host(host) && curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*") != CURLE_OK)
        rc = -ENOMEM;
    curl_free(host);
    free(url);
    return rc;
}

#define SET(option, value)                                        \
    do {                                                          \
        if (curl_easy_setopt(t->easy, option, value) != CURLE_OK) \
            return -ENOMEM;                                       \
    } while (0)

static int set_rules(struct transfer *t, const struct http_request *r)
{
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_text);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* or ending an attempt would wait for a name server that doesn't answer */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* certificates are verified by default */
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(CURLOPT_MAXAGE_CONN, r->idempotent ? IDLE_MOST_S : IDLE_MOST_ONCE_S);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
    SET(CURLOPT_USERAGENT, "lmsfs/" LMSFS_VERSION);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, t);
    return 0;
}
#undef SET

/* After set_body, whose options choose a method of their own. */
static int set_method(struct transfer *t, const struct http_request *r)
{
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, http_method_name(r->method));
    return rc == CURLE_OK ? 0 : -ENOMEM;
}

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_mime_free(t->mime);
    for (struct curl_slist *h = t->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(t->headers);
    if (t->body)
        explicit_bzero(t->body, t->len);
    free(t->body);
    free(t);
}

int transfer_start(struct transfer **out, CURLM *multi, const struct http_request *r, const char *base_url,
                   size_t max_response, void *owner, struct err *e)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, -ENOMEM, "out of memory");
    *t = (struct transfer){
        .multi = multi, .owner = owner, .max = r->to_file ? r->into_max : max_response, .into = r->to_file ? r->into : -1};
    if (r->to_file && ftruncate(r->into, 0)) { /* an earlier attempt may have left something */
        free(t);
        return err_set(e, -EIO, "the temporary file can't be emptied: %s", strerror(errno));
    }
    t->easy = curl_easy_init();
    bool typed = r->body != NULL && r->parts_n == 0;
    int rc = t->easy ? set_rules(t, r) : -ENOMEM;
    if (rc == 0)
        rc = set_url(t, r, base_url);
    if (rc == 0)
        rc = set_body(t, r);
    if (rc == 0)
        rc = set_method(t, r);
    if (rc == 0)
        rc = set_headers(t, r, typed);
    if (rc == 0 && curl_multi_add_handle(multi, t->easy) != CURLM_OK)
        rc = -ENOMEM;
    if (rc < 0) {
        transfer_free(t);
        return err_set(e, rc, "%s", rc == -EINVAL ? "the request's URL can't be used" : "out of memory");
    }
    *out = t;
    return 0;
}

void *transfer_owner(CURL *easy)
{
    char *t = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    return ((struct transfer *)(void *)t)->owner;
}

/* ---- how it ended ---- */

static long info_long(const struct transfer *t, CURLINFO what)
{
    long n = 0;
    curl_easy_getinfo(t->easy, what, &n);
    return n;
}

static bool is_tls_refusal(CURLcode result)
{
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

/* The connection broke, as opposed to: the reply makes no sense. */
static bool is_lost(CURLcode result)
{
    switch (result) {
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP2:
    case CURLE_ABORTED_BY_CALLBACK: /* before_request */
    case CURLE_OPERATION_TIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* curl's own words, which may quote the server's certificate or status line. */
static const char *reason(struct transfer *t, CURLcode result)
{
    if (result == CURLE_ABORTED_BY_CALLBACK) /* before_request: curl's words would be about us */
        return "the server closed it";
    for (char *p = t->curl_text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return t->curl_text[0] ? t->curl_text : curl_easy_strerror(result);
}

static void describe_failure(struct transfer *t, CURLcode result, struct ending *out)
{
    struct err *e = &out->err;
    out->hopeless = true;
    if (t->no_memory || result == CURLE_OUT_OF_MEMORY) {
        err_set(e, -ENOMEM, "out of memory for the reply");
    } else if (t->disk_full) {
        err_set(e, -ENOSPC, "the cache folder's disk has no room for the file");
    } else if (t->over_max || result == CURLE_FILESIZE_EXCEEDED) {
        err_set(e, -EFBIG, "the reply is longer than %zu bytes (max_response)", t->max);
    } else if (!out->sent) {
        out->hopeless = is_tls_refusal(result);
        err_set(e, -EHOSTUNREACH, "no connection: %s", reason(t, result));
    } else if (is_lost(result)) {
        out->hopeless = false;
        bool begun = info_long(t, CURLINFO_HEADER_SIZE) > 0;
        err_set(e, begun ? -EPROTO : -EHOSTUNREACH, "the connection was lost %s: %s",
                begun ? "in the middle of the reply" : "before a reply", reason(t, result));
    } else {
        err_set(e, -EPROTO, "the reply is broken: %s", reason(t, result));
    }
}

/* A Date has whole seconds (RFC 9110 §6.6.1), so the rest of one that was begun counts as part of the exchange. */
static int64_t made_at(const char *date, CURL *easy)
{
    time_t at = curl_getdate(date, NULL);
    curl_off_t took_us = 0;
    if (at <= 0 || curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us) != CURLE_OK)
        return 0;
    return at - (took_us + 999999) / 1000000;
}

static void take_reply(struct transfer *t, struct ending *out)
{
    struct http_reply *r = &out->reply;
    struct curl_header *h;
    if (!body_room(t, t->len + 1)) {
        err_set(&out->err, -ENOMEM, "out of memory for the reply");
        return;
    }
    t->body[t->len] = '\0';
    r->status = (int)info_long(t, CURLINFO_RESPONSE_CODE);
    r->body = t->body;
    r->len = t->len;
    if (curl_easy_header(t->easy, "Retry-After", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
        r->retry_after = retry_after_parse(h->value, wall_s());
    if (curl_easy_header(t->easy, "Date", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
        r->made_at = made_at(h->value, t->easy);
    t->body = NULL;
    t->len = 0;
}

void transfer_end(struct transfer *t, CURLcode result, struct ending *out)
{
    *out = (struct ending){.reply.retry_after = -1};
    out->sent = was_sent(t);
    if (result == CURLE_OK && info_long(t, CURLINFO_RESPONSE_CODE) == 0)
        result = CURLE_WEIRD_SERVER_REPLY;
    if (result == CURLE_OK)
        take_reply(t, out);
    else
        describe_failure(t, result, out);
    curl_multi_remove_handle(t->multi, t->easy);
    transfer_free(t);
}
