/* control.h — the control socket, <cache_dir>/control.sock: one JSON object a line each way.
 *
 *   → {"cmd":"why","path":"hownow/users/EXT-1.json"}      path is below the mount point
 *   ← {"ok":true, …}    or    {"ok":false,"errno":"ENOENT","error":"a sentence"}
 *
 * Only root and the user who mounts may speak; a client has one request under way at a time, and hanging up takes it back.
 */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "lmsfs/engine.h"
#include "lmsfs/err.h"
#include <jansson.h>
#include <sys/types.h>
#include <sys/un.h>

#define CONTROL_SOCKET      "control.sock"
#define CONTROL_LINE_MAX    (64 * 1024)        /* a request */
#define CONTROL_REPLY_MAX   (64 * 1024 * 1024) /* a reply */
#define CONTROL_CLIENTS_MAX 64

/* ---- the daemon's end ---- */

struct control_server;
/* Listens; a stale socket is taken away, so the store's lock must be held. Main thread, before the engine runs. */
int control_server_new(struct engine *g, const char *cache_dir, struct control_server **out, struct err *e);
/* Answers from the engine thread from now on. */
int control_server_start(struct control_server *s, struct err *e);
/* Takes no more clients and no more requests. Those under way are answered, at the latest by engine_stop. */
void control_server_stop(struct control_server *s);
/* Orders are what the main thread does and not the engine: {"cmd":"mount", …} (join.h), {"cmd":"mounts"}. */
struct control_order;
int control_server_orders_fd(struct control_server *s);               /* readable when there may be one; s's */
struct control_order *control_server_order(struct control_server *s); /* the next, or NULL. Main thread; to be answered */
const json_t *control_order_request(const struct control_order *o);
void control_order_answer(struct control_order *o, json_t *answer); /* takes both */
/* After engine_stop, or when it never ran. Removes the socket. NULL is fine. */
void control_server_free(struct control_server *s);

/* ---- the command's end ---- */

struct control_client {
    int fd;
    pid_t daemon; /* who listens */
    char cache_dir[4096];
};
/* -ECONNREFUSED: no daemon serves that cache folder. -EACCES: it is somebody else's. */
int control_connect(const char *cache_dir, struct control_client *c, struct err *e);
/* Sends and waits for the reply, at most timeout_ms (-1: as long as the daemon lives). *reply is a new reference. The
 * reply's own failure is its matter: 0 is returned whatever its "ok". -ETIMEDOUT, -EPIPE when the daemon went. */
int control_ask(struct control_client *c, const json_t *request, int timeout_ms, json_t **reply, struct err *e);
void control_close(struct control_client *c);

/* The parts of control_ask, for a command that shows something while it waits. control_wait: 0 or -ETIMEDOUT. */
int control_send(struct control_client *c, const json_t *request, struct err *e);
int control_wait(struct control_client *c, int timeout_ms);
int control_receive(struct control_client *c, int timeout_ms, json_t **reply, struct err *e);

/* Waits until the process that pidfd_open(2) was called for is gone. 0 or -ETIMEDOUT. */
int process_wait_gone(int pidfd, int timeout_ms);

/* The socket's address. A cache folder whose path is longer than an address may be is reached through *dir, a descriptor
 * that the caller closes once the address is used (-1 where there is none). */
int control_address(const char *cache_dir, struct sockaddr_un *a, int *dir, struct err *e);

#endif
