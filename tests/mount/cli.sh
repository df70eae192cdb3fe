# timeout: 240
# The command line: how mounts begin and end, and what the commands say. What they change is other suites' matter.
. tests/lib/lib.sh

run() { # CMD… - its output is in $OUT, its exit status in $STATUS
    OUT=$(t 60 "$@" 2>&1 </dev/null)
    STATUS=$?
}

says() { # TEXT STATUS EXTENDED-REGEX CMD… - one call: its status, and one line of what it says
    local text=$1 status=$2 pattern=$3
    shift 3
    run "$@"
    if [ "$STATUS" != "$status" ]; then
        not_ok "$text" "exit status $STATUS, not $status: $*"$'\n'"$OUT"
        return 1
    fi
    like "$text" "$pattern" "$OUT"
}

gone() { # the daemon, its socket and its pid file
    pid_gone "$DAEMON_PID" && [ ! -e "$CACHE/control.sock" ] && [ ! -e "$CACHE/lmsfs.pid" ]
}

# ---- without a mount ----

says "help names every command" 0 'mount .*umount .*check .*status .*why .*wait .*refresh .*fetch .*url .*pending .*rejected .*retry .*drop .*release .*sandbox .*demo ' \
    "$LMSFS_BIN" --help
within "help fits a screen" 5 24 "$("$LMSFS_BIN" help | wc -l)"
within "no line of it is broken" 10 80 "$("$LMSFS_BIN" help | wc -L)"
for command in mount umount check status why wait refresh fetch url pending rejected retry drop release sandbox demo; do
    says "help $command" 0 "^usage: lmsfs $command" "$LMSFS_BIN" help "$command"
done
says "the version" 0 '^lmsfs [0-9]' "$LMSFS_BIN" --version
for misuse in frob 'mount' 'mount -q a b' 'mount a' 'umount' 'check' 'check a b' 'status --foo' 'status a b' 'why' \
    'why a b' 'wait --watch a' 'retry' 'retry a' 'help frob' 'demo a b'; do
    run "$LMSFS_BIN" $misuse
    eq "misuse is status 2: $misuse" "2 1" "$STATUS $(wc -l <<<"$OUT")"
done
says "no command at all" 2 'lmsfs help' "$LMSFS_BIN"
says "no mount anywhere near" 1 'is in no lmsfs mount' "$LMSFS_BIN" status /usr
says "what is no mount can't be unmounted" 1 'is not an lmsfs mount' "$LMSFS_BIN" umount "$T"
says "the sandbox is found and its options pass through" 0 '--job-seconds' "$LMSFS_BIN" sandbox --help

# ---- check ----

sandbox_start --users 120
conf_hownow 'rate_per_minute = 50'
config_write
says "check says it in a line a tenant" 0 \
    '^hownow: reachable, credentials good, 120 users listed, 50 requests a minute'$'\n''synap: reachable, credentials good, no list to be had: it shows who is known, no limit set$' \
    "$LMSFS_BIN" check "$CONF"
run "$LMSFS_BIN" check --json "$CONF"
eq "check --json is JSON" 'true 120' "$(jq -r '"\(.ok) \(.tenants[0].listed)"' <<<"$OUT")"
no_cache() { [ ! -e "$CACHE" ]; }
check "check makes no cache" no_cache
sed 's/sandbox-secret/wrong/; s/sandbox-key/wrong/' "$CONF" >"$T/wrong.conf"
sed 's/127\.0\.0\.1:[0-9]*/127.0.0.1:1/' "$CONF" >"$T/off.conf"
chmod 600 "$T"/*.conf
says "wrong credentials are told from everything else" 1 'hownow: credentials refused: .*client_secret.*synap: credentials refused: .*api_key' \
    "$LMSFS_BIN" check "$T/wrong.conf"
says "nobody there" 1 'hownow: not reachable: .*base_url' "$LMSFS_BIN" check "$T/off.conf"
chmod 644 "$T/wrong.conf"
says "a configuration that others can read is refused" 1 '^lmsfs: .*wrong.conf' "$LMSFS_BIN" check "$T/wrong.conf"
says "and not mounted" 1 '^lmsfs: .*wrong.conf' "$LMSFS_BIN" mount "$T/wrong.conf" "$T"
like "nothing it says has the secret" '^[^§]*$' "${OUT//wrong.conf/}"

# ---- mount and umount ----

says "a missing mount point" 1 '^lmsfs: .*/missing' "$LMSFS_BIN" mount "$CONF" "$T/missing"
says "an unknown option" 1 '^lmsfs: .*frob' "$LMSFS_BIN" mount -o frob "$CONF" "$T"
mount_start
eq "socket, log and pid file are ours alone" "600 600 600" \
    "$(stat -c %a "$CACHE/control.sock" "$CACHE/lmsfs.log" "$CACHE/lmsfs.pid" | xargs)"
like "no core is dumped" ' 0 ' "$(tr -s ' ' <"/proc/$DAEMON_PID/limits" | grep '^Max core file size')"
like "mountinfo says whose it is" "fuse.lmsfs lmsfs:$CACHE " "$(grep -F "$MNT" /proc/self/mountinfo)"
says "a second mount on the same place" 1 "^lmsfs: something is mounted on $MNT already" "$LMSFS_BIN" mount "$CONF" "$MNT"
check "the first goes on" ls "$MNT/hownow"
kill -HUP "$DAEMON_PID"
check "SIGHUP doesn't end it" ls "$MNT/hownow/users"
(
    cd "$MNT/hownow" || exit 1
    sleep 30 &
    echo $! >"$T/sitting"
)
sleeper=$(<"$T/sitting")
pid_record "$sleeper"
says "a mount in use isn't unmounted" 1 'is in use' "$LMSFS_BIN" umount "$MNT"
check "and goes on" ls "$MNT/hownow/users"
kill "$sleeper"
wait_until 5 pid_gone "$sleeper"
says "not the mount point itself" 1 "the mount is $MNT" "$LMSFS_BIN" umount "$MNT/hownow"
says "umount" 0 '^$' "$LMSFS_BIN" umount "$MNT"
check "when it comes back the daemon has gone" gone
mount_start
check "the daemon stands still" pid_stop "$DAEMON_PID"
timeout 60 "$LMSFS_BIN" umount "$MNT" &
umount=$!
sleep 1
check "umount waits for the daemon" kill -0 $umount
mounted "$MNT" && not_ok "though the mount has gone" || ok "though the mount has gone"
kill -CONT "$DAEMON_PID"
wait $umount
eq "and comes back when it has ended" "0 gone" "$? $(gone && echo gone)"
for i in 1 2 3; do
    says "mounted again at once ($i)" 0 '^$' "$LMSFS_BIN" mount "$CONF" "$MNT"
    says "unmounted again ($i)" 0 '^$' "$LMSFS_BIN" umount "$MNT/"
done
mount_start
kill -TERM "$DAEMON_PID"
wait_until 15 gone && ok "SIGTERM unmounts and ends it" || not_ok "SIGTERM unmounts and ends it"
mounted "$MNT" && not_ok "nothing is mounted then" || ok "nothing is mounted then"

inherits() { t 20 bash -c 'out=$("$0" mount "$1" "$2" 9>&1); [ -z "$out" ]' "$LMSFS_BIN" "$CONF" "$MNT"; }
check "a mount doesn't hold what the shell had open" inherits
DAEMON_PID=$(<"$CACHE/lmsfs.pid")
pid_record "$DAEMON_PID"
kill -KILL "$DAEMON_PID"
wait_until 10 pid_gone "$DAEMON_PID"
says "a dead mount is unmounted" 0 '^$' "$LMSFS_BIN" umount "$MNT"
mount_start
check "after a crash the next mount finds no obstacle" ls "$MNT/hownow/users"
mount_stop

# ---- the ways in ----

says "fstab's way: CONFIG MOUNTPOINT -o …" 0 '^$' "$LMSFS_BIN" "$CONF" "$MNT" -o ro,_netdev,noauto
eq "and its options" EROFS "$(errno_of save "$MNT/hownow/users/EXT-e-000001.json" <<<'{}')"
says "umount knows it" 0 '^$' "$LMSFS_BIN" umount "$MNT"
ln -s "$LMSFS_BIN" "$T/mount.lmsfs"
says "mount.lmsfs with the flags of mount(8)" 0 '^$' "$T/mount.lmsfs" "$CONF" "$MNT" -s -n -v -o rw,nodev
says "umount" 0 '^$' "$LMSFS_BIN" umount "$MNT"
says "mount --fake mounts nothing" 0 '^$' "$T/mount.lmsfs" "$CONF" "$MNT" -f
mounted "$MNT" && not_ok "nothing is mounted" || ok "nothing is mounted"
if [ "$(id -u)" = 0 ] && command -v mount.fuse3 >/dev/null; then
    says "mount(8), through mount.fuse3" 0 '^$' mount -t fuse "$LMSFS_BIN#$CONF" "$MNT"
    check "it is there" ls "$MNT/hownow"
    says "umount" 0 '^$' "$LMSFS_BIN" umount "$MNT"
else
    skip "mount(8), through mount.fuse3" "needs root and mount.fuse3"
fi

"$LMSFS_BIN" mount -f "$CONF" "$MNT" >"$T/foreground.log" 2>&1 </dev/null &
DAEMON_PID=$!
pid_record $DAEMON_PID
wait_until 20 test -s "$CACHE/lmsfs.pid"
eq "-f stays this process" "$DAEMON_PID" "$(<"$CACHE/lmsfs.pid")"
check "and mounts" ls "$MNT/hownow"
kill -INT "$DAEMON_PID"
wait "$DAEMON_PID"
eq "SIGINT ends it, and well" 0 $?
eq "nothing was printed" "" "$(<"$T/foreground.log")"

notified() { # runs -f under a notification socket and prints what it told
    t 40 python3 - "$T/notify" "$LMSFS_BIN" mount -f "$CONF" "$MNT" <<'PY'
import os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
p = subprocess.Popen(sys.argv[2:], env={**os.environ, "NOTIFY_SOCKET": sys.argv[1]})
print(s.recv(4096).decode().split("\n")[0])
print(os.path.isdir(sys.argv[-1] + "/hownow"))
p.send_signal(signal.SIGTERM)
print(s.recv(4096).decode())
print(p.wait(20))
PY
}
eq "systemd hears of readiness and of the end" $'READY=1\nTrue\nSTOPPING=1\n0' "$(notified)"

# ---- asking the daemon ----

mount_start
file=$MNT/hownow/users/EXT-e-000001.json
t ls "$MNT/hownow/users" >"$T/output"
says "refresh a directory" 0 '^$' "$LMSFS_BIN" refresh "$MNT/hownow/users"
says "check beside a running mount" 0 'hownow: reachable, credentials good' "$LMSFS_BIN" check "$CONF"
says "status by path" 0 'hownow  +yes  +120  [0-9]+ (s|min) ago  +[0-9]+  [0-9]+ of 50 left  +0  +0  +0'$'\n''.*users +120  complete' "$LMSFS_BIN" status "$MNT"
eq "… of one tenant, its collections only" "hownow" "$("$LMSFS_BIN" status "$MNT/hownow/users" | sed -n 's/^\([a-z]*\): [0-9,]* requests.*/\1/p')"
run "$LMSFS_BIN" status "$CONF"
like "status by configuration" '^TENANT +REACHABLE +PEOPLE +LISTED +DETAILS +BUDGET +PENDING +REJECTED +JOBS'$'\n''hownow  +yes ' "$OUT"
eq "… is a line a tenant, and nothing more where all is well" 3 "$(wc -l <<<"$OUT")"
says "… with --verbose the collections too" 0 'users +120  complete' "$LMSFS_BIN" status --verbose "$CONF"
says "status where one stands" 0 "^$MNT"$'\n' env -C "$MNT/synap" "$LMSFS_BIN" status
says "a relative path" 0 'clean' env -C "$MNT/synap" "$LMSFS_BIN" why ../hownow/users/EXT-e-000001.json
run "$LMSFS_BIN" status --json "$MNT"
eq "status --json is JSON" "120" "$(jq '.tenants[] | select(.name == "hownow").collections[0].entries' <<<"$OUT")"
eq ".lmsfs/status.json says the same" "120" \
    "$(t cat "$MNT/.lmsfs/status.json" | jq '.tenants[] | select(.name == "hownow").collections[0].entries')"
OUT=$(timeout $((5 * SLOW)) "$LMSFS_BIN" status --watch --json "$MNT")
within "status --watch goes on" 2 99 "$(wc -l <<<"$OUT")"
OUT=$(TERM=xterm t 60 script -qec "timeout $((6 * SLOW)) '$LMSFS_BIN' status --watch '$CONF'" /dev/null </dev/null) # killed itself, script would say so
within "on a terminal it is drawn anew, in the same place" 2 99 "$(grep -o $'\033\\[H\033\\[2J' <<<"$OUT" | wc -l)"
like "… the table each time" $'\033\\[2JTENANT .*\033\\[2JTENANT ' "$OUT"
ln -s "$MNT/hownow" "$T/link"
says "through a symlink" 0 'clean' "$LMSFS_BIN" why "$T/link/users/EXT-e-000001.json"

says "nothing is pending" 0 'nothing is pending' "$LMSFS_BIN" pending "$MNT"
says "nothing was rejected" 0 'nothing is rejected' "$LMSFS_BIN" rejected "$MNT"
t sed -i 's/"user_type": ".*"/"user_type": "Emperor"/' "$file" 2>/dev/null
says "why says what was wrong" 0 'EXT-e-000001.json: .*EINVAL.*user_type must be one of' "$LMSFS_BIN" why "$file"
says "rejected lists it" 0 '^[0-9]+'$'\t''.*EXT-e-000001.json.*user_type' "$LMSFS_BIN" rejected "$MNT"
number=${OUT%%$'\t'*}
says "status points to it" 0 'hownow: what was refused is kept: `lmsfs rejected`' "$LMSFS_BIN" status "$CONF"
colours() { t 20 env "$@" script -qec "'$LMSFS_BIN' status '$CONF'" /dev/null </dev/null | grep -c $'\033'; }
within "on a terminal the status has colours" 1 9 "$(colours -u NO_COLOR TERM=xterm)"
eq "… and none with NO_COLOR" 0 "$(colours NO_COLOR=1 TERM=xterm)"
eq "… nor in a pipe" 0 "$("$LMSFS_BIN" status "$CONF" | grep -c $'\033')"
says "drop forgets it" 0 '^' "$LMSFS_BIN" drop "$number" "$MNT"
says "nothing is rejected any more" 0 'nothing is rejected' "$LMSFS_BIN" rejected "$MNT"
says "dropping it twice" 1 "^lmsfs: " "$LMSFS_BIN" drop "$number" "$MNT"
says "fetch a file" 0 '^$' "$LMSFS_BIN" fetch "$file"
says "wait for a file that nothing happens to" 0 '^$' "$LMSFS_BIN" wait "$file"
says "an unknown file" 1 '^lmsfs: .*ENOENT' "$LMSFS_BIN" fetch "$MNT/hownow/users/EXT-nobody.json"
run "$LMSFS_BIN" fetch --json "$MNT/nowhere/x"
eq "a failure as JSON is one too" "1 false ENOENT" "$STATUS $(jq -r '"\(.ok) \(.errno)"' <<<"$OUT")"

# ---- a daemon that doesn't answer ----

check "the daemon stands still again" pid_stop "$DAEMON_PID"
says "a hung daemon doesn't hang the tools" 1 'no answer' "$LMSFS_BIN" why "$file"
kill -CONT "$DAEMON_PID"
says "and when it is back it answers" 0 'EXT-e-000001' "$LMSFS_BIN" why "$file"

mkdir "$T/second"
sed "s|^cache_dir.*|cache_dir = $T/cache2|" "$CONF" >"$T/second.conf"
chmod 600 "$T/second.conf"
says "a second mount, of another cache" 0 '^$' "$LMSFS_BIN" mount "$T/second.conf" "$T/second"
pid_record "$(<"$T/cache2/lmsfs.pid")"
run env -C / "$LMSFS_BIN" status
like "which one is meant has to be said" "which mount\? .*$MNT.*$T/second" "$STATUS $OUT"
says "each is reached by its path" 0 "^$T/second" "$LMSFS_BIN" status "$T/second"
says "umount" 0 '^$' "$LMSFS_BIN" umount "$T/second"
for secret in sandbox-secret sandbox-org-secret sandbox-key; do
    grep -rqsF "$secret" "$CACHE/lmsfs.log" "$T/mount.log" && not_ok "no log has $secret" || ok "no log has $secret"
done
check "mount_stop" mount_stop
done_testing
