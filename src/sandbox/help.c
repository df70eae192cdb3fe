/* What lmsfs-sandbox says of its options. lmsfs-sandbox(1) has them too. */
#include "help.h"

#include <stdio.h>

static const char usage[] = "usage: lmsfs-sandbox [OPTION]...\n"
                            "An LMS on 127.0.0.1 with invented people: HowNow, Synap, Learning Pool, AVIA and\n"
                            "Thrive at once. The first line that it prints is its address.\n\n";

static const char screen[] = "  where        --port N (0: any free one)  --port-file FILE  --die-with-parent\n"
                             "  people       --users N (200, HowNow's)  --synap-users N (50)\n"
                             "               --thrive-users N (40)  --avia-users N (30)\n"
                             "               --learningpool-users N (20)  --seed N (1)\n"
                             "  manners      --latency MS (0)  --job-seconds S (2)  --token-seconds N (3600)\n"
                             "               --rate N (in 60 s)  --learningpool-rate N  --seat-limit N\n"
                             "  credentials  --client-id ID  --client-secret S\n"
                             "               --org-id ID  --org-secret S  --api-key KEY\n"
                             "               --learningpool-tenant ID  --learningpool-key KEY\n"
                             "               --thrive-tenant ID  --thrive-secret S  --avia-token TOKEN\n"
                             "  help         --help  --help all\n"
                             "\n"
                             "`lmsfs-sandbox --help all` has a line for each, `man lmsfs-sandbox` the rest.\n"
                             "Exit status: 0, 1 when it can't listen, 2 for misuse.\n";

static const char lines[] = "  --port N             port to listen on (0, the default: any free one)\n"
                            "  --port-file FILE     write the port there when ready\n"
                            "  --die-with-parent    end when the process that started it ends\n"
                            "\n"
                            "  --users N            HowNow people, at most 1000000 (200): ID-1 is the owner,\n"
                            "                       then come EXT-e-000000 and so on\n"
                            "  --synap-users N      Synap people, at most 100000 (50)\n"
                            "  --thrive-users N     Thrive people, at most 100000 (40)\n"
                            "  --avia-users N       AVIA people, at most 100000 (30)\n"
                            "  --learningpool-users N\n"
                            "                       Learning Pool people that others made, at most 10000\n"
                            "                       (20): EMP1001 and so on\n"
                            "  --seed N             another number, other people (1)\n"
                            "\n"
                            "  --latency MS         every reply takes this long (0)\n"
                            "  --job-seconds S      how long a job is in progress (2)\n"
                            "  --token-seconds N    life of a HowNow token (3600)\n"
                            "  --rate N             HowNow requests in any 60 s, then 429 (0: no limit)\n"
                            "  --learningpool-rate N\n"
                            "                       Learning Pool's, likewise (0: no limit)\n"
                            "  --seat-limit N       most active HowNow people (0: no limit)\n"
                            "\n"
                            "  --client-id ID       HowNow's credentials (sandbox)\n"
                            "  --client-secret S    (sandbox-secret)\n"
                            "  --org-id ID          Synap's (sandbox-org)\n"
                            "  --org-secret S       (sandbox-org-secret)\n"
                            "  --api-key KEY        (sandbox-key)\n"
                            "  --learningpool-tenant ID\n"
                            "                       Learning Pool's\n"
                            "                       (73c9ac34-0000-4c17-b60f-8ec0b134a72b)\n"
                            "  --learningpool-key KEY\n"
                            "                       (sandbox-pool-key)\n"
                            "  --thrive-tenant ID   Thrive's (sandbox-tenant)\n"
                            "  --thrive-secret S    (sandbox-thrive-secret)\n"
                            "  --avia-token TOKEN   AVIA's (sandbox-avia-token)\n"
                            "\n"
                            "  --help               the options on one screen; --help all: this text\n"
                            "\n"
                            "HowNow is under /token and /external/v1, Learning Pool under /api, AVIA under\n"
                            "/wp-json, Thrive under /rest and /webhooks, Synap at the root. Control, without\n"
                            "credentials, below /_sandbox/: requests, faults, jobs, state/..., hownow/users,\n"
                            "synap/users, learningpool/users|jobs|keys, thrive/users, avia/users|shape\n";

void sb_print_help(bool all)
{
    fputs(usage, stdout);
    fputs(all ? lines : screen, stdout);
}
