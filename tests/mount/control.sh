#!/usr/bin/env bash
# .lmsfs, which no listing shows: the state, the audit log, what waits, and every refused save with its reason. And what polls a job.
. tests/lib/lib.sh

sandbox_start --users 40 --job-seconds 2
conf_hownow 'trickle = no'
config_write hownow
mount_start
users=$MNT/hownow/users control=$MNT/.lmsfs
mapfile -t people < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
rename_to() { t jq --arg n "$2" '.name = $n' "$1" >"$T/new.json" && t cp "$T/new.json" "$1"; }
job_over() { t 30 cat "$MNT/hownow/jobs/last.json" >/dev/null; }

# ---- what is there ----
eq "no listing shows it" hownow "$(t ls -A "$MNT")"
eq "by name it is there" $'audit.jsonl\nmetrics\npending.json\nrejected\nstatus.json' "$(t ls -A "$control")"
check "find walks it" find "$control" -ls
eq "status.json names the tenant" hownow "$(t jq -r '.tenants[].name' "$control/status.json")"
eq "nothing waits" '[]' "$(t jq -c . "$control/pending.json")"
eq "nothing was refused" "" "$(t ls -A "$control/rejected")"
eq "it can't be written" EPERM "$(errno_of save "$control/status.json" <"$CONF")"
eq "… nor removed" EPERM "$(errno_of unlink "$control/audit.jsonl")"
eq "… nor filled" EPERM "$(errno_of save "$control/x" <"$CONF")"

# ---- the audit log ----
exec 3<"$control/audit.jsonl"
check "a save" rename_to "${people[0]}" Audited
eq "… is a line of it" "hownow/users/$(basename "${people[0]}") POST ok" \
    "$(t tail -n 1 "$control/audit.jsonl" | jq -r '"\(.path) \(.method) \(.verdict)"')"
eq "… by whom" "$(id -u) cp" "$(t tail -n 1 "$control/audit.jsonl" | jq -r '"\(.uid) \(.command)"')"
eq "who opened it before reads what there was then" 0 "$(wc -c <&3)"
exec 3<&-
eq "it is the cache folder's, byte for byte" "$(cat "$CACHE/audit.jsonl")" "$(t cat "$control/audit.jsonl")"
job_over

# ---- what waits ----
fault '{"path": "* /external/v1/users/upsert", "delay_ms": 3000}'
(rename_to "${people[1]}" Waiting) &
saver=$!
waits() { [ "$(t jq length "$control/pending.json")" -ge 1 ]; }
check "pending.json has a save that waits" wait_until 5 waits
like "… by its name" "$(basename "${people[1]}")" "$(t cat "$control/pending.json")"
wait $saver
eq "… until it is over" '[]' "$(job_over; sleep 0.3; t jq -c . "$control/pending.json")"

# ---- what was refused ----
faults_clear
fault '{"path": "* /external/v1/users/upsert", "status": 422, "body": {"error_message": "No more of those"}}'
t jq '.name = "Refused"' "${people[2]}" >"$T/bad.json"
eq "a refused save" EINVAL "$(errno_of save "${people[2]}" <"$T/bad.json")"
n=$(t ls "$control/rejected")
like "stands in rejected/" '^[0-9]+$' "$n"
eq "… with two files" $'document.json\nreason.json' "$(t ls "$control/rejected/$n")"
eq "… its document" Refused "$(t jq -r .name "$control/rejected/$n/document.json")"
eq "… that can be saved again as it is" "$(jq -S . "$T/bad.json")" "$(t jq -S . "$control/rejected/$n/document.json")"
like "… the LMS's words" 'No more of those' "$(t jq -r .reason "$control/rejected/$n/reason.json")"
eq "… and the request" 'POST /external/v1/users/upsert' "$(t jq -r '.request | "\(.method) \(.path)"' "$control/rejected/$n/reason.json")"
eq "the reason doesn't hold the document" null "$(t jq -c .document "$control/rejected/$n/reason.json")"
check "saving it from there" cp "$control/rejected/$n/document.json" "${people[2]}"
job_over
eq "… is a save" Refused "$(state "hownow/users/$(basename "${people[2]}" .json)" | jq -r .name)"
printf '{"name": ' >"$T/half.json"
eq "half a document" EINVAL "$(errno_of save "${people[3]}" <"$T/half.json")"
two() { [ "$(t ls "$control/rejected" | wc -l)" = 2 ]; }
check "stands there too" wait_until 5 two
half=$(t ls "$control/rejected" | sort -n | tail -n 1)
like "… with its reason" . "$(t jq -r .reason "$control/rejected/$half/reason.json")"
eq "… but an empty document: what can't be masked isn't kept" 0 "$(t cat "$control/rejected/$half/document.json" | wc -c)"
eq "a number that isn't there" ENOENT "$(errno_of stat "$control/rejected/99999")"
eq "nor is it a number" ENOENT "$(errno_of stat "$control/rejected/x")"
eq "… or one with a tail" ENOENT "$(errno_of stat "$control/rejected/${n}x")"
check "dropping one" "$LMSFS_BIN" drop "$n" "$MNT"
eq "… takes it away" "$half" "$(t ls "$control/rejected")"
eq "… by name too" ENOENT "$(errno_of read "$control/rejected/$n/reason.json")"
check "tar of all of it" sh -c "tar -C '$control' -cf '$T/control.tar' rejected"
eq "… has the bytes" "$(t cat "$control/rejected/$half/reason.json")" "$(tar -xOf "$T/control.tar" "rejected/$half/reason.json")"
check "rsync of all of it" rsync -a "$control/rejected" "$T/copy/"
check "… is the same" diff -r "$control/rejected" "$T/copy/rejected"
faults_clear

# ---- poll: readable when the job is over ----
polls() { # HOW - prints how it stood at once, and the status when the wait was over
    t 40 python3 - "$1" "$(t readlink -f "$MNT/hownow/jobs/last.json")" <<'PY'
import os, select, sys, json
how, path = sys.argv[1:]
fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
def wait(s):
    if how == "select":
        return bool(select.select([fd], [], [], s)[0])
    if how == "epoll":
        e = select.epoll(); e.register(fd, select.EPOLLIN)
        return bool(e.poll(s))
    p = select.poll(); p.register(fd, select.POLLIN)
    return bool(p.poll(s * 1000))
print(wait(0), wait(0.3), wait(30), json.loads(os.pread(fd, 65536, 0))["status"])
PY
}
i=4
for how in poll select epoll; do
    check "a save with a job" rename_to "${people[$i]}" "Polled $how"
    eq "$how: not readable, and then it is, and over" "False False True completed" "$(polls $how)"
    eq "$how: of a job that is over" "True True True completed" "$(polls $how)"
    i=$((i + 1))
done
check "a save with a job" rename_to "${people[7]}" "Polled by many"
for k in 1 2 3 4 5; do polls poll >"$T/poll$k" & done
wait $(jobs -p | grep -v "^$SANDBOX_PID$")
eq "five that poll one job are all told" "5" "$(cat "$T"/poll[1-5] | grep -c '^False False True completed$')"
check "a save with a job" rename_to "${people[8]}" "Polled and left"
python3 -c "import os,select
p=select.poll(); p.register(os.open('$MNT/hownow/jobs/last.json', os.O_RDONLY | os.O_NONBLOCK)); p.poll(20000)" &
poller=$!
pid_record $poller
sleep 0.5
kill -KILL $poller
wait $poller 2>/dev/null
job_over
check "one that is killed while it polls harms nobody" ls "$users"
eq "a record can be polled as any file" True "$(t python3 -c "import os,select
p=select.poll(); p.register(os.open('${people[0]}', os.O_RDONLY)); print(bool(p.poll(0)))")"

# ---- scratch has a folder of its own ----
echo x >"$users/.scratch"
eq "one folder for this mount" 1 "$(ls "$CACHE/scratch" | wc -l)"
before=$(ls "$CACHE/scratch")
daemon_crash
mount_start
eq "after a crash another, and the old one is gone" 1 "$(ls "$CACHE/scratch" | grep -vcx "$before")"
eq "… and with it the name" ENOENT "$(errno_of stat "$users/.scratch")"

# ---- a backup that can't be written hides nobody ----
file=${people[9]}
t cat "$file" >"$T/whole.json"
rm -r "$CACHE"/scratch/*
like "the backup fails" '^E' "$(errno_of rename "$file" "$file~")"
eq "… and the person is there" "$(cat "$T/whole.json")" "$(t cat "$file")"
check "… in the listing" sh -c "ls '$users' | grep -qx '$(basename "$file")'"
eq "… and no backup" ENOENT "$(errno_of stat "$file~")"
check "… and can be saved" rename_to "$file" "Not hidden"
job_over
eq "… as ever" "Not hidden" "$(state "hownow/users/$(basename "$file" .json)" | jq -r .name)"

# ---- a read-only mount, which never opens ----
remount -o ro
status=$(t cat "$control/status.json")
eq "read-only: status.json" hownow "$(jq -r '.tenants[].name' <<<"$status")"
eq "read-only: its size is exact" "$(t stat -c %s "$control/pending.json")" "$(t cat "$control/pending.json" | wc -c)"
eq "read-only: the audit log" "$(cat "$CACHE/audit.jsonl")" "$(t cat "$control/audit.jsonl")"
eq "read-only: rejected/" "$half" "$(t ls "$control/rejected")"
like "read-only: a reason" . "$(t jq -r .reason "$control/rejected/$half/reason.json")"
check "read-only: after ls -l too" sh -c "ls -lR '$control' && jq -e .tenants '$control/status.json'"
check "the daemon ends well" mount_stop
done_testing
