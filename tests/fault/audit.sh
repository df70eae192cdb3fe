#!/usr/bin/env bash
# The audit log: a line for every request that changed something, over crashes, at its bound, and with a disk that is full.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 10 --job-seconds 0.3
conf_hownow 'trickle = no' 'removal_grace = 1' 'crawl_limit = 100'
conf_synap 'trickle = no'
config_write
mkdir -p "$CACHE"
if ! mount -t tmpfs -o size=24m,mode=700 tmpfs "$CACHE" 2>"$T/tmpfs.log"; then
    bail "a small disk for the cache" "$(cat "$T/tmpfs.log")"
fi
mount_start
users=$MNT/hownow/users people=$MNT/synap/users log=$MNT/.lmsfs/audit.jsonl
upserts='.path == "/external/v1/users/upsert"'
mapfile -t files < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
rename_to() { # FILE NAME
    t jq --arg n "$2" '.name = $n' "$1" >"$T/new.json" && t cp "$T/new.json" "$1"
}
last() { t tail -n 1 "$log" | jq -c "$1"; }
about() { t cat "$log" | jq -c "select(.path == \"$1\")"; } # PATH - the lines about it
clean() { [ "$(xattr_of state "$1")" = clean ]; }
whole() { jq -e . "$@" >/dev/null; }

# ---- a line ----
path=hownow/users/$(basename "${files[0]}")
check "a save" rename_to "${files[0]}" Audited
eq "is a line: who, with what" "[$(id -u),\"cp\",\"$path\"]" "$(last '[.uid, .command, .path]')"
eq "… which request" '["POST","/external/v1/users/upsert","ok"]' "$(last '[.method, .url, .verdict]')"
eq "… the fields that changed, with their values" '{"name":"Audited"}' "$(last .fields)"
eq "… the job" "$(xattr_of job "${files[0]}")" "$(last .job | tr -d '"')"
like "… when" '^"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"$' "$(last .time)"
eq "… the process, and how long it took" '[true,true]' "$(last '[.pid > 1, (.ms | type) == "number"]')"
lines=$(t wc -l <"$log")
check "saving what is there" cp "${files[0]}" "$T/same.json"
t cp "$T/same.json" "${files[0]}"
check "a refused document" not cp "$CONF" "${files[0]}"
eq "… are no lines: no request changed anything" "$lines" "$(t wc -l <"$log")"
fault '{"path": "POST /external/v1/users/upsert", "status": 422, "body": {"error_message": "No"}}'
check "what the LMS refuses" not cp "$T/new.json" "${files[1]}"
check "… by name" not rename_to "${files[2]}" Refused
faults_clear
printf '{"email": "audited@example.org", "name": "Audited Password", "password": "Passw0rd-long"}' >"$T/new.json"
check "a save with a password" cp "$T/new.json" "$people/new.json"
eq "… is masked in its line" '{"email":"audited@example.org","name":"Audited Password","password":"***"}' "$(last .fields)"
check "… and is nowhere in the cache folder" sh -c "! grep -raq 'Passw0rd-long' '$CACHE'"
leaver=${files[3]}
check "rm, which is over long before its request" rm "$leaver"
check "… waits" "$LMSFS_BIN" wait "$leaver"
eq "… a line with its name" '["rm","PUT","ok"]' "$(last '[.command, .method, .verdict]')"
check "mv back" mv "$MNT/hownow/deactivated-users/$(basename "$leaver")" "$users/"
eq "… another" '["mv","PUT","ok"]' "$(about "hownow/users/$(basename "$leaver")" | jq -c 'select(.url | endswith("/reactivate")) | [.command, .method, .verdict]')"
fault '{"path": "POST /external/v1/users/upsert", "status": 403, "body": {"error_message": "Not yours"}}'
check "one that is refused" not rename_to "${files[4]}" Refused
eq "… says so" '["name","EACCES"]' "$(last '[(.fields | keys[0]), .verdict]')"

# ---- a crash ----
lines=$(wc -l <"$CACHE/audit.jsonl")
rename_to "${files[5]}" Crashed
daemon_crash
eq "kill -9 right after a save: its line is there" $((lines + 1)) "$(wc -l <"$CACHE/audit.jsonl")"
printf '{"time":"2026-01-01T00:00:00Z","uid":0,"pa' >>"$CACHE/audit.jsonl"
mount_start
eq "a line that a crash tore is cut off" $((lines + 1)) "$(wc -l <"$CACHE/audit.jsonl")"
check "… and the next is whole" rename_to "${files[5]}" "After the crash"
check "… as all are" whole "$CACHE/audit.jsonl"
eq "… one more" $((lines + 2)) "$(wc -l <"$CACHE/audit.jsonl")"

# ---- its bound ----
mount_stop
conf_lmsfs 'audit_max = 4K'
config_write
mount_start
n=0
rotated() { [ -e "$CACHE/audit.jsonl.1" ]; }
while ! rotated && [ $n -lt 40 ]; do
    n=$((n + 1))
    rename_to "${files[6]}" "Rotated $n"
done
check "at audit_max it becomes audit.jsonl.1" rotated
within "… at its bound" 3000 4096 "$(($(stat -c %s "$CACHE/audit.jsonl.1") <= 4096 ? 4096 : 99999))"
check "… and both are whole" whole "$CACHE/audit.jsonl" "$CACHE/audit.jsonl.1"
eq "… with no line lost" $((lines + 2 + n)) "$(cat "$CACHE/audit.jsonl.1" "$CACHE/audit.jsonl" | wc -l)"
check "… as the mount shows it" cmp "$CACHE/audit.jsonl" "$log"

# ---- a full disk ----
wait_until 10 clean "${files[6]}"
dd if=/dev/zero of="$CACHE/ballast" bs=64k status=none 2>/dev/null
dd if=/dev/zero of="$CACHE/ballast2" bs=1 count=4096 status=none 2>/dev/null
check "the disk is full" sh -c "! dd if=/dev/zero of='$CACHE/more' bs=64k count=1 status=none 2>/dev/null"
t cat "$users"/EXT-*.json >"$T/read"
check "full: everything can be read" test -s "$T/read"
saves=0
for i in $(seq 1 24); do
    t jq --arg n "Full disk $i" '.name = $n' "${files[7]}" >"$T/full.json"
    [ "$(errno_of save "${files[7]}" <"$T/full.json")" = OK ] && saves=$((saves + 1))
    wait_until 10 clean "${files[7]}"
done
eq "full: 24 saves go through" 24 "$saves"
eq "… the LMS has the last" "Full disk 24" "$(state "hownow/users/$(basename "${files[7]}" .json)" | jq -r .name)"
check "… and every line of the audit log is whole" whole "$log"
dd if=/dev/zero of="$CACHE/ballast3" bs=64k status=none 2>/dev/null # and whoever fills it takes what was kept free, too
t cat "$users"/EXT-*.json >"$T/read"
check "full to the last byte: everything can be read" test -s "$T/read"
t jq '.name = "Last byte"' "${files[8]}" >"$T/full.json"
like "… and a save goes through or says why not" '^(OK|ENOSPC)$' "$(errno_of save "${files[8]}" <"$T/full.json")"
rm -f "$CACHE"/ballast* "$CACHE/more"
check "when there is room again, saves work" rename_to "${files[8]}" "Room again"
wait_until 10 clean "${files[8]}"
mount_stop

# ---- a disk that is full for the audit log alone ----
mv "$CACHE/audit.jsonl" "$T/audit.jsonl"
ln -s /dev/full "$CACHE/audit.jsonl"
mount_start
audit_status() { t "$LMSFS_BIN" status --json "$MNT" | jq -c "[.audit.lost, .audit.error]"; }
check "nowhere to write a line: a save goes through" rename_to "${files[9]}" "Lines lost"
check "… another" rename_to "${files[9]}" "Lines lost too"
eq "… the status has the lines that are missing" '[2,"ENOSPC"]' "$(audit_status)"
mount_stop
check "the daemon ends well" test ! -e "$CACHE/lmsfs.pid"
done_testing
