#!/usr/bin/env bash
# Who waits for a verdict keeps nobody else: not at all in close and fsync, at most lock_wait in rename and unlink, and never in another directory.
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 1
conf_hownow 'trickle = no' 'lock_wait = 2' 'removal_grace = 0'
config_write hownow
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
upsert='* /external/v1/users/upsert'
mapfile -t people < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
for i in 0 1 2 3 4 5 6 7; do
    t cat "${people[$i]}" >"$T/$i.json"
    jq --arg n "Person $i" '.name = $n' "$T/$i.json" >"$T/new$i.json"
done
ls "$MNT/hownow" "$users" "$bin" >/dev/null

slow() { # PATH MS
    faults_clear
    fault "{\"path\": \"$1\", \"delay_ms\": $2}"
}
began() { # JQ-CONDITION - the LMS has the request that is slow
    wait_until 10 eval "[ \"\$(requests '$1')\" -ge 1 ]"
}
still() { # TEXT PID
    check "$1" kill -0 "$2"
}
at_once() { # TEXT CMD… - in less than a second
    within "$1: at once" 0 "$((1 * SLOW))" "$(seconds_of "${@:2}")"
}
same_directory() { # TEXT N - what has to go on meanwhile; N is a person that nobody else writes
    at_once "$1: ls" ls "$users"
    at_once "$1: ls -l" ls -l "$users"
    at_once "$1: reading another" cat "${people[6]}"
    at_once "$1: a name that isn't there" not stat "$users/EXT-nobody.json"
    at_once "$1: a scratch file comes, moves and goes" sh -c "echo x >'$users/.s' && mv '$users/.s' '$users/.r' && rm '$users/.r'"
    at_once "$1: saving another" cp "$T/new$2.json" "${people[$2]}"
    at_once "$1: saving another by rename" sh -c "cp '$T/new$(($2 + 1)).json' '$users/.n' && mv '$users/.n' '${people[$(($2 + 1))]}'"
}

# ---- close ----
requests_clear
slow "$upsert" $((4000 * SLOW))
t 30 cp "$T/new0.json" "${people[0]}" &
saver=$!
began '.path | endswith("/upsert")' || sleep 1
sleep 0.3
same_directory "while close waits" 1
at_once "while close waits: reading the same file" cat "${people[0]}"
still "… and it waits still" $saver
wait $saver
eq "… and then succeeds" 0 $?

# ---- fsync ----
slow "$upsert" $((4000 * SLOW))
t 30 dd if="$T/new3.json" of="${people[3]}" conv=fsync status=none &
saver=$!
sleep 0.5
same_directory "while fsync waits" 4
still "… and it waits still" $saver
wait $saver
eq "… and then succeeds" 0 $?

# ---- rename: the directory's lock is the kernel's, so it ends after lock_wait; other directories have nothing to do with it ----
bounded() { # TEXT CMD…
    within "$1: at most lock_wait" 0 "$(awk -v s="$SLOW" 'BEGIN { print 2 + 1 * s }')" "$(seconds_of "${@:2}")"
}
elsewhere() { # TEXT
    at_once "$1: ls elsewhere" ls "$MNT/hownow/jobs" "$bin" "$MNT"
    at_once "$1: stat elsewhere" stat "$MNT/hownow/jobs/last.json"
    at_once "$1: reading an open directory's file by a descriptor" cat /dev/fd/4
}
exec 4<"${people[6]}"
slow "$upsert" $((7000 * SLOW))
cp "$T/new7.json" "$users/.new7"
errno_of rename "$users/.new7" "${people[7]}" >"$T/renamed" &
saver=$!
sleep 0.5
elsewhere "while a rename waits"
bounded "while a rename waits: ls" ls "$users"
wait $saver
eq "the rename is out of time after lock_wait" ETIMEDOUT "$(cat "$T/renamed")"
check "… lmsfs wait tells the end" "$LMSFS_BIN" wait "${people[7]}"
eq "… and the save went on" "Person 7" "$(state "hownow/users/$(basename "${people[7]}" .json)" | jq -r .name)"
t rm -f "$users/.new7"

# ---- into the bin ----
slow 'PUT *deactivate*' $((7000 * SLOW))
name=$(basename "${people[8]}")
errno_of rename "${people[8]}" "$bin/$name" >"$T/renamed" &
saver=$!
sleep 0.5
at_once "while a move into the bin waits: ls elsewhere" ls "$MNT/hownow/jobs" "$MNT" "$MNT/hownow"
at_once "while a move into the bin waits: reading by a descriptor" cat /dev/fd/4
bounded "while a move into the bin waits: ls" ls "$users"
wait $saver
eq "the move is out of time after lock_wait" ETIMEDOUT "$(cat "$T/renamed")"
check "… lmsfs wait tells the end" "$LMSFS_BIN" wait "$users/$name"
eq "… the person stands in the bin" "$name" "$(t ls "$bin")"

# ---- unlink without a grace ----
slow 'PUT *deactivate*' $((7000 * SLOW))
errno_of unlink "${people[9]}" >"$T/removed" &
saver=$!
sleep 0.5
at_once "while an unlink waits: ls elsewhere" ls "$bin" "$MNT/hownow/jobs" "$MNT"
bounded "while an unlink waits: ls" ls "$users"
wait $saver
eq "the unlink is out of time after lock_wait" ETIMEDOUT "$(cat "$T/removed")"
t "$LMSFS_BIN" wait "${people[9]}" >/dev/null

# ---- lookups that wait: FUSE_PARALLEL_DIROPS, which libfuse 3.14 never asks for ----
faults_clear
fault '{"path": "GET /external/v1/users/*", "delay_ms": 1500, "count": 4}'
began=${EPOCHREALTIME/./}
lookers=()
for i in 1 2 3 4; do
    errno_of stat "$bin/EXT-nobody-$i.json" >"$T/looked$i" &
    lookers+=($!)
done
sleep 0.5
within "while lookups wait: ls of their directory" 0 "$(awk -v s="$SLOW" 'BEGIN { print 0.5 * s }')" "$(seconds_of ls "$bin")"
still "… and they wait still" "${lookers[0]}"
wait "${lookers[@]}"
took=$(((${EPOCHREALTIME/./} - began) / 1000))
within "four lookups wait side by side, not one after another" 1400 $((2900 * SLOW)) $took
eq "… none of them finds anybody" "ENOENT ENOENT ENOENT ENOENT" "$(cat "$T"/looked[1-4] | xargs)"

# ---- a lookup longer than lock_wait ----
faults_clear
fault "{\"path\": \"GET /external/v1/users/*\", \"delay_ms\": $((7000 * SLOW))}"
eq "a lookup is out of time after lock_wait" ETIMEDOUT "$(errno_of stat "$bin/EXT-nobody-9.json")"
faults_clear
exec 4<&-
check "the daemon ends well" mount_stop
done_testing
