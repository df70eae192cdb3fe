/* cmd_demo.c — `lmsfs demo`: a tour in which every command is run and every claim is checked. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo_stage.h"

#define PEOPLE 200

enum { COMMAND_MAX = 1024 };

struct step {
    const char *say;     /* what it shows; NULL: it goes with the step before */
    const char *command; /* PERSON stands for the person's file, NAME for its name alone */
    enum outcome expected;
    const char *text; /* to be in the output; NULL: anything */
};

static const struct step before_mount[] = {
    {"Five learning-management systems with invented people listen on this machine. Is the configuration right?",
     "lmsfs check demo.conf", SUCCEEDS, "credentials good"},
};

static const struct step reading[] = {
    {"Five tenants, as directories:", "ls", SUCCEEDS, "hownow"},
    {NULL, "ls hownow; ls hownow/users | head -n 5", SUCCEEDS, "EXT-"},
    {"A listing is complete, or it fails:", "ls hownow/users | wc -l", SUCCEEDS, "200"},
    {"Where an API lists nobody, a directory shows who was looked at or saved, and `lmsfs status` says that:",
     "for d in */users; do echo \"$d: $(ls $d | wc -l)\"; done", SUCCEEDS, "learningpool/users: 0"},
    {"Every program can audit. Who may only read?",
     "grep -l '\"user_type\": \"ReadOnly\"' hownow/users/*.json | head -n 3", SUCCEEDS, "hownow/users/"},
};

static const struct step editing[] = {
    {"One person. What stands at the top can be edited; `_readonly` is the server's:", "cat PERSON", SUCCEEDS,
     "\"_readonly\""},
    {"Saving is an upsert. The command returns when the LMS has taken it:",
     "sed -i 's/\"user_type\": \"ReadOnly\"/\"user_type\": \"Contributor\"/' PERSON", SUCCEEDS, NULL},
    {"HowNow works it off as a job. Reading the job's file waits until it is over:",
     "cat hownow/jobs/last.json | head -n 7", SUCCEEDS, "\"completed\""},
    {NULL, "grep user_type PERSON", SUCCEEDS, "Contributor"},
    {"What the LMS would not take isn't sent, and who saves it is told:",
     "sed -i 's/\"user_type\": \"Contributor\"/\"user_type\": \"Emperor\"/' PERSON", FAILS, "Invalid argument"},
    {NULL, "lmsfs why PERSON", SUCCEEDS, "user_type"},
    {NULL, "grep user_type PERSON", SUCCEEDS, "Contributor"},
};

static const struct step leaving[] = {
    {"Somebody leaves: rm deactivates, after a second in which it can be taken back:", "rm PERSON", SUCCEEDS, NULL},
    {NULL, "lmsfs wait PERSON", SUCCEEDS, NULL},
    {NULL, "ls hownow/users | wc -l; ls hownow/deactivated-users", SUCCEEDS, "199\n"},
    {"… and comes back:", "mv hownow/deactivated-users/NAME hownow/users/", SUCCEEDS, NULL},
    {NULL, "ls hownow/users | wc -l; ls hownow/deactivated-users | wc -l", SUCCEEDS, "200\n0\n"},
    {"How it stands with the tenants:", "lmsfs status", SUCCEEDS, "hownow"},
};

struct tour {
    struct stage stage;
    char person[512], name[256]; /* path of a person's file, and its last part */
};

/* The command with the person in it: a name that needs no quoting, choose_person saw to that. */
static int fill_in(const struct tour *t, const char *from, char command[COMMAND_MAX], struct err *e)
{
    const struct {
        const char *word, *text;
    } words[] = {{"PERSON", t->person}, {"NAME", t->name}};
    size_t n = 0;
    while (*from) {
        const char *text = NULL;
        for (size_t i = 0; i < 2 && !text; i++) {
            if (strncmp(from, words[i].word, strlen(words[i].word)) == 0) {
                text = words[i].text;
                from += strlen(words[i].word);
            }
        }
        size_t len = text ? strlen(text) : 1;
        if (n + len >= COMMAND_MAX)
            return err_set(e, -ENAMETOOLONG, "the command is too long");
        memcpy(command + n, text ? text : from++, len);
        n += len;
    }
    command[n] = '\0';
    return 0;
}

static int play_step(struct tour *t, const struct step *step, struct err *e)
{
    char command[COMMAND_MAX];
    if (step->say) {
        int rc = stage_pause(&t->stage, "[Enter]", e);
        if (rc)
            return rc;
        printf("\n%s\n", step->say);
    }
    int rc = fill_in(t, step->command, command, e);
    if (rc)
        return rc;
    return stage_run(&t->stage, command, step->expected, step->text, e);
}

static int play(struct tour *t, const struct step *steps, size_t n, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = play_step(t, &steps[i], e);
    return rc;
}

/* The first of those that the last command found. */
static int choose_person(struct tour *t, struct err *e)
{
    const char *found = t->stage.output;
    size_t len = strcspn(found, "\n");
    if (len >= sizeof t->person ||
        strspn(found, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") != len)
        return err_set(e, -EIO, "that found nobody to go on with");
    snprintf(t->person, sizeof t->person, "%.*s", (int)len, found);
    snprintf(t->name, sizeof t->name, "%s", strrchr(t->person, '/') + 1);
    return 0;
}

static int mount_it(struct tour *t, struct err *e)
{
    char command[COMMAND_MAX + PATH_MAX];
    snprintf(command, sizeof command, "lmsfs mount demo.conf '%s'", t->stage.mountpoint);
    int rc = stage_run(&t->stage, command, SUCCEEDS, NULL, e);
    t->stage.mounted = rc == 0;
    return rc;
}

/* What the other side saw: the sandbox logs each request. */
static int count_requests(struct tour *t, struct err *e)
{
    static const char *const expected[] = {"/upsert", "/deactivate", "/reactivate"};
    json_t *log;
    const json_t *request;
    size_t i;
    unsigned reads = 0, changes = 0, seen[3] = {0};
    int rc = stage_pause(&t->stage, "[Enter]", e);
    if (!rc)
        rc = stage_get(&t->stage, "/_sandbox/requests?limit=10000", &log, e);
    if (rc)
        return rc;
    printf("\nThe LMS's own log says what was sent. What changed something:\n");
    json_array_foreach(json_object_get(log, "requests"), i, request)
    {
        const char *method = json_string_value(json_object_get(request, "method"));
        const char *path = json_string_value(json_object_get(request, "path"));
        if (!method || !path)
            continue;
        bool change = strcmp(method, "GET") != 0 && strcmp(path, "/token") != 0;
        *(change ? &changes : &reads) += 1;
        if (change)
            printf("  %s %s\n", method, path);
        for (size_t k = 0; k < 3; k++)
            seen[k] += change && strstr(path, expected[k]);
    }
    printf("(the second upsert gives back the manager that HowNow's deactivation took), and %u requests to log in and "
           "to read all that was read, where one for each person would be %d.\n",
           reads, PEOPLE);
    json_decref(log);
    if (changes != 4 || seen[0] != 2 || seen[1] != 1 || seen[2] != 1)
        return err_set(e, -EIO, "it should have been the edit, the deactivation, the reactivation and the manager");
    if (reads >= PEOPLE)
        return err_set(e, -EIO, "reading should not have cost a request for each person");
    return 0;
}

#define COUNT(steps) (sizeof(steps) / sizeof(steps)[0])

static int tour(struct tour *t, struct err *e)
{
    int rc = play(t, before_mount, COUNT(before_mount), e);
    if (!rc)
        rc = mount_it(t, e);
    if (!rc)
        rc = play(t, reading, COUNT(reading), e);
    if (!rc)
        rc = choose_person(t, e);
    if (!rc)
        rc = play(t, editing, COUNT(editing), e);
    if (!rc)
        rc = play(t, leaving, COUNT(leaving), e);
    if (!rc)
        rc = count_requests(t, e);
    if (!rc && t->stage.interactive) {
        printf("\nThe mount is %s: have a look from another terminal.", t->stage.mountpoint);
        rc = stage_pause(&t->stage, "Enter unmounts it and ends the sandbox.", e);
    }
    return rc;
}

int cmd_demo(int argc, char **argv)
{
    if (getopt(argc, argv, "") != -1)
        return misused("demo", "can't make sense of -%c", optopt);
    if (argc - optind > 1)
        return misused("demo", "it takes one mount point at most");
    struct tour *t = calloc(1, sizeof *t);
    struct err e = {0}, at_end = {0};
    if (!t)
        return FAILED;
    t->stage.signals = -1;
    int rc = stage_set(&t->stage, argc > optind ? argv[optind] : NULL, PEOPLE, &e);
    if (!rc)
        rc = tour(t, &e);
    if (rc && rc != -EINTR)
        err_prefix(&e, "the demo failed");
    fflush(stdout);
    if (rc)
        complain(&e);
    if (stage_strike(&t->stage, &at_end)) {
        complain(&at_end);
        rc = -EIO;
    }
    free(t);
    if (!rc)
        puts("\nDone. Everything the demo started has ended, and its folder is removed.");
    return rc ? FAILED : DONE;
}
