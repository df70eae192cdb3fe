#!/usr/bin/env bash
# A save that the API takes in parts: the daemon is killed after the first part's answer, at each step of it, and started again. What
# remains of the save goes out then, once, and nothing is lost.
. tests/lib/lib.sh

LMSFS_BIN=$TESTBIN/lmsfs-hooks
[ -x "$LMSFS_BIN" ] || bail "there is a program with hooks" "$LMSFS_BIN: make tests builds it"
export LMSFS_DIE_FILE=$T/die
sandbox_start --users 20 --job-seconds 0.3
conf_hownow 'trickle = no' 'op_timeout = 5'
config_write hownow
. tests/lib/parts.sh
is() { [ "$(has)" = "$1" ] && [ "$(xattr_of state "$file")" = clean ]; }
dead() { pid_gone "$DAEMON_PID"; }
deletes='.method == "DELETE" and (.path | endswith("/skills"))'

for step in after-answer begun accepted before-cache after-cache; do
    part_first
    check "… is there" wait_until 20 is "$a boss 1"
    part_second
    echo "$step" >"$T/die"
    timeout 20 cp "$T/doc.json" "$file" >/dev/null 2>&1
    check "$step: the daemon died there" wait_until 20 dead
    eq "$step: … the first part had gone out, the second not" 0 "$(requests "$deletes")"
    rm -f "$T/die"
    mount_start
    check "$step: started again, it does the rest" wait_until 30 is "$b pat 2"
    eq "$step: … once" 1 "$(requests "$deletes")"
    eq "$step: … and the file shows it" "[\"EXT-$b\"]" "$(t jq -c '[.skills[].skill_id]' "$file")"
    eq "$step: … for the next" OK "$(t jq '.skills = []' "$file" | errno_of save "$file")"
    check "$step: … all of it is over" wait_until 20 is ""
done
check "it unmounts" mount_stop
done_testing
