#!/usr/bin/env bash
# Details: which reader gets them, and that a crawl doesn't.
. tests/lib/lib.sh

sandbox_start --users 300
conf_hownow 'trickle = no' 'crawl_limit = 5'
config_write hownow
mount_start
users=$MNT/hownow/users
t ls "$users" >/dev/null
one=$(t ls "$users" | sed -n 20p)
size_of_row=$(t stat -c %s "$users/$one")
requests_clear
like "H3 cat fetches the detail of one person" custom_fields "$(t cat "$users/$one")"
eq "… with one request" 1 "$(requests '.path | test("^/external/v1/users/")')"
t cat "$users/$one" >/dev/null
eq "… and not again" 1 "$(requests)"
eq "the detail's size is exact" "$(t cat "$users/$one" | wc -c)" "$(t stat -c %s "$users/$one")"
within "… and another than the row's" 1 100000 "$(($(t stat -c %s "$users/$one") - size_of_row))"
eq "user.lms.detail says that it is complete" complete "$(xattr_of detail "$users/$one")"
requests_clear
t grep -r custom_fields "$users" >/dev/null
within "grep -r over everybody fetches at most crawl_limit details" 0 5 "$(requests)"
requests_clear
t find "$users" -newermt 2000-01-01 >/dev/null
t ls -lR "$MNT/hownow/users" >/dev/null
eq "ls -lR asks nobody" 0 "$(requests)"

id=$(t jq ._readonly.id "$users/$one")
email=$(t jq -r .email "$users/$one")
eq "the ID- name is a link to the canonical one" "$one" "$(t readlink "$users/ID-$id.json")"
eq "the EMAIL- name too" "$one" "$(t readlink "$users/EMAIL-$email.json")"
eq "both read as the person" "$email" "$(t jq -r .email "$users/EMAIL-$email.json")"
requests_clear
eq "a name that a complete listing lacks is ENOENT" ENOENT "$(errno_of read "$users/EXT-nobody.json")"
eq "… and asks nobody" 0 "$(requests)"

requests_clear
eq "lmsfs fetch of a directory brings all details" OK "$(t "$LMSFS_BIN" fetch "$users" >"$T/fetched" && echo OK)"
like "… and says how many" 'fetched: [12][0-9][0-9]' "$(cat "$T/fetched")"
details=$(xattr_of detail "$users")
eq "… which is everybody" "${details##* }" "${details%% *}"
within "… each with one request" 100 299 "$(requests)"
requests_clear
check "… and not again" t "$LMSFS_BIN" fetch "$users"
eq "… for that asks nobody" 0 "$(requests)"
check "what has no details to be fetched says so" not "$LMSFS_BIN" fetch "$MNT/hownow/jobs"

CONF_LINES=()
conf_hownow "detail = require" "crawl_limit = 0" "trickle = no"
mount_stop
rm -rf "$CACHE/cache"
config_write hownow
mount_start
t ls "$users" >/dev/null
row=$(t ls "$users" | sed -n 200p)
eq "detail = require: reading a row is EAGAIN" EAGAIN "$(errno_of read "$users/$row")"

for dir in job-roles groups skills; do
    check "$dir: every file is JSON" sh -c "[ \$(ls '$MNT/hownow/$dir' | wc -l) -gt 5 ]"
done
done_testing
