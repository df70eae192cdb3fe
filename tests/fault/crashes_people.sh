#!/usr/bin/env bash
# The daemon is killed at each step of a create, a removal and a way back, and started again: everybody is there once, nobody is removed
# who was not to be, and what was taken from a leaver comes back. The cache may be gone too.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/crashes.sh

export LMSFS_CLOCK_FILE=$T/clock
sandbox_start --users 60 --job-seconds 0.5
conf_hownow 'removal_grace = 0' 'trickle = no' 'op_timeout = 5'
conf_synap 'op_timeout = 5' 'trickle = no'
config_write
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users people=$MNT/synap/users
upserts='.path == "/external/v1/users/upsert"'
out='.path | test("/(deactivate|reactivate|delete)$")'
t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json >"$T/people"
somebody() { sed -n "$1p" "$T/people"; }
lms() { state "hownow/users/$1"; }

# ---- the dead mount ----
kill -KILL "$DAEMON_PID"
check "the daemon is killed" wait_until 10 dead
eq "… and leaves a dead mount" ENOTCONN "$(errno_of list "$users")"
mount_start
check "lmsfs mount cleans it up" ls "$users"

# ---- HowNow: a new person, by the external id's name and by new.json ----
n=0
create() { # STEP NAME
    local id=crash-$((++n))
    printf '{"external_user_id": "%s", "name": "Crash %s", "email": "%s@example.org", "user_type": "ReadOnly"}' \
        $id $n $id >"$T/doc.json"
    requests_clear
    die_at "$1"
    crash_save "$users/${2:-EXT-$id.json}"
    back
    check "a create killed at $1: it comes to rest" wait_until 30 at_rest
    wait_until 20 quiet "$users/EXT-$id.json"
    eq "… the person is there" "Crash $n Active" "$(lms EXT-$id | jq -r '"\(.name) \(.status)"' | sed 's/Invited/Active/')"
    eq "… once" "EXT-$id.json" "$(t ls "$users" | grep "$id")"
    within "… with so many upserts" 1 2 "$(requests "$upserts")"
    eq "… and reads so" "Crash $n" "$(t jq -r .name "$users/EXT-$id.json")"
}
for step in after-journal after-answer accepted before-cache after-cache; do create $step; done
create after-journal new.json
create after-answer new-2.json
create before-cache new-3.json
eq "no create was refused" 0 "$(rejected)"

# ---- Synap: the create has left, and its answer hasn't come ----
printf '{"email": "under.way@example.org", "name": "Under Way", "password": "Passw0rd-long"}' >"$T/doc.json"
posts='(.method == "POST") and (.path == "/users")'
requests_clear
fault '{"path": "POST /users", "delay_ms": 4000, "count": 1}'
timeout 20 cp "$T/doc.json" "$people/new.json" >/dev/null 2>&1 &
saver=$!
check "a create is under way" wait_until 10 eval "[ \"\$(requests '$posts')\" = 1 ]"
kill -KILL "$DAEMON_PID"
wait $saver
back
faults_clear
check "killed then: it comes to rest" wait_until 20 at_rest
eq "… the person is there once" 1 "$(state synap/users | jq '[.. | .email? // empty | select(. == "under.way@example.org")] | length')"
eq "… by one POST" 1 "$(requests "$posts")"

# ---- a removal, before it was noted and after ----
leaver=$(somebody 1) name=$(basename "$(somebody 1)")
requests_clear
die_at before-removal
eq "rm, killed before it was noted: rm is told" no "$(timeout 20 rm -f "$leaver" 2>/dev/null && echo yes || echo no)"
back
check "… the person is still there" test -e "$leaver"
eq "… nothing was sent" " 0" "$(pending) $(requests "$out")"

# ---- into the bin and out of it, by mv ----
managed=
for i in $(seq 2 12); do
    [ "$(lms "$(basename "$(somebody "$i")" .json)" | jq -r '.manager_id // empty')" ] && managed="$managed $i"
done
way() { # STEP FROM TO WHAT STATUS - the daemon dies while $name is moved
    local key=${name%.json}
    requests_clear
    die_at "$1"
    timeout $((20 * SLOW)) mv "$2/$name" "$3/" >/dev/null 2>&1
    back
    check "$4 killed at $1: it comes to rest" wait_until 30 at_rest
    eq "… the LMS has it" "$5" "$(lms "$key" | jq -r .status)"
    eq "… by one request" "$4" "$(requests_list "$out" | sed 's/ [0-9]*$//; s/.*\///' | xargs)"
    check "… and the file stands there" wait_until 10 test -e "$3/$name"
    check "… and not here" test ! -e "$2/$name"
}
set -- $managed
for step in removal-noted removal-answered; do
    name=$(basename "$(somebody "$1")")
    shift
    manager=$(lms "${name%.json}" | jq -r .manager_id)
    way "$step" "$users" "$bin" deactivate Deactivated
    way "$step" "$bin" "$users" reactivate Active
    manager_back() { [ "$(lms "${name%.json}" | jq -r .manager_id)" = "$manager" ]; }
    check "… with the manager" wait_until 20 manager_back
done

# ---- the manager that a leaver had, and a removal in its grace, though the cache is gone ----
wait_until 20 at_rest
check "a leaver" mv "$users/$name" "$bin/"
mount_stop || bail "unmounting"
sed -i 's/^removal_grace = .*/removal_grace = 15/' "$CONF"
mount_start
other=$(somebody 13) other_name=$(basename "$(somebody 13)")
requests_clear
check "and another one, in the grace" rm "$other"
kill -KILL "$DAEMON_PID"
wait_until 10 dead
rm -rf "$CACHE/cache"
mount_start
eq "the cache gone: the removal in its grace is known" grace "$(pending)"
t ls "$users" >/dev/null
in_bin() { t ls "$bin" | grep -qFx "$other_name"; }
check "… its person stands in the bin" wait_until 10 in_bin
eq "… and not among the others" "" "$(t ls "$users" | grep -Fx "$other_name")"
check "… and is taken back" mv "$bin/$other_name" "$users/"
eq "… nothing was sent" " 0" "$(pending) $(requests "$out")"
check "the leaver comes back" mv "$bin/$name" "$users/"
check "… with the manager" wait_until 20 manager_back

# ---- in its grace; an hour later ----
late=$(somebody 14) late_name=$(basename "$(somebody 14)")
check "a removal" rm "$late"
kill -KILL "$DAEMON_PID"
wait_until 10 dead
mount_start
eq "killed in its grace: it goes on" grace "$(pending)"
eq "… in the bin" "$late_name" "$(t ls "$bin")"
kill -KILL "$DAEMON_PID"
wait_until 10 dead
echo 3700 >"$T/clock"
requests_clear
mount_start
eq "found more than an hour old at start: it isn't pending" "" "$(pending)"
check "… the person is there" test -e "$late"
like "… why says that it was not sent" 'hour old' "$(t "$LMSFS_BIN" why "$late")"
like "… it is in rejected/" 'hour old' "$(t "$LMSFS_BIN" rejected --json "$MNT" | jq -r --arg n "$late_name" '[.. | objects | select(.reason?) | .reason] | join(" ")')"
eq "… and nothing was sent" 0 "$(requests "$out")"

# ---- the guard's hour ----
check "lmsfs drop begins the hour anew" "$LMSFS_BIN" drop "$MNT"
for i in $(seq 15 24); do t mv "$(somebody $i)" "$bin/" || echo "$i" >>"$T/not"; done
check "ten that go out" test ! -e "$T/not"
mount_stop || bail "unmounting"
echo 7400 >"$T/clock"
mount_start
check "an hour later there may be more" mv "$(somebody 25)" "$bin/"
check "the daemon ends well" mount_stop
done_testing
