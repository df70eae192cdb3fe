/* What the files of the control endpoints share. */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "request.h"
#include "sandbox.h"

void sb_control_error(struct reply *rp, int status, const char *message);

/* control_people.c */
void sb_control_hownow_totals(struct sandbox *sb, struct request *rq, struct reply *rp);
void sb_control_hownow_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void sb_control_hownow_change(struct sandbox *sb, struct request *rq, struct reply *rp);
void sb_control_synap_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void sb_control_synap_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void sb_control_synap_change(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
