#!/usr/bin/env bash
# A save is accepted and its job fails afterwards: `lmsfs why FILE` has the LMS's words, the request's method and path, the time and the
# job; as soon as the job is over, in a later run of the daemon, and when the job failed while none ran.
. tests/lib/lib.sh

sandbox_start --users 30 --learningpool-users 3 --job-seconds 0.3
conf_hownow 'trickle = no'
config_write hownow learningpool
mount_start
mark() { # STATE FILE
    [ "$(xattr_of state "$2")" = "$1" ]
}
why() { t "$LMSFS_BIN" why "$@"; }
seconds_at() { date -u -d "$1" +%s; }

# tells TEXT FILE WORDS METHOD PATH JOB - what `why` says, to people and to programs; began is when the save was begun
tells() {
    local said shown n
    said=$(why "$2") shown=$(why --json "$2")
    like "$1: why has the LMS's words" "$3" "$said"
    like "… its errno" '(failed|refused) .EINVAL.' "$said"
    like "… method and path" "request: $4 $5" "$said"
    like "… the time" 'at 20[0-9-]{8}T[0-9:]{8}Z, ' "$said"
    like "… the job" "job: $6" "$said"
    n=$(jq -r .n <<<"$shown")
    like "… and where the document is kept" "number $n of .lmsfs rejected" "$said"
    eq "$1: the same for programs" "[\"EINVAL\",\"$4\",\"$5\",\"$6\"]" "$(jq -c '[.errno, .request.method, .request.path, .job]' <<<"$shown")"
    within "… the time is the failure's" "$began" "$ended" "$(seconds_at "$(jq -r .at <<<"$shown")")"
    eq "… and rejected/ has method, path and job beside the document" "[\"$4\",\"$5\",\"$6\"]" \
        "$(t jq -c '[.request.method, .request.path, .job]' "$MNT/.lmsfs/rejected/$n/reason.json")"
}
is_held() { # TEXT FILE WORDS METHOD PATH JOB - before and after the daemon's end, by whatever end
    tells "$@"
    remount
    tells "$1, after a restart" "${@:2}"
    daemon_crash
    mount_start
    tells "$1, after a crash" "${@:2}"
}
fails() { # FILE DOCUMENT - a save that is accepted and whose job fails; sets job, began and ended
    began=$(date +%s)
    eq "the save is accepted" OK "$(errno_of save "$1" <<<"$2")"
    job=$(xattr_of job "$1")
    like "… and has a job" '^[0-9A-Za-z-]+$' "$job"
    check "… which fails" wait_until 30 mark failed "$1"
    ended=$(date +%s)
}

# ---- HowNow ----
users=$MNT/hownow/users
file=$(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | head -n 1)
jobs_change '{"fail_next": "Seat limit has been reached"}' >/dev/null
fails "$file" '{"name": "No Seat"}'
is_held "HowNow" "$file" 'Seat limit has been reached' POST /external/v1/users/upsert "$job"
check "a save that is accepted later" sh -c "sleep 1; echo '{\"name\": \"A Seat\"}' >'$file'"
check "… and completed" wait_until 30 mark clean "$file"
like "… makes it history" 'nothing was refused' "$(why "$file")"

# ---- Learning Pool: a PATCH of the person, whose job fails ----
pool=$MNT/learningpool/users/EXT-EMP7.json
eq "Learning Pool: a person" OK "$(errno_of save "$pool" <<<'{"username": "ada.fenn", "firstName": "Ada", "lastName": "Fenn", "email": "ada@example.org"}')"
check "… is there" wait_until 30 mark clean "$pool"
sandbox_post learningpool/jobs '{"fail_next": "The given data was invalid : {}"}' >/dev/null
fails "$pool" '{"lastName": "Fenwick"}'
is_held "Learning Pool" "$pool" 'The given data was invalid' PATCH /users/EMP7 "$job"

# ---- a job that fails while no daemon runs ----
jobs_change '{"seconds": 2, "fail_next": "Not in this tenant"}' >/dev/null
began=$(date +%s)
eq "a save is accepted" OK "$(errno_of save "$file" <<<'{"name": "Nobody Looks"}')"
job=$(xattr_of job "$file")
daemon_crash
job_failed() { state hownow/jobs | jq -e --arg id "$job" ".jobs[] | select(.job_id == \$id and .status == \"failed\")"; }
check "its job fails while no daemon runs" wait_until 30 job_failed
mount_start
check "the next start finds that out" wait_until 30 mark failed "$file"
ended=$(date +%s)
tells "found out by the next start" "$file" 'Not in this tenant' POST /external/v1/users/upsert "$job"
check "the daemon ends well" mount_stop
done_testing
