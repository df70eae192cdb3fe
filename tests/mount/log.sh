#!/usr/bin/env bash
# lmsfs log: what was changed, by whom, and the LMS's verdict, for people and for programs; over rotations, damage and the end of the daemon.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --users 300 --synap-users 5 --avia-users 5 --job-seconds 0.2
conf_hownow 'trickle = no' 'removal_grace = 0'
conf_lmsfs 'audit_max = 4K'
config_write hownow synap avia
users=$MNT/hownow/users
mount_start
mapfile -t files < <(t ls "$users" | grep '^EXT-')
show() { t "$LMSFS_BIN" log "$@" >"$T/shown" 2>"$T/said"; } # OPTION… [PATH]
row() { sed -n "${1}p" "$T/shown"; }
edit() { t jq "$2" "$users/$1" >"$T/edited" && t cp "$T/edited" "$users/$1"; } # NAME JQ

# ---- what people see ----
check "of a mount that changed nothing" show "$MNT"
eq "… it says so" "nothing was changed" "$(<"$T/shown")"
check "a save" edit "${files[0]}" '.name = "Jane Fields" | .phone = "555-0100"'
check "a removal" mv "$users/${files[1]}" "$MNT/hownow/deactivated-users/"
fault '{"path": "POST /external/v1/users/upsert", "status": 422, "body": {"error_message": "No"}}'
check "a refusal" not edit "${files[2]}" '.name = "Nobody"'
faults_clear
check "the log" show "$MNT"
eq "… has a line each" 3 "$(wc -l <"$T/shown")"
like "… of the save: when, the verdict, who by which program, the file, the fields, the job" \
    "^[0-9-]{10} [0-9:]{8} +ok +root \(cp\) +hownow/users/${files[0]} +POST .*name.*job [0-9a-zA-Z-]+" "$(row 1)"
like "… of the removal" "ok +root \(mv\) +hownow/users/${files[1]} .*deactivate" "$(row 2)"
like "… of the refusal" "EINVAL +root \(cp\) +hownow/users/${files[2]} +POST name" "$(row 3)"
now=$(date '+%Y-%m-%d %H')
like "… in local time" "^$now|^$(date -d '1 minute ago' '+%Y-%m-%d %H')" "$(TZ= row 3)"
check "in another time zone" env TZ=Etc/GMT-14 "$LMSFS_BIN" log -n 1 "$MNT"
like "… it is that one's" "^$(TZ=Etc/GMT-14 date '+%Y-%m-%d')|^$(TZ=Etc/GMT-14 date -d '1 minute ago' '+%Y-%m-%d')" "$(TZ=Etc/GMT-14 "$LMSFS_BIN" log -n 1 "$MNT")"
check "the last one" show -n 1 "$MNT"
eq "… alone" "1 1" "$(wc -l <"$T/shown") $(grep -c "${files[2]}" "$T/shown")"
check "of one file" show "$users/${files[0]}"
eq "… is that file's" 1 "$(grep -c "${files[0]}" "$T/shown")"
eq "… alone" 1 "$(wc -l <"$T/shown")"
check "of one in the bin" show "$MNT/hownow/deactivated-users/${files[1]}"
eq "… is how it came there" 1 "$(grep -c "${files[1]}.*deactivate" "$T/shown")"
check "of a directory" show "$MNT/hownow"
eq "… what is below it" 3 "$(wc -l <"$T/shown")"
check "of another tenant" show "$MNT/synap"
eq "… nothing" "nothing was changed" "$(<"$T/shown")"
check "for programs" show --json "$MNT"
check "… the lines as they stand" cmp "$T/shown" "$CACHE/audit.jsonl"
eq "in a pipe there are no colours" 0 "$(t "$LMSFS_BIN" log "$MNT" | grep -c $'\033')"
eq "… on a terminal what failed has one" 1 "$(t env -u NO_COLOR TERM=xterm script -qec "'$LMSFS_BIN' log '$MNT'" /dev/null | grep -c $'\033\[31mEINVAL')"
eq "… not with NO_COLOR" 0 "$(t env NO_COLOR=1 TERM=xterm script -qec "'$LMSFS_BIN' log '$MNT'" /dev/null | grep -c $'\033\[31m')"

# ---- whose it is, under whatever name it was saved ----
comes() { # DIR JSON - as new.json
    printf '%s' "$2" >"$T/new.json" && t cp "$T/new.json" "$1/new.json"
}
check "one who comes as new.json" comes "$users" '{"external_user_id": "l-1", "name": "Late", "email": "late@example.org", "user_type": "ReadOnly"}'
check "… is in the log of the file that he is" show "$users/EXT-l-1.json"
like "… with the name that was saved" 'hownow/users/new.json \(EXT-l-1.json\) +POST' "$(row 1)"
check "a second save, by his own name" edit EXT-l-1.json '.name = "Later"'
check "a third one, a part of the document by the name that he came under" comes "$users" '{"name": "Late again"}'
t rm "$users/new.json" # the name that means him
check "another one who comes as new.json" comes "$users" '{"external_user_id": "l-2", "name": "Last", "email": "last@example.org", "user_type": "ReadOnly"}'
check "the log of the first one" show "$users/EXT-l-1.json"
eq "… has his three lines" "3 0" "$(wc -l <"$T/shown") $(grep -c l-2 "$T/shown")"
check "one whom the LMS gives a number" \
    comes "$MNT/synap/users" '{"email": "lea@example.org", "name": "Lea", "password": "Passw0rd-long", "attr": {"location": "York"}}'
lea=$(t readlink "$MNT/synap/users/new.json")
check "… is in the log of that number's file" show "$MNT/synap/users/$lea"
eq "… with his one line" 1 "$(grep -c "synap/users/new.json ($lea)" "$T/shown")"
nobody=$(t ls "$users" | grep '^ID-' | head -n 1)
check "one who is given an external id" edit "$nobody" '.external_user_id = "l-3"'
check "… and then is saved by it" wait_until 10 edit EXT-l-3.json '.name = "Named"'
check "… has both lines in one log" show "$users/EXT-l-3.json"
eq "… the older one under the name of before" "$nobody EXT-l-3.json" "$(grep -o 'ID-[0-9]*.json\|users/EXT-l-3.json' "$T/shown" | sed 's|users/||' | xargs)"

# ---- following ----
"$LMSFS_BIN" log -f -n 1 "$MNT" >"$T/followed" 2>&1 &
follower=$!
pid_record $follower
has() { [ "$(wc -l <"$T/followed")" = "$1" ]; }
check "-f shows the last ones" wait_until 10 has 1
check "while it follows, a save" edit "${files[3]}" '.name = "Followed"'
check "… is shown" wait_until 10 has 2
like "… as it is" "${files[3]}" "$(tail -n 1 "$T/followed")"
before=$(stat -c %i "$CACHE/audit.jsonl") n=2
rotated() { [ "$(stat -c %i "$CACHE/audit.jsonl")" != "$before" ]; }
while not rotated && [ $n -lt 40 ]; do
    printf '{"name": "Rotated %d"}' $n >"$T/doc"
    t cp "$T/doc" "$users/${files[4]}" || break
    n=$((n + 1))
done
check "the log is rotated under it" rotated
check "… and another save" edit "${files[5]}" '.name = "After"'
check "… no line is missed" wait_until 10 has $((n + 1))
eq "… and none shown twice" "" "$(grep -o 'hownow/users/.* job [^ ]*' "$T/followed" | sort | uniq -d)"
check "the last ones stand in both files" show -n $((n + 1)) "$MNT"
eq "… in their order" "$(tail -n 1 "$T/followed")" "$(tail -n 1 "$T/shown")"
eq "… as many" $((n + 1)) "$(wc -l <"$T/shown")"
t 20 "$LMSFS_BIN" log -f "$MNT" | head -n 1 >"$T/first"
eq "a reader that goes ends it, as a success" "0 1" "${PIPESTATUS[0]} $(wc -l <"$T/first")"
check "the mount goes" mount_stop
ended() { pid_gone $follower; }
check "… and so does who follows" wait_until 10 ended
wait $follower
eq "… as a success" 0 $?

# ---- without a daemon; damaged ----
check "by the configuration, with no daemon" show -n 1 "$CONF"
like "… it is there all the same" "${files[5]}" "$(<"$T/shown")"
check "-f then says that there is none" not show -f "$CONF"
like "… in a sentence" 'no daemon serves' "$(<"$T/said")"
printf 'not JSON \033[2J\007\n{"time":"2026-01-01T00:00:00Z","uid":0,"command":"\\u001b[2J\\u009b2J","path":"hownow/users/\\u001b]0;x\\u0007","verdict":"ok","method":"POST","fields":{"\\u001b[A":1}}\n{"time":"2026-01-01T00:00:00Z","uid":0,"pa' >>"$CACHE/audit.jsonl"
check "damaged lines" show -n 3 "$CONF"
like "… are told as such" 'a damaged line of' "$(row 2)"
eq "… and nothing in the log steers a terminal" "" "$(LC_ALL=C tr -d '\n\t -~\200-\377' <"$T/shown"; LC_ALL=C grep -aP '\xc2[\x80-\x9f]' "$T/shown")"
eq "… a last line that a crash tore isn't there yet" 3 "$(wc -l <"$T/shown")"
check "for programs too" show --json -n 3 "$CONF"
eq "… each is JSON" 3 "$(jq -c . "$T/shown" | wc -l)"
eq "… without control characters" "" "$(LC_ALL=C tr -d '\n\t -~\200-\377' <"$T/shown"; LC_ALL=C grep -aP '\xc2[\x80-\x9f]' "$T/shown")"
eq "a full disk is a failure" 1 "$(t "$LMSFS_BIN" log "$CONF" >/dev/full 2>"$T/said"; echo $?)"
for wrong in '-n' '-n x' '-n -1' '--frob'; do
    t "$LMSFS_BIN" log $wrong "$CONF" >"$T/shown" 2>&1
    eq "log $wrong is misuse" 2 $?
done

# ---- no secret is in it ----
rm -f "$CACHE/audit.jsonl" "$CACHE/audit.jsonl.1"
mount_start
printf '{"email": "log@example.org", "name": "Log", "password": "Passw0rd-long"}' >"$T/doc"
check "a create with a password" cp "$T/doc" "$MNT/synap/users/new.json"
t ls "$MNT/avia/users" >/dev/null
ssn=$(state avia/users/ID-3 | jq -r .ssn)
learner=$(t ls "$MNT/synap/users" | sed -n 's/^\(ID-.*\)\.json$/\1/p' | head -n 1)
check "a record below a learner" sh -c "echo '{\"name\": \"First aid\", \"achievedOn\": \"2024-05-01T00:00:00.000Z\"}' >'$MNT/synap/learning-records/$learner/new.json'"
check "… is found below the learner" show "$MNT/synap/learning-records/$learner"
eq "… alone" "1 1" "$(wc -l <"$T/shown") $(grep -c "synap/learning-records/$learner/new.json" "$T/shown")"
check "and a suspension by an ssn" mv "$MNT/avia/users/ID-3.json" "$MNT/avia/deactivated-users/"
check "are shown" show "$MNT"
eq "… all of them" 3 "$(wc -l <"$T/shown")"
like "… the request without the ssn" 'suspend/\*\*\*' "$(row 3)"
eq "… no secret in either" 0 "$(cat <(t "$LMSFS_BIN" log --json "$MNT") "$T/shown" | grep -cE "Passw0rd-long|$ssn")"
check "it unmounts" mount_stop
done_testing
