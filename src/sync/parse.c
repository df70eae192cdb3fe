/* parse.c — the thread that reads pages: in the order in which they came, and back to the engine in the same. */
#include "sync/parse.h"

#include <errno.h>
#include <stdlib.h>

struct parse_list {
    struct parse *first, **end;
};

struct parser {
    struct engine *engine;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct parse_list todo, over;
    bool stop;
};

static void append(struct parse_list *l, struct parse *p)
{
    p->next = NULL;
    *l->end = p;
    l->end = &p->next;
}

static struct parse *take(struct parse_list *l)
{
    struct parse *p = l->first;
    if (p && !(l->first = p->next))
        l->end = &l->first;
    return p;
}

static void read_page(struct parse *p)
{
    p->result = p->provider->list_reply(p->c, p->parent_key, &p->reply, &p->page, &p->err);
    http_reply_release(&p->reply);
}

static void *parser_main(void *ctx)
{
    struct parser *q = ctx;
    pthread_setname_np(pthread_self(), "lmsfs-parse");
    pthread_mutex_lock(&q->lock);
    for (;;) {
        struct parse *p;
        while (!q->stop && !q->todo.first)
            pthread_cond_wait(&q->more, &q->lock);
        if (q->stop)
            break;
        p = take(&q->todo);
        pthread_mutex_unlock(&q->lock);
        read_page(p);
        pthread_mutex_lock(&q->lock);
        append(&q->over, p);
        net_wakeup(q->engine->net);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static struct parser *parser_new(struct engine *g)
{
    struct parser *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->engine = g;
    q->todo.end = &q->todo.first;
    q->over.end = &q->over.first;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->more, NULL);
    if (pthread_create(&q->thread, NULL, parser_main, q) == 0) /* it takes no signals: the engine's thread takes none */
        return q;
    pthread_cond_destroy(&q->more);
    pthread_mutex_destroy(&q->lock);
    free(q);
    return NULL;
}

void parse_page(struct engine *g, struct parse *p)
{
    if (!g->parser && !(g->parser = parser_new(g))) {
        read_page(p);
        p->done(p);
        return;
    }
    pthread_mutex_lock(&g->parser->lock);
    append(&g->parser->todo, p);
    pthread_cond_signal(&g->parser->more);
    pthread_mutex_unlock(&g->parser->lock);
}

void parse_deliver(struct engine *g)
{
    struct parser *q = g->parser;
    struct parse *p;
    if (!q)
        return;
    for (;;) {
        pthread_mutex_lock(&q->lock);
        p = take(&q->over);
        pthread_mutex_unlock(&q->lock);
        if (!p)
            return;
        p->done(p);
    }
}

void parse_stop(struct engine *g)
{
    struct parser *q = g->parser;
    struct parse *p;
    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_signal(&q->more);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    parse_deliver(g);
    while ((p = take(&q->todo))) {
        http_reply_release(&p->reply);
        p->result = err_set(&p->err, -ESHUTDOWN, "lmsfs is being unmounted");
        p->done(p);
    }
    pthread_cond_destroy(&q->more);
    pthread_mutex_destroy(&q->lock);
    free(q);
    g->parser = NULL;
}
