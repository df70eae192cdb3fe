#!/usr/bin/env bash
# HowNow through somebody's eyes: act_as is X-User-Id, another's listing is another listing, and who is no Admin sees a part.
. tests/lib/lib.sh

sandbox_start --users 60
find_type() { # TYPE - the first active one of them who is not ID-1
    for i in $(seq 2 60); do
        [ "$(state "hownow/users/ID-$i" | jq -r '.user_type + .status')" = "$1Active" ] && echo "$i" && return
    done
}
manager=$(find_type Manager)
[ -n "$manager" ] || bail "there is a manager among the invented people"
eyes() { # ACT_AS - mounts anew as seen by them
    ! mounted || mount_stop
    CONF_LINES=()
    conf_hownow 'trickle = no' ${1:+"act_as = $1"}
    config_write hownow
    mount_start
}
users=$MNT/hownow/users

eyes ""
all=$(t ls "$users" | wc -l)
like "without act_as the listing is complete" '^complete 20' "$(xattr_of listing "$users")"
ext=$(t readlink "$users/ID-$manager.json")

eyes "ID-$manager"
requests_clear
some=$(t ls "$users" | wc -l)
eq "act_as goes with each request as X-User-Id" "ID-$manager" "$(sandbox_curl requests | jq -r '[.requests[] | select(.path != "/token") | .user] | unique | join(",")')"
check "a manager sees fewer people" test "$some" -lt "$all"
check "… and somebody" test "$some" -gt 0
like "… whose listing says that it is scoped" '^scoped 20' "$(xattr_of listing "$users")"
like "act_as belongs to the cache's key: nobody of the others is left" "^$some\$" "$(t ls "$users" | wc -l)"

eyes "${ext%.json}"
like "by the external id it is the same" '^scoped 20' "$(t ls "$users" >"$T/ls"; xattr_of listing "$users")"
eq "… the same people" "$some" "$(wc -l <"$T/ls")"

eyes "EMAIL-$(state hownow/users/ID-1 | jq -r .email)"
eq "an Admin sees everybody" "$all" "$(t ls "$users" | wc -l)"
like "… and the listing is complete" '^complete 20' "$(xattr_of listing "$users")"

requests_clear
eyes ""
eq "back without act_as, what was known is there, with no request" "$all 0" "$(t ls "$users" | wc -l) $(requests)"
done_testing
