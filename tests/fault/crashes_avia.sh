#!/usr/bin/env bash
# AVIA's update sends the whole record and empties what isn't sent; its suspension is a GET. The daemon is killed at each step of them and started
# again: every PUT that leaves holds the whole record, the LMS ends with what was meant, nobody is suspended twice and nobody created twice.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/crashes.sh

sandbox_start --avia-users 60
conf_avia 'removal_grace = 0' 'trickle = no' 'op_timeout = 5' 'list_ttl = 3600' 'record_ttl = 1'
config_write avia
mount_start
users=$MNT/avia/users bin=$MNT/avia/deactivated-users api=/wp-json/avia/hr/v1
puts='(.method == "PUT") and (.path == "'$api'/user/update")'
roles='.path == "'$api'/user/update/role"'
creates='(.method == "POST") and (.path == "'$api'/user")'
suspends='.path | contains("/suspend/")'
lms() { state "avia/users/ID-$1" | jq -cS "${2:-.}"; } # ID [JQ]
rest() { lms "$1" 'del(.last_name, .fields.city, .updated_at)'; } # what no save of this suite means to change
whole() { # every PUT that left had the eight keys of a record and the thirteen of its fields
    requests_bodies "$puts" | jq -s 'all(.[]; (keys | length) == 8 and (.fields | length) == 13)'
}
listed=$EPOCHSECONDS
old_enough() { [ $EPOCHSECONDS -gt $((listed + 2)) ]; } # longer than record_ttl since the list was read
eq "everybody is listed" 60 "$(t ls "$users" | wc -l)"

# ---- an update ----
id=10
update() { # STEP PUTS-AT-MOST
    local file=$users/ID-$((++id)).json before
    before=$(rest $id)
    t jq --arg at "$1" '.last_name = "Crash \($at)" | .fields.city = "Vik"' "$file" >"$T/doc.json"
    requests_clear
    [ "$1" != begun ] || wait_until 10 old_enough # else the list counts as current, and there is nothing to wait for
    die_at "$1"
    crash_save "$file"
    back
    if [ "$1" = before-journal ]; then
        eq "killed before the journal: nothing went out" 0 "$(requests "$puts")"
        check "… and saving again saves" crash_save "$file"
    fi
    check "an update killed at $1: it comes to rest" wait_until 30 quiet "$file"
    eq "… the LMS has it" "Crash $1 Vik" "$(lms $id | jq -r '"\(.last_name) \(.fields.city)"')"
    eq "… and all the rest as before: nothing is emptied" "$before" "$(rest $id)"
    within "… with so many PUTs" 1 "$2" "$(requests "$puts")"
    eq "… each of the whole record" true "$(whole)"
    eq "… the file shows it" "Crash $1 Vik" "$(t jq -r '"\(.last_name) \(.fields.city)"' "$file")"
    eq "… and nothing was refused" 0 "$(rejected)"
}
update before-journal 1
update begun 1
update after-journal 1
update after-answer 2
update before-cache 2
update after-cache 1

# The PUT has left and its answer hasn't come.
file=$users/ID-30.json before=$(rest 30)
t jq '.last_name = "Under way" | .fields.city = "Hella"' "$file" >"$T/doc.json"
requests_clear
fault "{\"path\": \"PUT $api/user/update\", \"count\": 1, \"delay_ms\": $((3000 * SLOW))}"
timeout 30 cp "$T/doc.json" "$file" >/dev/null 2>&1 &
saver=$!
arrived() { [ "$(sandbox_curl faults | jq '.faults[0].hits')" = 1 ]; }
check "the PUT is under way" wait_until 10 arrived
daemon_crash
wait $saver
faults_clear
mount_start
check "killed while the PUT was under way: it comes to rest" wait_until 30 quiet "$file"
eq "… the LMS has it" "Under way Hella" "$(lms 30 | jq -r '"\(.last_name) \(.fields.city)"')"
eq "… and all the rest as before" "$before" "$(rest 30)"
eq "… each PUT was of the whole record" true "$(whole)"

# What somebody else changed while no daemon ran isn't emptied by sending again.
file=$users/ID-31.json
t jq '.last_name = "Mine"' "$file" >"$T/doc.json"
die_at after-journal
crash_save "$file"
check "killed with a save in the journal" wait_until 20 dead
people_change avia '{"op": "update", "id": "ID-31", "set": {"first_name": "Theirs"}}' >/dev/null
rm -f "$T/die"
mount_start
check "… and another field changed before the restart: it comes to rest" wait_until 30 at_rest
eq "… nothing of either is lost without a word" yes "$(
    [ "$(lms 31 | jq -r '"\(.first_name) \(.last_name)"')" = "Theirs Mine" ] && echo yes || { [ "$(rejected)" = 1 ] && lms 31 | jq -r '.first_name | if . == "Theirs" then "yes" else . end'; })"

# ---- record and role: two PUTs, one save ----
both() { # STEP
    local file=$users/ID-$((++id)).json before
    before=$(rest $id | jq -c 'del(.role)')
    t jq --arg at "$1" '.last_name = "Both \($at)" | .role = "group_leader"' "$file" >"$T/doc.json"
    requests_clear
    die_at "$1"
    crash_save "$file"
    back
    check "record and role killed at $1: it comes to rest" wait_until 30 quiet "$file"
    eq "… the LMS has both" "Both $1 group_leader" "$(lms $id | jq -r '"\(.last_name) \(.role)"')"
    eq "… and the rest as before" "$before" "$(rest $id | jq -c 'del(.role)')"
    within "… with so many PUTs of the record" 1 2 "$(requests "$puts")"
    within "… and of the role" 1 2 "$(requests "$roles")"
    eq "… the record's each whole" true "$(whole)"
}
for step in after-journal after-answer before-cache; do both $step; done

# ---- a create ----
create() { # STEP
    local n=$((++id)) ssn
    ssn=31129900$n
    jq -n --arg s $ssn --arg n $n '{ssn: $s, email: "crash\($n)@example.org", username: "crash\($n)", first_name: "New", last_name: "Crash \($n)",
        name: "New Crash \($n)", role: "subscriber", user_pass: "Leyndarmal-1", fields: {department: "Sales", job_title: "Driver", id: "90\($n)",
        detail_id: "900\($n)", employment_status: "6", employment_status_name: "Í starfi"}}' >"$T/doc.json"
    requests_clear
    die_at "$1"
    crash_save "$users/new-$n.json"
    back
    check "a create killed at $1: it comes to rest" wait_until 30 at_rest
    eq "… the person is there once" 1 "$(state avia/users | jq --arg s $ssn '[.users[] | select(.ssn == $s)] | length')"
    eq "… by one POST" 1 "$(requests "$creates")"
    eq "… and reads by the ssn" "Crash $n" "$(t jq -r .last_name "$users/SSN-$ssn.json")"
    eq "… nothing was refused" "$refused" "$(rejected)"
}
refused=$(rejected)
for step in after-journal after-answer before-cache after-cache; do create $step; done
check "no password is left in the cache folder" sh -c "! grep -raq 'Leyndarmal-1' '$CACHE' '$T/mount.log'"
eq "… nor anything to unseal one with" "" "$(ls "$CACHE/pads" 2>/dev/null)"

# ---- leaving: a GET that suspends ----
remove() { # STEP
    local name=ID-$((++id)).json
    requests_clear
    die_at "$1"
    timeout $((20 * SLOW)) rm -f "$users/$name" 2>/dev/null
    back
    in_bin() { t ls "$bin" | grep -qFx "$name" && at_rest; }
    check "rm killed at $1: the person is in the bin" wait_until 30 in_bin
    eq "… suspended at the LMS" true "$(lms $id .suspended)"
    eq "… by one GET" 1 "$(requests "$suspends")"
    eq "… and no longer among the others" "" "$(t ls "$users" | grep -Fx "$name")"
}
remove removal-answered
# A GET that suspends is sent once: where nobody knows whether it left, the list says how the person stands, and somebody is told.
name=ID-$((++id)).json
requests_clear
die_at removal-noted
timeout $((20 * SLOW)) rm -f "$users/$name" 2>/dev/null
back
told() { at_rest && [ "$(rejected)" = $((refused + 1)) ]; }
check "rm killed before its GET may have left: it is in rejected/" wait_until 30 told
eq "… nothing was sent" 0 "$(requests "$suspends")"
check "… the file is there" test -e "$users/$name"
like "… why says how it stands" 'the LMS shows that it has not happened' "$(t "$LMSFS_BIN" why "$users/$name")"
n=$(t ls "$MNT/.lmsfs/rejected" | sort -n | tail -n 1)
check "… and retry suspends" t "$LMSFS_BIN" retry "$n" "$MNT"
eq "… by one GET" "1 true" "$(requests "$suspends") $(lms $id .suspended)"
eq "nobody else is suspended" 2 "$(state avia/users | jq '[.users[] | select(.suspended)] | length')"
check "no ssn is in the log or the audit" sh -c "! grep -aqE '31129900[0-9]{2}' '$CACHE/audit.jsonl' '$CACHE/lmsfs.log'"
check "it unmounts" mount_stop
done_testing
