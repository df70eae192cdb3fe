/* lmsfs-sandbox: options, start, and a clean end. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "help.h"
#include "sandbox.h"
#include "server.h"

enum option_id {
    OPT_PORT = 256,
    OPT_PORT_FILE,
    OPT_USERS,
    OPT_SYNAP_USERS,
    OPT_THRIVE_USERS,
    OPT_THRIVE_TENANT,
    OPT_THRIVE_SECRET,
    OPT_SEED,
    OPT_LATENCY,
    OPT_JOB_SECONDS,
    OPT_RATE,
    OPT_TOKEN_SECONDS,
    OPT_SEAT_LIMIT,
    OPT_CLIENT_ID,
    OPT_CLIENT_SECRET,
    OPT_ORG_ID,
    OPT_ORG_SECRET,
    OPT_API_KEY,
    OPT_POOL_USERS,
    OPT_POOL_RATE,
    OPT_POOL_TENANT,
    OPT_POOL_KEY,
    OPT_AVIA_USERS,
    OPT_AVIA_TOKEN,
    OPT_DIE_WITH_PARENT,
    OPT_HELP
};

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"port-file", required_argument, NULL, OPT_PORT_FILE},
    {"users", required_argument, NULL, OPT_USERS},
    {"synap-users", required_argument, NULL, OPT_SYNAP_USERS},
    {"thrive-users", required_argument, NULL, OPT_THRIVE_USERS},
    {"thrive-tenant", required_argument, NULL, OPT_THRIVE_TENANT},
    {"thrive-secret", required_argument, NULL, OPT_THRIVE_SECRET},
    {"seed", required_argument, NULL, OPT_SEED},
    {"latency", required_argument, NULL, OPT_LATENCY},
    {"job-seconds", required_argument, NULL, OPT_JOB_SECONDS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"token-seconds", required_argument, NULL, OPT_TOKEN_SECONDS},
    {"seat-limit", required_argument, NULL, OPT_SEAT_LIMIT},
    {"client-id", required_argument, NULL, OPT_CLIENT_ID},
    {"client-secret", required_argument, NULL, OPT_CLIENT_SECRET},
    {"org-id", required_argument, NULL, OPT_ORG_ID},
    {"org-secret", required_argument, NULL, OPT_ORG_SECRET},
    {"api-key", required_argument, NULL, OPT_API_KEY},
    {"learningpool-users", required_argument, NULL, OPT_POOL_USERS},
    {"learningpool-rate", required_argument, NULL, OPT_POOL_RATE},
    {"learningpool-tenant", required_argument, NULL, OPT_POOL_TENANT},
    {"learningpool-key", required_argument, NULL, OPT_POOL_KEY},
    {"avia-users", required_argument, NULL, OPT_AVIA_USERS},
    {"avia-token", required_argument, NULL, OPT_AVIA_TOKEN},
    {"die-with-parent", no_argument, NULL, OPT_DIE_WITH_PARENT},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static bool number(const char *name, const char *text, unsigned long long max, unsigned long long *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (errno || *end || end == text || text[strspn(text, "0123456789")] || *value > max) {
        fprintf(stderr, "lmsfs-sandbox: --%s takes a number from 0 to %llu, not '%s'; --help lists the options.\n",
                name, max, text);
        return false;
    }
    return true;
}

static bool seconds(const char *name, const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    if (*end || end == text || !isfinite(*value) || *value < 0) {
        fprintf(stderr, "lmsfs-sandbox: --%s takes a number of seconds, not '%s'; --help lists the options.\n", name,
                text);
        return false;
    }
    return true;
}

static bool take_number(struct settings *s, int id, const char *name, const char *text)
{
    const struct {
        unsigned *slot;
        int id;
        unsigned max;
    } slots[] = {
        {&s->port, OPT_PORT, 65535},
        {&s->users, OPT_USERS, 1000000},
        {&s->synap_users, OPT_SYNAP_USERS, 100000},
        {&s->thrive_users, OPT_THRIVE_USERS, 100000},
        {&s->latency_ms, OPT_LATENCY, 3600000},
        {&s->rate, OPT_RATE, 1000000},
        {&s->token_seconds, OPT_TOKEN_SECONDS, 86400},
        {&s->seat_limit, OPT_SEAT_LIMIT, 100000000},
        {&s->pool_users, OPT_POOL_USERS, 10000},
        {&s->pool_rate, OPT_POOL_RATE, 1000000},
        {&s->avia_users, OPT_AVIA_USERS, 100000},
    };
    unsigned long long n;

    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
        if (slots[i].id != id)
            continue;
        if (!number(name, text, slots[i].max, &n))
            return false;
        *slots[i].slot = (unsigned)n;
    }
    if (s->users == 0)
        fprintf(stderr, "lmsfs-sandbox: --users must be at least 1, the workspace owner; --help lists the options.\n");
    return s->users != 0;
}

static bool seed(struct settings *s, const char *name, const char *text)
{
    unsigned long long n;

    if (!number(name, text, UINT64_MAX, &n))
        return false;
    s->seed = n;
    return true;
}

static bool take(struct settings *s, int id, const char *name, const char *text)
{
    switch (id) {
    case OPT_PORT_FILE:
        s->port_file = text;
        return true;
    case OPT_CLIENT_ID:
        s->client_id = text;
        return true;
    case OPT_CLIENT_SECRET:
        s->client_secret = text;
        return true;
    case OPT_ORG_ID:
        s->org_id = text;
        return true;
    case OPT_ORG_SECRET:
        s->org_secret = text;
        return true;
    case OPT_API_KEY:
        s->api_key = text;
        return true;
    case OPT_POOL_TENANT:
        s->pool_tenant = text;
        return true;
    case OPT_POOL_KEY:
        s->pool_key = text;
        return true;
    case OPT_THRIVE_TENANT:
        s->thrive_tenant = text;
        return true;
    case OPT_THRIVE_SECRET:
        s->thrive_secret = text;
        return true;
    case OPT_AVIA_TOKEN:
        s->avia_token = text;
        return true;
    case OPT_DIE_WITH_PARENT:
        s->die_with_parent = true;
        return true;
    case OPT_SEED:
        return seed(s, name, text);
    case OPT_JOB_SECONDS:
        return seconds(name, text, &s->job_seconds);
    default:
        return take_number(s, id, name, text);
    }
}

/* 0 to go on, 1 when the help was asked for, -1 when a sentence has been printed. */
static int parse(int argc, char **argv, struct settings *s)
{
    int id, which = 0;

    while ((id = getopt_long(argc, argv, ":", options, &which)) != -1) {
        if (id == OPT_HELP) {
            sb_print_help(optind < argc && strcmp(argv[optind], "all") == 0);
            return 1;
        }
        if (id == '?' || id == ':') {
            fprintf(stderr, "lmsfs-sandbox: %s '%s'; --help lists the options.\n",
                    id == ':' ? "a value is missing after" : "there is no option", argv[optind - 1]);
            return -1;
        }
        if (!take(s, id, options[which].name, optarg))
            return -1;
    }
    if (optind < argc) {
        fprintf(stderr, "lmsfs-sandbox: unexpected argument '%s'; --help lists the options.\n", argv[optind]);
        return -1;
    }
    return 0;
}

/* Room for thousands of waiting connections. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 8192) {
        limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool write_port(const char *path, unsigned port)
{
    char *draft = NULL; /* renamed into place, so that nobody reads half a number */
    FILE *f = asprintf(&draft, "%s.new", path) > 0 ? fopen(draft, "we") : NULL;
    bool ok = f && fprintf(f, "%u\n", port) > 0;

    if (f && fclose(f) != 0)
        ok = false;
    if (ok && rename(draft, path) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "lmsfs-sandbox: can't write %s: %s.\n", path, strerror(errno));
    free(draft);
    return ok;
}

static int serve(const struct settings *settings, const sigset_t *signals)
{
    struct sandbox *sb = sandbox_new(settings);
    struct server *server = sb_server_start(sb);
    int caught, result = EXIT_FAILURE;

    if (!server) {
        fprintf(stderr, "lmsfs-sandbox: can't listen on 127.0.0.1:%u: %s.\n", settings->port, strerror(errno));
    } else {
        if (!settings->port_file || write_port(settings->port_file, sb_server_port(server))) {
            printf("listening on http://127.0.0.1:%u\n", sb_server_port(server));
            fflush(stdout);
            sigwait(signals, &caught);
            result = EXIT_SUCCESS;
        }
        sb_server_stop(server);
    }
    sandbox_free(sb);
    return result;
}

int main(int argc, char **argv)
{
    struct settings settings = {.users = 200,
                                .synap_users = 50,
                                .thrive_users = 40,
                                .seed = 1,
                                .job_seconds = 2,
                                .token_seconds = 3600,
                                .client_id = "sandbox",
                                .client_secret = "sandbox-secret",
                                .org_id = "sandbox-org",
                                .org_secret = "sandbox-org-secret",
                                .api_key = "sandbox-key",
                                .pool_users = 20,
                                .pool_tenant = "73c9ac34-0000-4c17-b60f-8ec0b134a72b",
                                .pool_key = "sandbox-pool-key",
                                .thrive_tenant = "sandbox-tenant",
                                .thrive_secret = "sandbox-thrive-secret",
                                .avia_users = 30,
                                .avia_token = "sandbox-avia-token"};
    pid_t parent = getppid();
    sigset_t signals;
    int parsed = parse(argc, argv, &settings);

    if (parsed)
        return parsed > 0 ? EXIT_SUCCESS : 2;
    /* Blocked before any thread exists, so that sigwait in serve() is the only one to see them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (settings.die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            return EXIT_SUCCESS;
    }
    raise_file_limit();
    return serve(&settings, &signals);
}
