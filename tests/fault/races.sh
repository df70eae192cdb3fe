#!/usr/bin/env bash
# Two things at once to one record: a sweep and a draft, a sweep and an editor's renames, a removal and a job, two names of one person,
# two daemons of one cache.
# timeout: 200
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 0.5
conf_hownow 'trickle = no' 'removal_grace = 3'
conf_synap 'trickle = no'
config_write
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users people=$MNT/synap/users
upserts='.path == "/external/v1/users/upsert"'
t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json >"$T/people"
somebody() { sed -n "$1p" "$T/people"; }
key() { basename "$1" .json; }
lms() { state "hownow/users/$(key "$1")"; }
job_over() { [ ! -e "$MNT/hownow/jobs/last.json" ] || t 30 cat "$MNT/hownow/jobs/last.json" >/dev/null; }
pending() { t "$LMSFS_BIN" pending --json "$MNT" | jq -r '[.. | objects | .phase? // empty] | join(" ")'; }
at_rest() { [ -z "$(pending)" ]; }
refresh() { t 60 "$LMSFS_BIN" refresh "$users"; }
changed_behind() { # FILE JQ-OBJECT
    people_change hownow "{\"op\": \"update\", \"id\": \"$(key "$1")\", \"set\": $2}"
}

# ---- a sweep brings a change while a draft is open ----
cat >"$T/drafter.py" <<'PY'
import os, sys, time
path, text, go = sys.argv[1], open(sys.argv[2]).read(), sys.argv[3]
fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
os.write(fd, text[:60].encode())
open(go + ".open", "w").close()
while not os.path.exists(go):
    time.sleep(0.02)
os.write(fd, text[60:].encode())
try:
    os.close(fd)
    print("OK")
except OSError as e:
    import errno
    print(errno.errorcode[e.errno])
PY
draft_open() { # FILE DOCUMENT
    rm -f "$T/go" "$T/go.open"
    t 60 python3 "$T/drafter.py" "$1" "$2" "$T/go" >"$T/closed" &
    drafter=$!
    wait_until 20 test -e "$T/go.open" || bail "a draft is open"
}
draft_close() {
    : >"$T/go"
    wait $drafter
}
file=$(somebody 1)
t jq '.name = "Drafted"' "$file" >"$T/doc.json"
draft_open "$file" "$T/doc.json"
changed_behind "$file" '{"start_date": "2020-01-02"}' >/dev/null
requests_clear
check "a sweep while a draft is open" refresh
eq "… the draft is what the writer wrote" "$(head -c 60 "$T/doc.json")" "$(t cat "$file")"
draft_close
eq "… its close is accepted" OK "$(cat "$T/closed")"
job_over
eq "… one upsert" 1 "$(requests "$upserts")"
eq "… both changes stand in the LMS" "Drafted 2020-01-02" "$(lms "$file" | jq -r '"\(.name) \(.joined_organisation_on // .start_date)"')"
eq "… and in the file" "Drafted 2020-01-02" "$(wait_until 10 eval '[ "$(t jq -r .start_date "$file")" = 2020-01-02 ]'; t jq -r '"\(.name) \(.start_date)"' "$file")"
file=$(somebody 2)
t jq '.name = "Mine"' "$file" >"$T/doc.json"
draft_open "$file" "$T/doc.json"
changed_behind "$file" '{"name": "Theirs"}' >/dev/null
requests_clear
check "a sweep that changes the very field" refresh
draft_close
eq "… the close is ESTALE" ESTALE "$(cat "$T/closed")"
eq "… nothing was sent" 0 "$(requests "$upserts")"
eq "… the file shows theirs" Theirs "$(t jq -r .name "$file")"
file=$(somebody 3)
t jq '.name = "Too late"' "$file" >"$T/doc.json"
draft_open "$file" "$T/doc.json"
people_change hownow "{\"op\": \"deactivate\", \"id\": \"$(key "$file")\"}" >/dev/null
check "a sweep in which the person has left" refresh
draft_close
like "… the close is refused" 'EPERM|ENOENT|ESTALE' "$(cat "$T/closed")"
job_over
eq "… nobody is brought back by that" Deactivated "$(lms "$file" | jq -r .status)"

# ---- an editor's renames during a sweep ----
file=$(somebody 4) listing=$(t ls "$users")
t jq '.name = "Danced"' "$file" >"$T/doc.json"
requests_clear
fault '{"path": "GET /external/v1/users?*", "delay_ms": 1500, "count": 1}'
refresh >/dev/null 2>&1 &
sweep=$!
wait_until 10 eval '[ "$(requests ".path | startswith(\"/external/v1/users?\")")" -ge 1 ]'
check "a backup's rename while a sweep is under way" mv "$file" "$file~"
wait $sweep
eq "… the sweep goes through" 0 $?
check "a whole sweep while the record is a backup" refresh
eq "… the name stays the editor's" ENOENT "$(errno_of stat "$file")"
check "… the new one is written" cp "$T/doc.json" "$file"
check "… the backup goes" rm "$file~"
job_over
eq "… one upsert" Danced "$(requests_bodies "$upserts" | jq -r .name)"
eq "… and nothing else" 0 "$(requests '(.method != "GET") and (.path != "/token") and (.path != "/external/v1/users/upsert")')"
eq "… everybody is listed" "$listing" "$(t ls "$users")"
t jq '.name = "Danced again"' "$file" >"$T/doc.json"
requests_clear
fault '{"path": "GET /external/v1/users?*", "delay_ms": 1500, "count": 1}'
refresh >/dev/null 2>&1 &
sweep=$!
wait_until 10 eval '[ "$(requests ".path | startswith(\"/external/v1/users?\")")" -ge 1 ]'
check "rename, write, remove the backup, all inside a sweep" sh -c "mv '$file' '$file~' && cp '$T/doc.json' '$file' && rm '$file~'"
wait $sweep
faults_clear
job_over
eq "… one upsert" "Danced again" "$(requests_bodies "$upserts" | jq -r .name)"
eq "… the sweep's older row doesn't show" "Danced again" "$(wait_until 10 at_rest; t jq -r .name "$file")"
eq "… everybody is listed" "$listing" "$(t ls "$users")"

# ---- a removal while the job of a save runs ----
file=$(somebody 5) name=$(basename "$(somebody 5)")
jobs_change '{"seconds": 2}' >/dev/null
t jq '.name = "Left"' "$file" >"$T/doc.json"
requests_clear
check "a save, and rm while its job runs" sh -c "cp '$T/doc.json' '$file' && rm '$file'"
shown=no
watch_it() { # until it is over: is the name ever back, or gone from both?
    local both
    while ! at_rest; do
        both="$(t ls "$users" | grep -cFx "$name")$(t ls "$bin" | grep -cFx "$name")"
        [ "$both" = 01 ] || shown=$both
    done
}
watch_it
eq "… from then on the person stands in the bin, whatever the job says" no "$shown"
eq "… upsert, then deactivation" "upsert deactivate" "$(requests_list '(.method != "GET") and (.path != "/token")' | sed 's/ [0-9]*$//; s/.*\///' | xargs)"
eq "… the LMS has both" "Left Deactivated" "$(lms "$file" | jq -r '"\(.name) \(.status)"')"
file=$(somebody 6) name=$(basename "$(somebody 6)")
t jq '.name = "Moved"' "$file" >"$T/doc.json"
requests_clear
check "a save, and mv into the bin while its job runs" sh -c "cp '$T/doc.json' '$file' && mv '$file' '$bin/'"
eq "… upsert, then deactivation" "upsert deactivate" "$(requests_list '(.method != "GET") and (.path != "/token")' | sed 's/ [0-9]*$//; s/.*\///' | xargs)"
eq "… the LMS has both" "Moved Deactivated" "$(lms "$file" | jq -r '"\(.name) \(.status)"')"
file=$(somebody 7)
t jq '.name = "Back"' "$file" >"$T/doc.json"
jq '.name = "Really back"' "$T/doc.json" >"$T/doc2.json"
check "a save, rm, and a save anew while the job runs" sh -c "cp '$T/doc.json' '$file' && rm '$file' && cp '$T/doc2.json' '$file'"
check "… come to rest" wait_until 20 at_rest
job_over
eq "… the person is there with the last words" "Really back Active" "$(lms "$file" | jq -r '"\(.name) \(.status)"')"
jobs_change '{"seconds": 0.3}' >/dev/null

# ---- two names of one record: the saves go one after the other ----
apart() { # JQ-CONDITION - milliseconds between the arrivals of the two requests
    sandbox_curl requests?limit=1000000 | jq "[.requests[] | select($1) | .time] | if length == 2 then ((.[1] - .[0]) * 1000 | floor) else \"\(length) requests\" end"
}
printf '{"email": "two.names@example.org", "name": "Two Names", "password": "Passw0rd-long"}' >"$T/new.json"
check "Synap: a new person" cp "$T/new.json" "$people/new.json"
real=$(t readlink "$people/new.json")
echo '{"name": "First name"}' >"$T/one.json"
echo '{"attr": {"location": "Leeds"}}' >"$T/two.json"
requests_clear
fault '{"path": "PATCH *", "delay_ms": 1500, "count": 1}'
cp "$T/one.json" "$people/.one"
t 30 mv "$people/.one" "$people/new.json" &
saver=$!
wait_until 10 eval '[ "$(requests ".method == \"PATCH\"")" = 1 ]'
check "Synap: a save by the real name while one by new.json is under way" cp "$T/two.json" "$people/$real"
wait $saver
eq "… which succeeds too" 0 $?
within "… waits for it" 1400 30000 "$(apart '.method == "PATCH" or .method == "PUT"')"
eq "… and both stand in the LMS" "First name Leeds" "$(state "synap/users/${real:3:-5}" | jq -r '.user // . | "\(.name) \(.attr.location)"')"
eq "… and in the file" "First name Leeds" "$(t jq -r '"\(.name) \(.attr.location)"' "$people/$real")"
faults_clear

printf '{"email": "both.ways@example.org", "name": "By new", "external_user_id": "zz-1", "user_type": "ReadOnly"}' >"$T/one.json"
jq '.name = "By id"' "$T/one.json" >"$T/two.json"
requests_clear
fault '{"path": "POST /external/v1/users/upsert", "delay_ms": 1500, "count": 1}'
t 30 cp "$T/one.json" "$users/new.json" &
saver=$!
wait_until 10 eval "[ \"\$(requests '$upserts')\" = 1 ]"
check "HowNow: a person created under two names at once" cp "$T/two.json" "$users/EXT-zz-1.json"
wait $saver
eq "… which succeeds too" 0 $?
within "… one after the other" 1400 30000 "$(apart "$upserts")"
wait_until 20 at_rest
job_over
eq "… is one person, with the last name" "By id" "$(state hownow/users/EXT-zz-1 | jq -r .name)"
eq "… in the listing once" "EXT-zz-1.json" "$(t 30 "$LMSFS_BIN" refresh "$users" >/dev/null; t ls "$users" | grep -c zz-1 >/dev/null; t ls "$users" | grep zz-1)"
faults_clear

# ---- a second daemon: one alone serves a cache folder; see mount/two_mounts for another mount of the same one ----
mkdir "$T/other"
sed 's/^trickle = .*/&\nlist_ttl = 77/' "$CONF" >"$T/other.conf"
chmod 600 "$T/other.conf"
not "$LMSFS_BIN" mount "$T/other.conf" "$T/other" >"$T/second" 2>&1
eq "a second daemon on the same cache folder is refused" 0 $?
like "… with a sentence that says why" 'another configuration' "$(cat "$T/second")"
eq "… and mounts nothing" 1 "$(mounted "$T/other"; echo $?)"
check "… while the first goes on" ls "$users"
check "the daemon ends well" mount_stop
done_testing
