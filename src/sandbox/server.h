/* libmicrohttpd: one thread that answers, connections that wait for their latency without a thread. */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H

#include "sandbox.h"

struct server;

/* Listens on 127.0.0.1; NULL with errno set when that fails. */
struct server *sb_server_start(struct sandbox *sb);
unsigned sb_server_port(const struct server *s);

/* Wakes what still waits and closes everything; a reply that was waiting may not arrive. */
void sb_server_stop(struct server *s);

#endif
