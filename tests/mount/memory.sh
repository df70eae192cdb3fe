#!/usr/bin/env bash
# Memory stays flat: after 100,000 people as after 1,000.
# sanitize: no, it measures memory
# timeout: 600
. tests/lib/lib.sh

measure() { # N
    sandbox_start --users "$1"
    config_write hownow
    mount_start
    eq "$1 people are listed" "$1" "$(t 200 ls "$MNT/hownow/users" | wc -l)"
    t 100 ls -l "$MNT/hownow/users" >/dev/null
    t 200 grep -rc . "$MNT/hownow/users" >/dev/null
    RSS=$(rss_anon)
    echo "# RssAnon after $1 people: $RSS kB"
    mount_stop
    sandbox_stop
    rm -rf "$CACHE"
}
conf_hownow 'trickle = no' 'crawl_limit = 0' 'list_timeout = 250'
measure 1000
small=$RSS
measure 100000
case $BUILD in
build)
    within "RssAnon after 100,000 people is under 48 MiB" 1 49151 "$RSS"
    within "… and within 1.2 times of that after 1,000" 0 "$((small * 12 / 10))" "$RSS"
    ;;
*) skip "RssAnon after 100,000 people" "a sanitizer's own memory grows" ;;
esac
done_testing
