/* libmicrohttpd: one thread that answers, connections that wait for their latency without a thread. */
#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "delay.h"
#include "request.h"

struct server {
    struct MHD_Daemon *daemon;
    struct delay *delay;
    struct sandbox *sandbox;
};

/* What hangs on a connection from its request line to the end of its reply. */
struct exchange {
    struct request *request;
    struct reply reply;
    bool started, answered;
};

static void *exchange_begin(void *context, const char *target, struct MHD_Connection *connection)
{
    struct exchange *x = sb_alloc(sizeof(*x));

    (void)context;
    x->request = sb_request_new(target);
    x->request->connection = connection;
    return x;
}

static void exchange_end(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *slot;

    (void)context;
    (void)connection;
    (void)why;
    if (!x)
        return;
    sb_request_free(x->request);
    sb_reply_release(&x->reply);
    free(x);
    *slot = NULL;
}

static void wake_connection(void *connection)
{
    MHD_resume_connection(connection);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *rp)
{
    struct MHD_Response *response;
    enum MHD_Result result;
    const char *name;
    json_t *value;
    size_t len = rp->body.len;

    if (rp->status == 0)
        return MHD_NO; /* closes the connection */
    response = MHD_create_response_from_buffer(len, sb_take(&rp->body), MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    if (rp->status != 204)
        MHD_add_response_header(response, "Content-Type", rp->type ? rp->type : "application/json");
    json_object_foreach(rp->headers, name, value)
    {
        MHD_add_response_header(response, name, json_string_value(value));
    }
    result = MHD_queue_response(connection, (unsigned)rp->status, response);
    MHD_destroy_response(response);
    return result;
}

static void collect(struct exchange *x, const char *data, size_t size)
{
    if (x->request->body.len + size > REQUEST_MAX_BODY)
        x->request->too_large = true;
    else
        sb_add(&x->request->body, data, size);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **slot)
{
    struct server *s = context;
    struct exchange *x = *slot;

    (void)url;
    (void)version;
    if (!x->started) {
        x->started = true;
        snprintf(x->request->method, sizeof(x->request->method), "%s", method);
        return MHD_YES;
    }
    if (*size) {
        collect(x, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!x->answered) {
        x->answered = true;
        sandbox_answer(s->sandbox, x->request, &x->reply);
        if (x->reply.delay_ms) {
            MHD_suspend_connection(connection);
            sb_delay_add(s->delay, connection, x->reply.delay_ms);
            return MHD_YES;
        }
    }
    return send_reply(connection, &x->reply);
}

struct server *sb_server_start(struct sandbox *sb)
{
    struct server *s = sb_alloc(sizeof(*s));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sb->settings.port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->sandbox = sb;
    s->delay = sb_delay_new(wake_connection);
    if (s->delay)
        s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                                     on_request, s, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK,
                                     exchange_begin, NULL, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, NULL,
                                     MHD_OPTION_CONNECTION_LIMIT, 4000U, MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096U,
                                     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 * 1024), MHD_OPTION_END);
    if (!s->daemon) {
        if (s->delay) {
            sb_delay_stop(s->delay);
            sb_delay_free(s->delay);
        }
        free(s);
        return NULL;
    }
    return s;
}

unsigned sb_server_port(const struct server *s)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

void sb_server_stop(struct server *s)
{
    if (!s)
        return;
    sb_delay_stop(s->delay);
    MHD_stop_daemon(s->daemon);
    sb_delay_free(s->delay);
    free(s);
}
