#!/usr/bin/env bash
# A listing is whole, and reading what is known asks nobody: 10,000 people.
# timeout: 300
. tests/lib/lib.sh

sandbox_start --users 10000
conf_hownow 'trickle = no' 'crawl_limit = 0'
config_write hownow
mount_start
users=$MNT/hownow/users

eq "H2 ls shows everybody" 10000 "$(t 60 ls "$users" | wc -l)"
eq "… for exactly ceil(N/100) list requests" 100 "$(requests '.path | test("^/external/v1/users\\?")')"
eq "H1 … and one token request" 1 "$(requests '.path == "/token"')"
eq "… and nothing else" 101 "$(requests)"

check "find, after it" find "$users" -type f -size -4k -name 'EXT-*'
eq "ls -l sees sizes and times" 10000 "$(t 60 ls -l "$users" | grep -c '^-rw-------')"
eq "grep -rc . reads every file" 10000 "$(t 60 grep -rc . "$users" | grep -vc ':0$')"
eq "du reads the sizes" OK "$(t du -s "$users" >/dev/null && echo OK)"
eq "none of them made a request" 101 "$(requests)"

check "jq accepts every file" sh -c "find '$users' -name '*.json' -print0 | xargs -0 jq -e . >/dev/null"
check "st_size is what reading gives" sh -c "find '$users' -name '*0.json' -printf '%s %p\n' | head -n 300 |
    while read -r size path; do [ \"\$(wc -c <\"\$path\")\" = \"\$size\" ] || { echo \"\$path\"; exit 1; }; done"
check "every name is canonical: nobody is listed twice" sh -c "[ -z \"\$(ls '$users' | sort | uniq -d)\" ] && ! ls '$users' | grep -q '^EMAIL-'"
like "the directory says that its listing is complete" '^complete 20' "$(xattr_of listing "$users")"

check "cp -a takes a copy" cp -a "$users" "$T/a"
t find "$users" -printf '%f %i %s %T@\n' | sort >"$T/before"
remount
t find "$users" -printf '%f %i %s %T@\n' | sort >"$T/after"
eq "inode numbers, sizes and times are the same after a remount" "$(grep -v '^users ' "$T/before" | md5sum)" "$(grep -v '^users ' "$T/after" | md5sum)"
check "cp -a takes another copy" cp -a "$users" "$T/b"
check "they are the same" diff -r "$T/a" "$T/b"
eq "rsync sees no difference" "" "$(t 60 rsync -a --dry-run -i "$users/" "$T/a/" | grep -v '/$')"

# ---- what is asked of the daemon on a fresh mount: attributes come with the names for those who want them ----
operations() { t sed -n "s/.*operations_total{op=\"$1\"} //p" "$MNT/.lmsfs/metrics" | awk '{ print int($1) }'; }
freshly() { remount && t 60 "$@" >"$T/shown"; }
for cmd in "find $users -size -4k" "du -s $users" "ls -l $users" "rsync -an $users/ $T/a/"; do
    # shellcheck disable=SC2086
    check "${cmd%% *} on a fresh mount" freshly $cmd
    within "… looks few of ten thousand names up" 0 600 "$(operations lookup)"
done
check "ls -U on a fresh mount" freshly ls -U "$users"
stat_last() { t stat -c %n "$users/$(tail -n 1 "$T/shown")" >/dev/null; }
before=$(operations lookup)
check "… has no inode made of each" stat_last
within "… so the last one is looked up when it is wanted" $((before + 1)) $((before + 3)) "$(operations lookup)"
eq "and the remounts asked nobody" 101 "$(requests)"
done_testing
