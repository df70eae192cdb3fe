#!/usr/bin/env bash
# Bad input gets one clear sentence, and nothing is lost.
. tests/lib/lib.sh

sandbox_start --users 50
mkdir -p "$MNT"
config_write
fails() { # TEXT REGEX CMD…
    local text=$1 regex=$2 out status
    shift 2
    out=$(t 30 "$@" 2>&1 </dev/null)
    status=$?
    if [ $status != 0 ] && [ $status -lt 124 ] && [[ $out =~ $regex ]] && [ "$(printf '%s\n' "$out" | wc -l)" = 1 ]; then
        ok "$text: $out"
    else
        not_ok "$text" "status $status, expected one line like /$regex/: $out"
    fi
}
mount_fails() { # TEXT REGEX [SED-SCRIPT]
    config_write
    [ -z "${3:-}" ] || sed -i "$3" "$CONF"
    fails "$1" "$2" "$LMSFS_BIN" mount "$CONF" "$MNT"
}
mount_fails "an unknown provider" 'lmsfs.conf:[0-9]+: .*moodle.*hownow' 's/provider = hownow/provider = moodle/'
mount_fails "an unknown key" 'lmsfs.conf:[0-9]+: .*rate_per_minut.*' 's/rate_per_minute/rate_per_minut/'
mount_fails "a bad value" 'lmsfs.conf:[0-9]+: .*rate_per_minute' 's/rate_per_minute = 0/rate_per_minute = often/'
mount_fails "a missing credential" 'client_secret' '/client_secret/d'
mount_fails "a plain-http remote host" 'https' "s|base_url = .*|base_url = http://lms.example.com|"
mount_fails "an unset environment variable" 'LMSFS_NO_SUCH' 's/client_secret = .*/client_secret = env:LMSFS_NO_SUCH/'
mount_fails "a missing secret file" '/no/such/secret' 's|client_secret = .*|client_secret = file:/no/such/secret|'
config_write
chmod 644 "$CONF"
fails "a configuration that others can read" 'chmod 600' "$LMSFS_BIN" mount "$CONF" "$MNT"
config_write
fails "a missing configuration" 'no-such.conf' "$LMSFS_BIN" mount "$T/no-such.conf" "$MNT"
fails "a missing mount point" 'does not exist' "$LMSFS_BIN" mount "$CONF" "$T/nowhere"
mkdir "$T/full" && touch "$T/full/file"
fails "a mount point that is not empty" 'not an empty' "$LMSFS_BIN" mount "$CONF" "$T/full"
mount_start
cp "$CONF" "$T/second.conf" && sed -i "s|cache_dir = .*|cache_dir = $T/cache2|" "$T/second.conf"
fails "a mount point in use" 'mounted' "$LMSFS_BIN" mount "$T/second.conf" "$MNT"
mkdir "$T/mnt2"
(umask 077 && sed 's/^rate_per_minute = 0/rate_per_minute = 7/' "$CONF" >"$T/second.conf")
fails "a cache folder in use with another configuration names the pid" "$DAEMON_PID" "$LMSFS_BIN" mount "$T/second.conf" "$T/mnt2"
mount_stop

# ---- a wrong secret ----
conf_hownow 'client_secret = wrong-secret-value' 'list_timeout = 10'
config_write hownow
out=$("$LMSFS_BIN" check "$CONF" 2>&1)
like "check says that the credentials are refused" 'hownow: .*(refused|credentials)' "$out"
mount_start
requests_clear
eq "ls with a wrong secret is EACCES" EACCES "$(errno_of list "$MNT/hownow/users")"
within "… and no login storm" 1 3 "$(requests '.path == "/token"')"
like "status says why" 'login refused' "$(t "$LMSFS_BIN" status --json "$MNT")"
check "the secret is in no file of the cache folder" sh -c "! grep -raq wrong-secret-value '$CACHE'"
check "nor in the process's arguments" sh -c "! tr '\0' ' ' </proc/$DAEMON_PID/cmdline | grep -q secret"
mount_stop
rm -rf "$CACHE"
CONF_LINES=()

# ---- replies ----
conf_hownow 'trickle = no' 'list_timeout = 10' 'max_response = 64k' 'crawl_limit = 100'
config_write hownow
mount_start
users=$MNT/hownow/users
bad_reply() { # TEXT FAULT ERRNO-REGEX
    requests_clear
    fault "$2"
    like "$1: the listing fails" "$3" "$(errno_of list "$users")"
    faults_clear
}
any='"path": "GET /external/v1/users?*", "count": 0'
bad_reply "a truncated body" "{$any, \"malformed\": true}" '^(EPROTO|EIO)$'
bad_reply "HTML from a proxy" "{$any, \"status\": 200, \"content_type\": \"text/html\", \"body\": \"<html>hello</html>\"}" '^(EPROTO|EIO)$'
bad_reply "an empty 500" "{$any, \"status\": 500, \"body\": \"\"}" '^EIO$'
bad_reply "a number where an array should be" "{$any, \"status\": 200, \"body\": \"{\\\"data\\\": 7, \\\"meta\\\": {}}\"}" '^(EPROTO|EIO)$'
bad_reply "an oversized body" "{$any, \"status\": 200, \"body\": \"$(head -c 90000 /dev/zero | tr '\0' x)\"}" '^(EFBIG|EIO|EPROTO)$'
bad_reply "nesting without an end" "{$any, \"status\": 200, \"body\": \"$(head -c 30000 /dev/zero | tr '\0' '[')\"}" '^(EPROTO|EIO)$'
row='{"id": %s, "name": "N", "external_user_id": %s, "email": "a%s@example.org", "status": "Active", "state": "enabled", "user_type": "ReadOnly"}'
long=$(head -c 300 /dev/zero | tr '\0' q)
body=$(printf "{\"data\": [$row, $row], \"meta\": {\"page\": 1, \"per_page\": 100, \"total_pages\": 1, \"total_count\": 2}}" 1 '"../../etc"' 1 2 "\"$long\"" 2)
fault "{$any, \"status\": 200, \"body\": $(jq -Rs . <<<"$body")}"
eq "ids such as ../../etc and 300 bytes long are files of this directory" 2 "$(t ls "$users" | wc -l)"
check "… with names that fit" sh -c "ls '$users' | awk 'length > 255 { exit 1 }'"
eq "… that read" 2 "$(t sh -c "cat '$users'/*.json" | jq -s length)"
faults_clear
check "and then the listing is had after all, or says that too much is gone" sh -c "'$LMSFS_BIN' refresh '$users' || true"
check "the daemon lives" "$LMSFS_BIN" status "$MNT"
done_testing
