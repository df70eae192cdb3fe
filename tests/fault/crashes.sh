#!/usr/bin/env bash
# The daemon is killed at each step of a save and of a removal, and started again: an update is there exactly once, a create whose
# outcome is unknown is looked up and never doubled, nothing is lost in silence, jobs are watched on.
# timeout: 280
. tests/lib/lib.sh
. tests/lib/crashes.sh

sandbox_start --users 60 --job-seconds 1
conf_hownow 'removal_grace = 0' 'trickle = no' 'op_timeout = 5' 'record_ttl = 1'
conf_synap 'op_timeout = 5' 'trickle = no'
config_write
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users people=$MNT/synap/users
upserts='.path == "/external/v1/users/upsert"'
creates='(.method == "POST") and (.path == "/users")'
t ls "$users" >/dev/null

name_of() { state "hownow/users/$1" | jq -r .name; }

# ---- an update ----
n=0
update() { # STEP UPSERTS-AT-MOST
    local id file
    n=$((n + 1))
    id=$(printf 'EXT-e-%06d' $((20 + n))) file=$users/$(printf 'EXT-e-%06d' $((20 + n))).json
    t jq ".name = \"Crash $1\"" "$file" >"$T/doc.json"
    requests_clear
    [ "$1" != begun ] || sleep 2 # else the detail just read counts as the current record (record_ttl), and there is nothing to wait for
    die_at "$1"
    crash_save "$file"
    back
    if [ "$1" = before-journal ]; then
        eq "killed before the journal: nothing is there, and nothing went out" 0 "$(requests "$upserts")"
        eq "… the program was told: it is not saved" no "$([ "$(name_of "$id")" = "Crash $1" ] && echo yes || echo no)"
        check "… and saving again saves" crash_save "$file"
    fi
    check "killed at $1: it comes to rest" wait_until 20 quiet "$file"
    eq "… the LMS has it" "Crash $1" "$(name_of "$id")"
    eq "… the file shows it" "Crash $1" "$(t jq -r .name "$file")"
    within "… with so many upserts" 1 "$2" "$(requests "$upserts")"
    eq "… and nothing was refused" 0 "$(rejected)"
}
update before-journal 1
update begun 1
update after-journal 1
update after-answer 2
update accepted 2
update before-cache 1
update after-cache 1

# The request has left and its answer hasn't come.
file=$users/EXT-e-000040.json
t jq '.name = "Crash under way"' "$file" >"$T/doc.json"
requests_clear
fault '{"path": "POST /external/v1/users/upsert", "count": 1, "delay_ms": 3000}'
timeout 20 cp "$T/doc.json" "$file" >/dev/null 2>&1 &
saver=$!
arrived() { [ "$(requests "$upserts")" -ge 1 ] || sandbox_curl faults | grep -q '"hits": *1'; }
check "the request is under way" wait_until 10 arrived
daemon_crash
wait $saver
faults_clear
mount_start
check "killed while the request was under way: it comes to rest" wait_until 20 quiet "$file"
eq "… the LMS has it" "Crash under way" "$(name_of EXT-e-000040)"
eq "… and the file shows it" "Crash under way" "$(t jq -r .name "$file")"

# ---- a job that goes on while nobody watches ----
file=$users/EXT-e-000041.json
jobs_change '{"seconds": 4}' >/dev/null
t jq '.name = "Watched on"' "$file" >"$T/doc.json"
check "a save whose job takes long" cp "$T/doc.json" "$file"
kill -KILL "$DAEMON_PID"
wait_until 10 dead
mount_start
eq "a job in flight: the file is pending again" pending "$(xattr_of state "$file")"
eq "… and shows what was saved" "Watched on" "$(t jq -r .name "$file")"
like "… jobs/last.json waits for its end" '"completed"' "$(t 20 cat "$MNT/hownow/jobs/last.json")"
check "… and then it is clean" wait_until 10 quiet "$file"
jobs_change '{"fail_next": "Seat limit has been reached"}' >/dev/null
before=$(t jq -r .name "$file")
t jq '.name = "Refused later"' "$file" >"$T/doc.json"
check "a save that its job refuses" cp "$T/doc.json" "$file"
die_at job-failed
back
jobs_change '{"seconds": 0.3}' >/dev/null
shows_before() { [ "$(t jq -r .name "$file")" = "$before" ]; }
check "killed when the job had failed: the server's version comes back" wait_until 20 shows_before
like "… why has the LMS's words" 'Seat limit' "$(t "$LMSFS_BIN" why "$file")"
eq "… and it is refused once, not twice" 1 "$(rejected)"

# ---- an open editor over a restart ----
file=$users/EXT-e-000042.json
t cat "$file" >"$T/buffer.json"
jq '.name = "Buffer one"' "$T/buffer.json" >"$T/doc.json"
check "an editor saves" cp "$T/doc.json" "$file"
wait_until 10 quiet "$file"
mount_stop
mount_start
jq '.name = "Buffer two"' "$T/buffer.json" >"$T/doc.json"
eq "… and again after a restart, from the same buffer" OK "$(errno_of save "$file" <"$T/doc.json")"

# ---- a Synap create ----
create() { # STEP
    requests_clear
    printf '{"email": "%s@example.org", "name": "Crash %s", "password": "Passw0rd-long"}' "$1" "$1" >"$T/doc.json"
    die_at "$1"
    crash_save "$people/new-$1.json"
    back
    check "create killed at $1: it comes to rest" wait_until 20 at_rest
    eq "… the person is there once" 1 "$(state synap/users | jq "[.. | .email? // empty | select(. == \"$1@example.org\")] | length")"
    eq "… one POST and no more" 1 "$(requests "$creates")"
    eq "… it reads by its e-mail" "Crash $1" "$(t jq -r .name "$people/EMAIL-$1@example.org.json")"
}
create after-journal
create after-answer
create before-cache
create after-cache
check "no secret is left in the journal, crashes or not" sh -c "! grep -ral 'Passw0rd-long' '$CACHE'"
eq "… nor anything to unseal one with" "" "$(ls "$CACHE/pads" 2>/dev/null)"

# ---- removals ----
read_only() { t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | sed -n "$1p"; }
remove() { # STEP
    local gone name
    gone=$(read_only 5) name=$(basename "$gone")
    requests_clear
    die_at "$1"
    timeout 20 rm -f "$gone" 2>/dev/null
    back
    in_bin() { [ -n "$(t ls "$bin" | grep -Fx "$name")" ] && at_rest; }
    check "rm killed at $1: the person is in the bin" wait_until 20 in_bin
    eq "… not among the others" "" "$(t ls "$users" | grep -Fx "$name")"
    eq "… with one deactivation" 1 "$(requests '.path | endswith("/deactivate")')"
    eq "… the LMS has it" Deactivated "$(state "hownow/users/${name%.json}" | jq -r .status)"
}
remove removal-noted
remove removal-answered

# ---- the guard counts over restarts ----
for i in 1 2 3 4 5 6 7 8; do
    errno_of unlink "$(read_only 6)" >/dev/null
done
mount_stop
mount_start
eq "ten removals an hour, restarts or not" EDQUOT "$(errno_of unlink "$(read_only 6)")"
like "… and the status says so" '"guard_tripped": *true' "$(t "$LMSFS_BIN" status --json "$MNT")"
done_testing
