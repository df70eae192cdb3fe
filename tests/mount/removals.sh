#!/usr/bin/env bash
# rm waits for its grace in the bin, can be taken back from there, and never empties a tenant: the grace, the bin and the guard.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 0.3
conf_hownow 'trickle = no' 'removal_grace = 20'
config_write hownow
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json >"$T/people"
everybody=$(t ls "$users")
somebody() { sed -n "$1p" "$T/people"; }
out='.path | test("/(deactivate|reactivate|delete)$")'
pending() { t "$LMSFS_BIN" pending --json "$MNT" | jq -r '[.. | objects | .phase? // empty] | join(" ")'; }
nothing_pending() { [ -z "$(pending)" ]; }
audited() { grep -c "$1" "$CACHE/audit.jsonl"; }
with_grace() { # SECONDS [CONF-LINE…] - the mount anew
    mount_stop || bail "unmounting"
    sed -i "s/^removal_grace = .*/removal_grace = $1/" "$CONF"
    mount_start
}

# ---- in its grace a person stands in the bin, and is taken back from there ----
file=$(somebody 1) name=$(basename "$(somebody 1)")
t cat "$file" >"$T/before.json"
before=$(cat "$T/before.json")
requests_clear
ls "$bin" >/dev/null
check "rm of a person" rm "$file"
eq "the name is gone" ENOENT "$(errno_of stat "$file")"
eq "… and not listed" "" "$(t ls "$users" | grep -Fx "$name")"
eq "while in its grace the person stands in the bin" "$name" "$(t ls "$bin")"
eq "… and reads as before" "$before" "$(t cat "$bin/$name")"
eq "… with the inode it had" "$name" "$(t basename "$(find "$bin" -mindepth 1 -inum "$(stat -c %i "$bin/$name")")")"
eq "… by its other name too" "$name" "$(t readlink "$bin/ID-$(jq -r ._readonly.id <<<"$before").json")"
eq "nobody is changed in the bin" EPERM "$(errno_of write "$bin/$name" <<<'{"name": "Bin"}')"
eq "rm there is for good: not without leave" EPERM "$(errno_of unlink "$bin/$name")"
eq "lmsfs pending shows it" grace "$(pending)"
check "mv out of the bin takes it back" mv "$bin/$name" "$users/"
eq "… nothing waits to be sent" "" "$(pending)"
eq "… the person is back" "$before" "$(t cat "$file")"
eq "… the bin is empty" "" "$(t ls "$bin")"
eq "… everybody is listed" "$everybody" "$(t ls "$users")"
eq "… which is audited" 1 "$(audited 'removal taken back')"
check "rm again" rm "$file"
check "creating the name takes it back too" sh -c "cat '$T/before.json' >'$file'"
eq "… nothing waits to be sent" "" "$(pending)"
eq "… the person is there as before" "$before" "$(t cat "$file")"
check "rm once more" rm "$file"
check "a rename onto it as well" sh -c "cat '$T/before.json' >'$users/.x' && mv '$users/.x' '$file'"
eq "… nothing waits to be sent" "" "$(pending)"
for i in $(seq 15); do rm "$file" && t mv "$bin/$name" "$users/"; done
eq "what was taken back doesn't count: fifteen times and no guard" "$everybody" "$(t ls "$users")"

# ---- a draft that comes to nothing: the person simply returns ----
check "rm, then an empty file" sh -c "rm '$file'; : >'$file'"
eq "… the person returns" "$before" "$(t cat "$file")"
check "rm, then half a document" sh -c "rm '$file'; printf '{\"name\": ' >'$file' || true"
eq "… the person returns" "$before" "$(t cat "$file")"
rm "$file"
eq "rm, then a document that is refused" EINVAL "$(jq '.user_type = "Emperor"' <<<"$before" | errno_of save "$file")"
eq "… the person returns" "$before" "$(t cat "$file")"
check "rm, then a rename of what is no document" sh -c "rm '$file'; echo '[1' >'$users/.x'; ! mv '$users/.x' '$file'; rm -f '$users/.x'"
eq "… the person returns" "$before" "$(t cat "$file")"
eq "nothing at all was sent, and nothing waits" " 0" "$(pending) $(requests '(.method != "GET") and (.path != "/token")')"

# ---- the content follows later than the grace ----
with_grace 1
requests_clear
slow=$(somebody 2) name=$(basename "$(somebody 2)")
mkdir "$T/tar" && t jq '.name = "Came late"' "$slow" >"$T/tar/$name"
tar -b 1 -C "$T/tar" -cf "$T/late.tar" "$name"
{ head -c 1024 "$T/late.tar"; sleep 2.5; tail -c +1025 "$T/late.tar"; } | t tar -b 1 -C "$users" -xf - 2>"$T/tar.err"
eq "tar -x that is slower than the grace" 0 $? || note <"$T/tar.err"
t python3 - "$slow" "$T/tar/$name" <<'PY'
import os, sys, time
name, text = sys.argv[1], open(sys.argv[2]).read().replace("Came late", "Came later")
os.unlink(name)
with open(name, "w") as f:
    f.write(text[:100]); f.flush(); time.sleep(2.5); f.write(text[100:])
PY
eq "unlink, create, and a pause longer than the grace" 0 $?
eq "… are two upserts and no removal" "Came late Came later" "$(requests_bodies '.path | endswith("/upsert")' | jq -r .name | xargs)"
eq "… nothing else was sent" 0 "$(requests "$out")"

# ---- too late to take back: it follows ----
late=$(somebody 3) name=$(basename "$(somebody 3)") key=$(basename "$(somebody 3)" .json)
requests_clear
fault "{\"path\": \"PUT */deactivate\", \"delay_ms\": 2000, \"count\": 1}"
check "rm, and nobody takes it back" rm "$late"
check "… the request goes out after the grace" wait_until 10 eval "[ \"\$(requests '$out')\" = 1 ]"
check "mv out of the bin waits for its end" mv "$bin/$name" "$users/"
eq "… and brings the person back" Active "$(state "hownow/users/$key" | jq -r .status)"
eq "… by a deactivation and a reactivation" "deactivate reactivate" "$(requests_list "$out" | sed 's/.*\///; s/ .*//' | xargs)"
check "… who stands there" test -e "$late"
late=$(somebody 24) name=$(basename "$(somebody 24)") key=$(basename "$(somebody 24)" .json)
requests_clear
fault '{"path": "PUT */deactivate", "delay_ms": 8000, "count": 1}'
check "rm once more" rm "$late"
check "… and its request is slow" wait_until 10 eval "[ \"\$(requests '$out')\" = 1 ]"
eq "mv out of the bin is out of time after lock_wait" ETIMEDOUT "$(errno_of rename "$bin/$name" "$late")"
check "… and goes on" wait_until 20 eval "[ \"\$(requests '$out')\" = 2 ]"
check "… until the person is back" wait_until 20 test -e "$late"
eq "… in the LMS too" Active "$(state "hownow/users/$key" | jq -r .status)"

# ---- whatever is told to empty the tenant ----
with_grace 3
check "lmsfs drop lets the guard begin anew" "$LMSFS_BIN" drop "$MNT"
everybody=$(t ls "$users")
massacre() { # TEXT CMD…
    local text=$1
    shift
    requests_clear
    timeout $((60 * SLOW)) "$@" >"$T/said" 2>&1 </dev/null
    eq "$text fails" yes "$([ $? != 0 ] && grep -q . "$T/said" && echo yes)"
    like "… and says why" 'quota|Quota' "$(cat "$T/said")"
    like "… lmsfs status says that the guard has tripped" '"guard_tripped": *true' "$(t "$LMSFS_BIN" status --json "$MNT")"
    like "… lmsfs why too" 'max_removals' "$(t "$LMSFS_BIN" why "$users/$(t ls "$users" | tail -n 1)")"
    check "… what was in its grace is held" wait_until 20 eval '[ "$(pending)" = "held held held held held held held held held held" ]'
    eq "… those ten stand in the bin" 10 "$(t ls "$bin" | wc -l)"
    eq "… nothing was sent" 0 "$(requests '(.method != "GET") and (.path != "/token")')"
    check "lmsfs drop takes them back" "$LMSFS_BIN" drop "$MNT"
    eq "… everybody is there" "$everybody" "$(t ls "$users")"
    eq "… and nobody in the bin" "" "$(t ls "$bin")"
}
massacre "rm -rf of the tenant, under the default settings," rm -rf "$MNT/hownow"
eq "the trip is audited" 1 "$(audited 'guard')"
massacre "find -delete" find "$users" -type f -delete
mkdir "$T/few" && cp "$users/$(head -n 1 <<<"$everybody")" "$T/few/"
massacre "rsync --delete" rsync -r --delete --size-only "$T/few/" "$users/"
git init -q --bare "$T/git"
massacre "git clean" git --git-dir="$T/git" --work-tree="$users" -c core.bare=false clean -fdxq

# ---- over a restart ----
for i in 4 5; do rm "$(somebody $i)"; done
for i in $(seq 20 30); do errno_of unlink "$(somebody 6 | xargs dirname)/$(sed -n "${i}p" <<<"$everybody")" >/dev/null; done
check "removals, the guard tripped" wait_until 20 eval '[ "$(pending | tr " " "\n" | grep -c held)" = 10 ]'
with_grace 3
eq "are held over a restart" 10 "$(pending | tr ' ' '\n' | grep -c held)"
eq "… in the bin" 10 "$(t ls "$bin" | wc -l)"
eq "… and refuse what follows" EDQUOT "$(errno_of unlink "$(somebody 7)")"
check "lmsfs drop" "$LMSFS_BIN" drop "$MNT"
eq "nobody was deactivated" "" "$(requests_list "$out")"
with_grace 20
rm "$(somebody 8)"
mount_stop
mount_start
eq "a grace goes on over a restart" grace "$(pending)"
eq "… in the bin" "$(basename "$(somebody 8)")" "$(t ls "$bin")"
check "… and is taken back" mv "$bin/$(basename "$(somebody 8)")" "$users/"

# ---- ten deliberate removals an hour ----
with_grace 1
requests_clear
leavers=()
for i in $(seq 10 19); do leavers+=("$(basename "$(somebody $i)")"); done
for name in "${leavers[@]}"; do state "hownow/users/${name%.json}" | jq -c '[.external_user_id, .manager_id, .manager.id?]'; done >"$T/managers"
for name in "${leavers[@]}"; do t rm "$users/$name" || echo "$name" >>"$T/not"; done
check "ten people leave" test ! -e "$T/not"
in_bin() { [ "$(t ls "$bin" | sort)" = "$(printf '%s\n' "${leavers[@]}" | sort)" ]; }
check "… it comes to its end" wait_until 30 nothing_pending
eq "… with ten deactivations" 10 "$(requests "$out")"
check "… they stand in the bin" in_bin
eq "the eleventh is refused" EDQUOT "$(errno_of unlink "$(somebody 9)")"
check "mv brings all of them back" sh -c "mv '$bin'/*.json '$users/'"
eq "… the bin is empty" "" "$(t ls "$bin")"
managers() { for name in "${leavers[@]}"; do state "hownow/users/${name%.json}" | jq -c '[.external_user_id, .manager_id, .manager.id?]'; done; }
same_managers() { [ "$(managers)" = "$(cat "$T/managers")" ]; }
wait_until 20 same_managers
eq "… and their managers with them" "$(cat "$T/managers")" "$(managers)"
eq "… of whom there are some" yes "$(managers | grep -v 'null,null' | grep -q . && echo yes)"
eq "… all are active" 10 "$(for name in "${leavers[@]}"; do state "hownow/users/${name%.json}" | jq -r .status; done | grep -c 'Active\|Invited')"
check "the daemon ends well" mount_stop
done_testing
