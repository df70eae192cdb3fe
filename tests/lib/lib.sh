# What a mount suite is written with. A suite is a bash script that tests/run starts from the top of the tree:
#
#   # timeout: 120                                       (in its head, where 300 s don't fit)
#   . tests/lib/lib.sh
#   sandbox_start --users 20
#   config_write
#   mount_start
#   check "the listing is there" ls "$MNT/hownow/users"
#   done_testing
#
# It can be run alone too: BUILD=build bash tests/mount/x.sh, with KEEP=1 to look at its folder afterwards.
#
# T is the suite's folder, everything it does stays below it; MNT is $T/mnt, CACHE is $T/cache, CONF is $T/lmsfs.conf.
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

: "${BUILD:=build}" "${SLOW:=1}" "${T_LIMIT:=20}"
: "${LMSFS_BIN:=$PWD/$BUILD/lmsfs}" "${SANDBOX_BIN:=$PWD/$BUILD/lmsfs-sandbox}" "${TESTBIN:=$PWD/$BUILD/tests}"
: "${T:=$(mktemp -d "${TMPDIR:-/tmp}/lmsfs-test.XXXXXX")}"
export BUILD SLOW LMSFS_BIN SANDBOX_BIN TESTBIN T
MNT=$T/mnt CACHE=$T/cache CONF=$T/lmsfs.conf
PORT='' URL='' SANDBOX_PID='' DAEMON_PID=''
TESTS=0 FAILED=0 FINISHED=no

# ---- results ----

ok() { # TEXT
    TESTS=$((TESTS + 1))
    printf 'ok - %s\n' "$1"
}

not_ok() { # TEXT [DETAILS]
    TESTS=$((TESTS + 1)) FAILED=$((FAILED + 1))
    printf 'not ok - %s\n' "$1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | note
}

skip() { # TEXT REASON
    TESTS=$((TESTS + 1))
    printf 'skip - %s # %s\n' "$1" "$2"
}

note() { # what comes on stdin, as lines that are no results
    head -n 60 | cut -c 1-500 | sed 's/^/# /'
}

bail() { # TEXT - without this the rest of the suite makes no sense
    not_ok "$1" "${2:-}"
    FINISHED=yes
    exit 1
}

# t [SECONDS] CMD… - runs a command that touches the mount, never longer than that (T_LIMIT); 124 is its status then.
# A function can't be run by timeout(1): it has to use t itself. For a builtin its namesake in /bin is taken.
t() {
    local limit=$T_LIMIT
    if [[ $1 =~ ^[0-9]+$ ]]; then
        limit=$1
        shift
    fi
    if [ "$(type -t "$1")" = function ]; then
        "$@"
    else
        timeout --kill-after=5 $((limit * SLOW)) "$@"
    fi
}

not() { # CMD… - true when it fails by itself; running out of time or crashing is no such failure
    local status
    t "$@"
    status=$?
    [ $status != 0 ] && [ $status -lt 124 ]
}

# check TEXT CMD… - ok when the command succeeds. Its output is shown only when it doesn't.
check() {
    local text=$1 output status
    shift
    output=$(t "$@" 2>&1 </dev/null)
    status=$?
    if [ $status = 0 ]; then
        ok "$text"
    elif [ $status = 124 ]; then
        not_ok "$text" "out of time: $*${output:+$'\n'$output}"
    else
        not_ok "$text" "exit status $status: $*${output:+$'\n'$output}"
    fi
    return $status
}

eq() { # TEXT EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then
        ok "$1"
        return 0
    fi
    case $2$3 in
    *$'\n'*) not_ok "$1" "$(diff -u --label expected --label actual <(printf '%s\n' "$2") <(printf '%s\n' "$3"))" ;;
    *) not_ok "$1" "expected: $2"$'\n'"actual:   $3" ;;
    esac
    return 1
}

like() { # TEXT EXTENDED-REGEX ACTUAL
    if [[ $3 =~ $2 ]]; then
        ok "$1"
        return 0
    fi
    not_ok "$1" "expected to match: $2"$'\n'"actual: $3"
    return 1
}

within() { # TEXT LOW HIGH ACTUAL - a number, bounds included, fractions allowed
    if awk -v low="$2" -v high="$3" -v n="${4:-nan}" 'BEGIN { exit !(n + 0 == n && n >= low && n <= high) }'; then
        ok "$1"
        return 0
    fi
    not_ok "$1" "expected $2 to $3, actual: ${4:-nothing}"
    return 1
}

# errno_of ACT ARGS… - OK or the errno's name of one act, see errno.py: errno_of save PATH <doc.json
errno_of() {
    local name
    name=$(t "$T_LIMIT" python3 tests/lib/errno.py "$@")
    case $? in
    124 | 137) name=OUT_OF_TIME ;;
    esac
    printf '%s\n' "$name"
}

# wait_until SECONDS CMD… - polls until the command succeeds; false when it doesn't in that time.
wait_until() {
    local end=$((${EPOCHREALTIME/./} + $1 * SLOW * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ ${EPOCHREALTIME/./} -lt $end ] || return 1
        sleep 0.05
    done
}

# The seconds that a command took, on stdout; its own output goes to $T/output, its status is returned.
seconds_of() { # CMD…
    local began=${EPOCHREALTIME/./} status took
    t "$@" >"$T/output" 2>&1
    status=$?
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    printf '%d.%03d\n' $((took / 1000)) $((took % 1000))
    return $status
}

done_testing() {
    FINISHED=yes
    [ $TESTS != 0 ] || not_ok "the suite has tests"
    printf '1..%d\n' $TESTS
    [ $FAILED = 0 ]
    exit
}

# ---- processes ----

pid_record() { # PID… - processes that end with the suite, whatever happens to it
    printf '%s\n' "$@" >>"$T/pids"
}

pid_gone() { # PID
    [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# A token of the sandbox's HowNow, for suites that ask it themselves.
hownow_token() {
    curl -s --max-time 20 -d 'grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret' "$URL/token" | jq -r .access_token
}

# Stops a process of ours. The signal is still on its way when kill returns: until every thread stands, one may go on answering.
pid_stop() { # PID
    kill -STOP "$1" && wait_until 10 pid_stopped "$1"
}

pid_stopped() { # PID
    ! grep -h '^State:' "/proc/$1/task/"*/status | grep -qv '^State:[[:space:]]*T'
}

# Ends a process of ours; a pid that something else has by now doesn't name our folder.
pid_end() { # PID
    grep -qaF -- "$T" "/proc/$1/cmdline" "/proc/$1/environ" 2>/dev/null || return 0
    kill "$1" 2>/dev/null
    wait_until 5 pid_gone "$1" || kill -KILL "$1" 2>/dev/null
    return 0
}

# ---- the sandbox ----

# sandbox_start [OPTION…] - on a port of its own choice; sets PORT, URL and SANDBOX_PID.
sandbox_start() {
    rm -f "$T/port"
    "$SANDBOX_BIN" --port 0 --port-file "$T/port" --die-with-parent "$@" >>"$T/sandbox.log" 2>&1 </dev/null &
    SANDBOX_PID=$!
    pid_record "$SANDBOX_PID"
    wait_until 20 port_known || bail "the sandbox starts" "$(tail -n 20 "$T/sandbox.log")"
    PORT=$(<"$T/port")
    URL=http://127.0.0.1:$PORT
}

port_known() {
    grep -q '^[0-9]' "$T/port" || pid_gone "$SANDBOX_PID"
    [ -s "$T/port" ]
}

sandbox_stop() {
    kill "$SANDBOX_PID" 2>/dev/null
    wait "$SANDBOX_PID" 2>/dev/null
    SANDBOX_PID=''
}

# sandbox_restart [OPTION…] - on the same port, with the people it was seeded with.
sandbox_restart() {
    sandbox_stop
    sandbox_start --port "$PORT" "$@"
}

sandbox_curl() { # PATH [CURL-OPTION…] - the sandbox's own interface, below /_sandbox/
    local path=$1
    shift
    curl --silent --show-error --fail-with-body --write-out '\n' --max-time $((20 * SLOW)) "$@" "$URL/_sandbox/$path"
}

# requests [JQ-CONDITION] - how many requests the sandbox got that it holds for: requests '.method != "GET"'
requests() {
    sandbox_curl requests?limit=1000000 | jq -r "[.requests[] | select(${1:-true})] | length"
}

requests_list() { # [JQ-CONDITION] - the same ones, a line each
    sandbox_curl requests?limit=1000000 | jq -r ".requests[] | select(${1:-true}) | \"\(.method) \(.path) \(.status)\""
}

requests_bodies() { # [JQ-CONDITION] - what they sent, a line each
    sandbox_curl requests?limit=1000000 | jq -Sc ".requests[] | select(${1:-true}) | .body"
}

requests_clear() {
    sandbox_curl requests -X DELETE >/dev/null
}

sandbox_post() { # PATH JSON
    sandbox_curl "$1" -X POST -H 'Content-Type: application/json' --data-binary "$2"
}

# fault JSON - what goes wrong from now on: fault '{"path": "PUT /external/*", "status": 503, "count": 2}'
fault() {
    sandbox_post faults "$1" >/dev/null
}

faults_clear() {
    sandbox_curl faults -X DELETE >/dev/null
}

# people_change hownow|synap|avia JSON - what somebody else does to people, behind our back.
people_change() {
    sandbox_post "$1/users" "$2"
}

jobs_change() { # JSON - how HowNow's jobs go
    sandbox_post jobs "$1"
}

state() { # PATH - what the sandbox holds there, whatever was seen of it: state hownow/users/ID | jq
    sandbox_curl "state/$1"
}

# ---- the configuration ----

declare -A CONF_LINES=()

# conf SECTION 'KEY = VALUE'… - adds to what config_write writes, in the place of a default of that key.
conf() {
    local section=$1 line
    shift
    for line; do
        CONF_LINES[$section]+=$line$'\n'
    done
}
conf_lmsfs() { conf lmsfs "$@"; }
conf_hownow() { conf hownow "$@"; }
conf_thrive() { conf thrive "$@"; }
conf_synap() { conf synap "$@"; }
conf_learningpool() { conf learningpool "$@"; }
conf_avia() { conf avia "$@"; }

conf_section() { # SECTION DEFAULT…
    local section=$1 extra line
    shift
    extra=${CONF_LINES[$section]:-}
    printf '[%s]\n' "$section"
    for line; do
        [[ $'\n'$extra =~ $'\n'[[:space:]]*"${line%% *}"[[:space:]]*= ]] || printf '%s\n' "$line"
    done
    printf '%s\n' "$extra"
}

# config_write [TENANT…] - $CONF with these tenants (hownow and synap), the sandbox's credentials, and what conf added.
config_write() {
    local tenant
    [ $# != 0 ] || set -- hownow synap
    (
        umask 077
        conf_section lmsfs "cache_dir = $CACHE"
        for tenant; do
            case $tenant in
            hownow) conf_section hownow 'provider = hownow' "base_url = $URL" 'client_id = sandbox' \
                'client_secret = sandbox-secret' 'rate_per_minute = 0' ;;
            synap) conf_section synap 'provider = synap' "base_url = $URL" 'org_id = sandbox-org' \
                'org_secret = sandbox-org-secret' 'api_key = sandbox-key' 'rate_per_minute = 0' ;;
            thrive) conf_section thrive 'provider = thrive' "base_url = $URL/rest" "events_url = $URL/webhooks" \
                'tenant_id = sandbox-tenant' 'secret = sandbox-thrive-secret' 'rate_per_minute = 0' ;;
            learningpool) conf_section learningpool 'provider = learningpool' "base_url = $URL/api" \
                'tenant_id = 73c9ac34-0000-4c17-b60f-8ec0b134a72b' 'api_key = sandbox-pool-key' 'rate_per_minute = 0' ;;
            avia) conf_section avia 'provider = avia' "base_url = $URL" 'access_token = sandbox-avia-token' \
                'rate_per_minute = 0' ;;
            *) conf_section "$tenant" ;;
            esac
        done
    ) >"$CONF"
    chmod 600 "$CONF"
}

# ---- the mount ----

# mount_start [-o OPTIONS] [MOUNTPOINT] - sets DAEMON_PID.
mount_start() {
    local options=() mountpoint
    while [ "${1:-}" = -o ]; do
        options+=(-o "$2")
        shift 2
    done
    mountpoint=${1:-$MNT}
    [ -c /dev/fuse ] || bail "mounting" "there is no /dev/fuse here"
    mkdir -p "$mountpoint"
    if ! t 60 "$LMSFS_BIN" mount ${options[@]+"${options[@]}"} "$CONF" "$mountpoint" >>"$T/mount.log" 2>&1 </dev/null; then
        bail "mounting" "$(tail -n 20 "$T/mount.log")"
    fi
    mounted "$mountpoint" || bail "mounting" "lmsfs mount succeeded, and nothing is mounted on $mountpoint"
    DAEMON_PID=$(cat "$CACHE/lmsfs.pid")
    [[ $DAEMON_PID =~ ^[0-9]+$ ]] || bail "mounting" "no pid in $CACHE/lmsfs.pid"
    pid_record "$DAEMON_PID"
}

# mount_stop [MOUNTPOINT] - false when the unmount fails or the daemon of the last mount doesn't end.
mount_stop() {
    t 60 "$LMSFS_BIN" umount "${1:-$MNT}" >>"$T/mount.log" 2>&1 </dev/null || return 1
    mounted && return 0
    wait_until 20 pid_gone "$DAEMON_PID"
}

remount() { # [-o OPTIONS]
    mount_stop || bail "unmounting" "$(tail -n 20 "$T/mount.log")"
    mount_start "$@"
}

mounted() { # [MOUNTPOINT] - whether that, or else anything below T, is mounted
    awk -v below="$T/" -v at="${1:-}" '
        at != "" ? $5 == at : index($5, below) == 1 { found = 1 }
        END { exit !found }' /proc/self/mountinfo
}

# Kills the daemon as a crash would, and takes the dead mount away.
daemon_crash() {
    kill -KILL "$DAEMON_PID"
    wait_until 10 pid_gone "$DAEMON_PID"
    fusermount3 -uzq "$MNT"
}

xattr_of() { # NAME PATH - the value of user.lms.NAME
    t getfattr --absolute-names --only-values -n "user.lms.$1" "$2" 2>/dev/null
}

rss_anon() { # kilobytes of the daemon's own memory; its maps of LMDB don't count
    awk '/^RssAnon:/ { print $2 }' "/proc/$DAEMON_PID/status"
}

threads() {
    awk '/^Threads:/ { print $2 }' "/proc/$DAEMON_PID/status"
}

open_files() {
    find "/proc/$DAEMON_PID/fd" -mindepth 1 | wc -l
}

# ---- the end ----

cleanup() {
    local status=$? mountpoint pid
    trap - EXIT
    trap '' INT TERM
    [ $FINISHED = yes ] || not_ok "the suite came to its end" "exit status $status"
    [ $FINISHED = yes ] || status=1
    cd /
    while read -r mountpoint; do
        timeout 10 fusermount3 -uq "$mountpoint" || timeout 10 fusermount3 -uzq "$mountpoint" || umount -l "$mountpoint"
    done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac)
    # An unmounted daemon ends by itself, and well: that is when a sanitizer reports.
    [ -z "$DAEMON_PID" ] || wait_until 10 pid_gone "$DAEMON_PID"
    if [ -e "$T/pids" ]; then
        while read -r pid; do
            pid_end "$pid"
        done <"$T/pids"
    fi
    if [ -n "${KEEP:-}" ]; then
        echo "# kept: $T"
    elif mounted; then
        echo "# not removed, for something is still mounted there: $T"
    else
        rm -rf --one-file-system "$T"
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$T"
