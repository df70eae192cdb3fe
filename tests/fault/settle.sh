#!/usr/bin/env bash
# settle = completed; and what happens to one record at once: saves, jobs, removals and moves get in each other's way in good order.
# timeout: 160
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 1
conf_hownow 'removal_grace = 1' 'trickle = no' 'settle = completed' 'op_timeout = 5'
config_write hownow
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
upserts='.path == "/external/v1/users/upsert"'
read_only() { t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | sed -n "$1p"; }
pending() { t "$LMSFS_BIN" pending --json "$MNT" | jq '[.. | objects | select(.phase?)] | length'; }
at_rest() { [ "$(pending)" = 0 ]; }
named() { t jq --arg v "$2" '.name = $v' "$1" >"$T/doc.json"; }

file=$(read_only 3)
named "$file" "Completed"
took=$(seconds_of cp "$T/doc.json" "$file")
within "settle = completed: the save returns when its job is over" 1 5 "$took"
eq "… and then the file is clean" clean "$(xattr_of state "$file")"

# ---- whoever waits for the job in close keeps nobody else ----
next=$(read_only 7)
named "$next" "Meanwhile"
mv "$T/doc.json" "$T/next.json"
named "$file" "Waiting"
jobs_change "{\"seconds\": $((4 * SLOW))}" >/dev/null
requests_clear
began=${EPOCHREALTIME/./}
t 60 cp "$T/doc.json" "$file" &
saver=$!
check "a save waits for its job" wait_until 10 eval "[ \"\$(requests '$upserts')\" = 1 ]"
within "… meanwhile ls of the directory: at once" 0 "$SLOW" "$(seconds_of ls -l "$users")"
within "… reading another file: at once" 0 "$SLOW" "$(seconds_of cat "$(read_only 8)")"
within "… a scratch file: at once" 0 "$SLOW" "$(seconds_of sh -c "echo x >'$users/.s' && rm '$users/.s'")"
check "… saving another file" t 60 cp "$T/next.json" "$next"
wait $saver
eq "… both succeed" 0 $?
within "… side by side, not one after the other" 0 $((7 * SLOW)) "$(((${EPOCHREALTIME/./} - began) / 1000000))"
jobs_change '{"seconds": 1}' >/dev/null
jobs_change '{"fail_next": "Seat limit has been reached"}' >/dev/null
named "$file" "Refused"
eq "a job that fails is the save's verdict: EINVAL" EINVAL "$(errno_of save "$file" <"$T/doc.json")"
like "… why has the LMS's words" 'Seat limit' "$(t "$LMSFS_BIN" why "$file")"
eq "… and the file shows the server's version" Waiting "$(t jq -r .name "$file")"
like "why works by another true name" 'Seat limit' "$(t "$LMSFS_BIN" why "$users/ID-$(t jq -r ._readonly.id "$file").json")"
remount
like "… and in a later run" 'Seat limit' "$(t "$LMSFS_BIN" why "$file")"
named "$file" "Accepted"
sleep 1
check "a save that is accepted" cp "$T/doc.json" "$file"
like "… makes that history" 'nothing was refused' "$(t "$LMSFS_BIN" why "$file")"

# ---- the same record at once ----
mount_stop
sed -i 's/^settle = completed/settle = accepted/' "$CONF"
mount_start
jobs_change '{"seconds": 2}' >/dev/null
named "$file" "One"
check "a save" cp "$T/doc.json" "$file"
named "$file" "Two"
check "a second one while the first one's job runs" cp "$T/doc.json" "$file"
jq '.user_type = "Emperor"' "$T/doc.json" >"$T/bad.json"
eq "one that is refused meanwhile" EINVAL "$(errno_of save "$file" <"$T/bad.json")"
eq "… leaves the record pending: the job still counts" pending "$(xattr_of state "$file")"
clean() { [ "$(xattr_of state "$file")" = clean ]; }
check "… and clean when it is over" wait_until 15 clean
eq "… with the last value" Two "$(t jq -r .name "$file")"
leaver=$(read_only 5) name=$(basename "$(read_only 5)")
requests_clear
named "$leaver" "Last words"
check "a save, and rm while its job runs" sh -c "cp '$T/doc.json' '$leaver' && rm '$leaver'"
check "… come to rest" wait_until 20 at_rest
order=$(requests_list '(.method != "GET") and (.path != "/token")' | sed 's/ID-[0-9]*/ID/')
eq "… the LMS got one after the other" "POST /external/v1/users/upsert 202
PUT /external/v1/users/ID/deactivate 200" "$(sed 's/upsert 20[0-9]/upsert 202/; s/deactivate 20[0-9]/deactivate 200/' <<<"$order")"
eq "… the save was applied" "Last words" "$(state "hownow/users/${name%.json}" | jq -r .name)"
eq "… and the person is in the bin" "$name" "$(t ls "$bin")"
jobs_change '{"seconds": 0.3}' >/dev/null
eq "a save of somebody in the bin is refused" EPERM "$(errno_of write "$bin/$name" <"$T/doc.json")"

# ---- renaming onto a name that is being removed ----
other=$(read_only 7)
t jq '.name = "Renamed onto"' "$other" >"$T/doc.json"
requests_clear
check "rm, then a rename onto the name" sh -c "cp '$T/doc.json' '$users/.tmp' && rm '$other' && mv '$users/.tmp' '$other'"
wait_until 10 at_rest
sleep 1.5
eq "… is a save and no removal" 0 "$(requests '.path | endswith("/deactivate")')"
eq "… with what was renamed" "Renamed onto" "$(t jq -r .name "$other")"
done_testing
