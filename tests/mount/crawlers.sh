#!/usr/bin/env bash
# Crawlers: find, grep -r, a file manager, updatedb over everything, the directories of parents included, cause no storm; what can't be had is
# EAGAIN and never an empty directory; and with detail = require no audit passes over people whose detail is missing.
# timeout: 240
. tests/lib/lib.sh

LIMIT=4
sandbox_start --users 150
conf_hownow 'trickle = no' "crawl_limit = $LIMIT" 'list_ttl = 3600' 'record_ttl = 3600'
config_write hownow
mount_start
tenant=$MNT/hownow users=$MNT/hownow/users
begun=$(date +%s)
of_parents='.path | test("^/external/v1/(groups|users)/[^/?]+/")'
details='.path | test("^/external/v1/(users|groups|job_roles|skills)/[^/?]+$")'
bound() { # what so many minutes may cost, so that a slow machine doesn't fail
    echo $((LIMIT * (1 + ($(date +%s) - begun) / 60)))
}

# ---- find: every directory there is ----
t 60 find "$MNT" -ls >"$T/found" 2>"$T/refused"
status=$?
eq "find over everything fails, for it saw not everything" 1 $status
like "… of many directories it says: again later" 'Resource temporarily unavailable' "$(cat "$T/refused")"
eq "… and nothing else is wrong" 0 "$(grep -vc 'Resource temporarily unavailable' "$T/refused")"
within "… everybody is in it" 150 150 "$(grep -c "$users/" "$T/found")"
within "a directory of each person's contents was tried" 140 100000 "$(grep -c assigned-contents "$T/refused")"
# What was shown empty was listed by the LMS and had nothing; what was not listed was refused.
find "$tenant" -mindepth 2 -maxdepth 2 -type d -empty 2>/dev/null | wc -l >"$T/empties"
within "it cost the lists' pages and crawl_limit parents" 1 $((40 + $(bound))) "$(requests)"
within "… of parents no more than that" 1 "$(bound)" "$(requests "$of_parents")"
listed=$(requests "$of_parents")
never_listed() { # each directory of a parent: refused, or asked for
    local dir ok=0 no=0
    for dir in "$tenant"/group-members/* "$tenant"/assigned-contents/*; do
        if t ls "$dir" >"$T/ls" 2>&1; then ok=$((ok + 1)); else no=$((no + 1)); fi
    done
    echo "$ok $no"
}
read -r shown refused < <(never_listed)
within "those that are shown are those that the LMS was asked for" 0 "$(requests "$of_parents")" "$shown"
within "… the others are refused, and not empty" 100 100000 "$refused"
eq "one of them: EAGAIN" EAGAIN "$(errno_of list "$(t find "$tenant/assigned-contents" -mindepth 1 -maxdepth 1 -type d | tail -n 1)")"
within "all that asked for no more than the limit" "$listed" "$(bound)" "$(requests "$of_parents")"

# ---- grep -r, and a file manager that looks into each file ----
before=$(requests)
t 60 grep -rs nowhere-at-all "$tenant" >/dev/null
eq "grep -r over everything is an error too: it didn't see everything" 2 $?
t 60 find "$users" -type f -exec head -c 512 {} + >/dev/null
t 60 sh -c "for f in '$users'/*.json; do head -c 512 \"\$f\" >/dev/null || exit 1; done"
eq "a file manager reads the head of each file" 0 $?
within "… which fetches no more details than the limit" 0 "$(bound)" "$(requests "$details")"
within "all of it together cost so few requests" 0 $((2 * $(bound))) $(($(requests) - before))
t 60 find "$users" -newer "$CONF" >/dev/null
t 60 du -s "$users" >/dev/null
t 60 rsync -an "$users/" "$T/copy/" >/dev/null
within "find -newer, du and rsync -n cost nothing more" 0 $((2 * $(bound))) $(($(requests) - before))

# ---- updatedb is kept out by one line ----
line=$(sed -n 's/.*`\(PRUNEFS = [^`]*\)`.*/\1/p' docs/troubleshooting.md | head -n 1)
like "troubleshooting has the line for updatedb.conf" 'fuse\.lmsfs' "$line"
eq "… with the mount's own type" fuse.lmsfs "$(awk -v at="$MNT" '$5 == at { for (i = 6; $i != "-"; i++); print $(i + 1) }' /proc/self/mountinfo)"
before=$(requests)
mkdir -p "$T/db"
types=${line#*\"}
check "updatedb with it" updatedb -l 0 -U "$T" --prunefs "${types%\"*}" -o "$T/db/locate.db"
eq "… asks for nothing" "$before" "$(requests)"
eq "… finds the files beside the mount" "$CONF" "$(locate -d "$T/db/locate.db" "$CONF")"
eq "… and nobody" "" "$(locate -d "$T/db/locate.db" "$MNT/" | head -n 1)"

# ---- after a minute the next few ----
before=$(requests "$of_parents")
next=$(t find "$tenant/assigned-contents" -mindepth 1 -maxdepth 1 -type d | tail -n 1)
is_listed() { [ "$(errno_of list "$next")" = OK ]; }
check "a minute after the last of them a directory is listed" wait_until 70 is_listed
eq "… for its page" 1 $(($(requests "$of_parents") - before))
eq "… once" OK "$(errno_of list "$next")"
eq "… and is known from then on" 1 $(($(requests "$of_parents") - before))

# ---- detail = require: an audit sees everything or fails ----
mount_stop
rm -rf "$CACHE/cache"
CONF_LINES=()
conf_hownow 'trickle = no' 'crawl_limit = 0' 'detail = require' 'list_ttl = 3600' 'record_ttl = 3600'
config_write hownow
for option in rw ro; do
    mount_start -o $option
    t ls "$users" >/dev/null
    t 60 grep -rl custom_fields "$users" >"$T/matched" 2>"$T/refused"
    eq "$option: grep -r over rows fails" 2 $?
    eq "… for each person whose detail is missing" 150 "$(grep -c 'Resource temporarily unavailable' "$T/refused")"
    eq "… and matches nobody" 0 "$(wc -l <"$T/matched")"
    check "$option: cp -r fails" not cp -r "$users" "$T/copy-$option"
    check "… tar" not tar -cf "$T/$option.tar" -C "$tenant" users
    check "… rsync" not rsync -a "$users/" "$T/rsync-$option/"
    check "… jq" not sh -c "jq -e . '$users'/*.json >/dev/null"
    check "$option: find and ls, which look at names alone, don't" sh -c "find '$users' -type f | wc -l | grep -qx 150"
    mount_stop
done
mount_start -o ro
check "lmsfs fetch brings the details" t 60 "$LMSFS_BIN" fetch "$users"
t 60 grep -rl custom_fields "$users" >"$T/matched" 2>"$T/refused"
eq "… then grep -r is through" 0 $?
eq "… over everybody" 150 "$(wc -l <"$T/matched")"
check "… and so is rsync" t 60 rsync -a "$users/" "$T/all/"
eq "… with everybody's" 150 "$(grep -rl custom_fields "$T/all" | wc -l)"
done_testing
