#!/usr/bin/env bash
# install, mv from elsewhere, cp --remove-destination, tar -x and git checkout unlink a file before they write it. Where a removal isn't
# allowed their unlink begins a save, and what isn't written again returns and says why; anybody else's is refused at once. unlink = rewrite
# makes everybody's a beginning. On HowNow, git with four workers unlinks all of them first: the guard lets none be lost.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 40 --avia-users 10 --job-seconds 0.3
conf_hownow 'trickle = no' 'crawl_limit = 6000'
conf_synap 'trickle = no' 'crawl_limit = 6000'
conf_avia 'trickle = no'
config_write hownow synap avia
mount_start
users=$MNT/synap/users
mapfile -t ids < <(state synap/users | jq -r '[.. | .objectId? // empty][]')
name_of() { state "synap/users/$1" | jq -r '(.user // .).name'; }
sent() { requests_list '(.method != "GET") and (.path != "/token")'; }
git_folder() {
    rm -rf "$T/g" "$T/w"
    git init -q --separate-git-dir "$T/g" "$T/w"
}
git_commit() { git -C "$T/w" add . && git -C "$T/w" -c user.name=x -c user.email=x@example.org commit -qm x; }
git_checkout() { # WORKERS DIR NAME…
    t 60 git -c checkout.workers="$1" -c checkout.thresholdForParallelism=1 --git-dir="$T/g" --work-tree="$2" checkout -f -- "${@:3}"
}
by_install() { t install -m 600 "$T/new.json" "$file"; }
by_mv() { t mv "$T/new.json" "$file"; }
by_cp_remove() { t cp --remove-destination "$T/new.json" "$file"; }
by_tar() { mkdir -p "$T/tar" && cp "$T/new.json" "$T/tar/$key.json" && tar -C "$T/tar" -c "$key.json" | t tar -C "$users" -x; }
by_git() { git_folder && cp "$T/new.json" "$T/w/$key.json" && git_commit && git_checkout 1 "$users" "$key.json"; }
next=0
person() { # VALUE - the next one, and $T/new.json with that name
    id=${ids[$next]} key=ID-${ids[$next]} file=$users/ID-${ids[$next]}.json
    next=$((next + 1))
    t stat "$file" >/dev/null
    t jq --arg v "$1" '.name = $v' "$file" >"$T/new.json"
}

# ---- by default ----
for by in install mv cp_remove tar git; do
    person "By $by"
    requests_clear
    check "$by, where nobody may be removed" by_$by
    eq "… is one upsert, and nothing else is sent" "PATCH /users/$id 204" "$(sent)"
    eq "… the LMS has it" "By $by" "$(name_of "$id")"
    eq "… and the file" "By $by" "$(t jq -r .name "$file")"
done
users=$MNT/avia/groups
group=$(state avia/groups | jq '[.groups[] | select(.users | length > 0)][0].ID')
key=ID-$group file=$users/ID-$group.json
members() { state avia/groups | jq -c --argjson id "$group" '[.groups[] | select(.ID == $id) | .users[].ssn] | sort'; }
t ls "$users" >/dev/null
for by in install mv cp_remove tar git; do
    t jq --argjson all "$(state avia/users | jq -c '[.users[].ssn]')" '.group_users += [($all - .group_users)[0]]' "$file" >"$T/new.json"
    cp "$T/new.json" "$T/wanted.json"
    requests_clear
    check "$by of a group, which AVIA can't remove" by_$by
    eq "… is one save" 1 "$(requests '(.method != "GET") and (.path != "/token")')"
    eq "… and the LMS has the member" "$(jq -c '.group_users | sort' "$T/wanted.json")" "$(members)"
done
users=$MNT/synap/users
requests_clear
files=()
git_folder
for i in $(seq 1 15); do
    person "Git $i"
    cp "$T/new.json" "$T/w/$key.json"
    files+=("$key.json")
done
git_commit
check "git checkout of fifteen with four workers: more than max_removals" git_checkout 4 "$users" "${files[@]}"
eq "… are fifteen PATCHes" "15 PATCH" "$(sent | cut -d ' ' -f 1 | sort | uniq -c | xargs)"
like "… the guard has nothing to say" '"guard_tripped": *false' "$(t "$LMSFS_BIN" status --json "$MNT" | tr '\n' ' ')"

fails() { ! t "$@" >"$T/said" 2>&1; }
refused() { # TEXT CMD… - EPERM, the person stays, nothing is sent
    local text=$1 before
    shift
    before=$(t cat "$file")
    requests_clear
    check "$text is refused" fails "$@"
    like "… at once" 'not permitted' "$(cat "$T/said")"
    eq "… the person is as before" "$before" "$(t cat "$file")"
    eq "… nothing waits" 0 "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')"
    eq "… nothing of it was sent" "" "$(sent)"
}
person "Stays"
refused "rm" rm -f "$file"
refused "a script's unlink" python3 -c 'import os, sys; os.unlink(sys.argv[1])' "$file"
refused "find -delete" find "$file" -delete
refused "mv out of the tenant" mv "$file" "$T/moved.json"
refused "tar --remove-files" tar -C "$users" -c "$key.json" --remove-files -f "$T/out.tar"

never_written() { # WORDS CMD…
    local words=$1 text
    shift
    text=$(t cat "$file")
    requests_clear
    check "$1 that only unlinks begins a save, and says nothing yet" t "$@"
    eq "… the name is gone" ENOENT "$(errno_of stat "$file")"
    like "… pending has it" '"what": *"rewrite"' "$(t "$LMSFS_BIN" pending --json "$MNT" | tr '\n' ' ')"
    check "… lmsfs wait tells the end" fails "$LMSFS_BIN" wait "$file"
    like "… with the reason" "$words" "$(cat "$T/said")"
    check "… the person returns" wait_until 20 test -e "$file"
    eq "… as before" "$text" "$(t cat "$file")"
    like "… why says so" "$words" "$(t "$LMSFS_BIN" why "$file")"
    like "… rejected/ has it" "$words" "$(t "$LMSFS_BIN" rejected "$MNT")"
    like "… audit.jsonl too" '"verdict":"EPERM"' "$(grep 'not written again' "$CACHE/audit.jsonl" | tail -n 1)"
    eq "… and nothing was sent" "" "$(sent)"
    t "$@"
    daemon_crash
    mount_start
    check "it returns after a crash too" wait_until 20 test -e "$file"
    eq "… and nothing was sent" "" "$(sent)"
}
person "Cleaned"
git_folder
cp "$T/new.json" "$T/w/other.json"
git_commit
never_written 'only where allow_delete names users' git --git-dir="$T/g" --work-tree="$users" clean -fq -- "$key.json"

# ---- unlink = rewrite ----
sed -i '/^\[synap\]/a unlink = rewrite' "$CONF"
sed -i '/^\[avia\]/a unlink = rewrite' "$CONF"
remount
by_script() { t python3 -c 'import os, shutil, sys; os.unlink(sys.argv[2]); shutil.copyfile(*sys.argv[1:])' "$T/new.json" "$file"; }
person "By a script"
requests_clear
check "a script that unlinks and writes, with unlink = rewrite" by_script
eq "… is one upsert, and nothing else is sent" "PATCH /users/$id 204" "$(sent)"
eq "… the LMS has it" "By a script" "$(name_of "$id")"
person "Never written"
never_written 'unlink = rewrite removes nothing' rm "$file"
sed -i 's/^unlink = rewrite/unlink = deny/' "$CONF"
remount
person "Denied"
refused "mv into the tenant, with unlink = deny," mv "$T/new.json" "$file"
refused "rm, with unlink = deny," rm -f "$file"
file=$MNT/avia/users/ID-3.json
t ls "$MNT/avia/users" >/dev/null
refused "rm of somebody who could be suspended" rm -f "$file"
file=$users/$key.json
not_mv() { ! t mv "$T/new.json" "$file" 2>/dev/null; }
check "mv fails" not_mv
check "… and keeps what it could not move" test -s "$T/new.json"
check "cp works" t cp "$T/new.json" "$file"
eq "… is one save" "PATCH /users/$id 204" "$(sent)"
person "By tar"
cp "$T/new.json" "$T/$key.json"
check "the way to do it: tar --overwrite" sh -c "tar -C '$T' -c '$key.json' | tar -C '$users' -x --overwrite"
eq "… is one save" "By tar" "$(name_of "$id")"
person "From git"
git_folder && cp "$T/new.json" "$T/w/$key.json" && git_commit
check "… for git too: git archive into it" sh -c "git --git-dir='$T/g' archive HEAD '$key.json' | tar -C '$users' -x --overwrite"
eq "… is one save" "From git" "$(name_of "$id")"
sed -i 's/^unlink = deny/unlink = rewrite/' "$CONF"
remount

bin=$MNT/avia/deactivated-users
t ls "$MNT/avia/users" >/dev/null
check "AVIA: mv into the bin means what it says all the same" mv "$MNT/avia/users/ID-3.json" "$bin/"
eq "… the person is suspended" true "$(state avia/users/ID-3 | jq .suspended)"
eq "… and rm in the bin is EPERM" EPERM "$(errno_of unlink "$bin/ID-3.json")"

# ---- git on HowNow, with the defaults: all are unlinked before the first is written ----
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
mapfile -t people < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | head -n 30 | xargs -n 1 basename)
everybody=$(t ls "$users")
[ ${#people[@]} = 30 ] || bail "there are thirty people"
thirty() { # VALUE
    local name
    git_folder
    for name in "${people[@]}"; do t jq --arg v "$1" '.name = $v' "$users/$name" >"$T/w/$name"; done
    git_commit
}
names() { for name in "${people[@]}"; do state "hownow/users/${name%.json}" | jq -r .name; done | sort | uniq -c | sort -rn; }
out='.path | test("/(deactivate|reactivate|delete)$")'
upserts='.path == "/external/v1/users/upsert"'
pending() { t "$LMSFS_BIN" pending --json "$MNT" | jq "[.pending[] | select($1)] | length"; }
jobs_over() { [ "$(state hownow/jobs | jq '[.jobs[] | select(.status == "in_progress")] | length')" = 0 ]; }
none_pending() { [ "$(pending true)" = 0 ]; }
thirty "One worker"
requests_clear
check "git checkout of thirty people, one worker: thirty removals, each taken back" git_checkout 1 "$users" "${people[@]}"
eq "… thirty upserts" 30 "$(requests "$upserts")"
check "… nothing waits" wait_until 30 none_pending
check "… the LMS is through with their jobs" wait_until 30 jobs_over
eq "… all of them there" "30 One worker" "$(names | xargs)"
thirty "Four workers"
requests_clear
not_git() { ! git_checkout 4 "$users" "${people[@]}" 2>"$T/said"; }
check "git checkout of thirty people, four workers: fails" not_git
eq "… and names the twenty that the guard kept from it" 20 "$(grep -c 'unable to unlink old .*quota' "$T/said")"
eq "… ten were saved" 10 "$(requests "$upserts")"
like "… lmsfs status says that the guard has tripped" '"guard_tripped": *true' "$(t "$LMSFS_BIN" status --json "$MNT" | tr '\n' ' ')"
check "… nothing waits, no removal among it" wait_until 30 none_pending
eq "… nobody was deactivated" 0 "$(requests "$out")"
eq "… everybody is listed" "$everybody" "$(t ls "$users")"
eq "… nobody in the bin" "" "$(t ls "$bin")"
check "… the LMS is through with their jobs" wait_until 30 jobs_over
eq "… the LMS has ten new names" "20 One worker 10 Four workers" "$(names | xargs)"
check "lmsfs drop, and one worker does the rest" "$LMSFS_BIN" drop "$MNT"
check "… git checkout" git_checkout 1 "$users" "${people[@]}"
check "… it comes to rest" wait_until 30 none_pending
eq "… thirty upserts in all, for what is there is not sent again" 30 "$(requests "$upserts")"
check "… and so do the LMS's jobs" wait_until 30 jobs_over
eq "… all of them there" "30 Four workers" "$(names | xargs)"
eq "… and nobody was deactivated" 0 "$(requests "$out")"

# ---- removals that the guard holds, and then unlink = rewrite ----
requests_clear
for name in "${people[@]:0:12}"; do t rm -f "$users/$name" 2>/dev/null; done
ten_held() { [ "$(pending '.phase == "held"')" = 10 ]; }
check "twelve removals: ten are held" wait_until 30 ten_held
sed -i '/^\[hownow\]/a unlink = rewrite' "$CONF"
remount
all_back() { [ "$(t ls "$users")" = "$everybody" ]; }
check "with unlink = rewrite they return" wait_until 30 all_back
t "$LMSFS_BIN" release "$MNT" >/dev/null
eq "… lmsfs release has none to send" "0 0" "$(pending true) $(requests "$out")"
check "the daemon ends well" mount_stop
done_testing
