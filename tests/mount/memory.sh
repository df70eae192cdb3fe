#!/usr/bin/env bash
# Memory stays flat: after 100,000 people as after 1,000, and while 2,000 wait for a job (make bench: 10,000).
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
# two thousand readers of a job that isn't over: a request each, and no thread
sandbox_start --users 20 --job-seconds 600
config_write hownow
mount_start
file=$MNT/hownow/users/$(t ls "$MNT/hownow/users" | head -n 1)
t jq '.name = "Waited For"' "$file" >"$T/doc.json"
check "a save with a job" cp "$T/doc.json" "$file"
job=$(t readlink -f "$MNT/hownow/jobs/last.json")
alone=$(rss_anon) threads=$(threads)
"$TESTBIN/park" 2000 "$job" >"$T/park.out" 2>&1 &
park=$!
pid_record $park
opens() { [ "$(cat "/proc/$park/task"/*/syscall 2>/dev/null | grep -c '^257 ')" -ge 2000 ]; }
check "2,000 wait for it" wait_until 100 opens
waited=$(rss_anon) more=$(($(threads) - threads))
check "the others are served beside them" ls "$MNT/hownow/users"
kill -KILL $park
wait $park 2>/dev/null
eq "no thread more" 0 "$more"
echo "# RssAnon $alone kB alone, $waited kB with 2,000 who wait"
case $BUILD in
build)
    within "… and a fifth of 8 MiB more at most" 0 $((alone + 1638)) "$waited"
    within "RssAnon after 100,000 people is under 48 MiB" 1 49151 "$RSS"
    within "… and within 1.2 times of that after 1,000" 0 "$((small * 12 / 10))" "$RSS"
    ;;
*) skip "RssAnon after 100,000 people" "a sanitizer's own memory grows" ;;
esac
done_testing
