#!/usr/bin/env bash
# L12: credentials are read again on SIGHUP, for every kind of them; wrong ones never make a storm of logins.
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 10 --thrive-users 20 --avia-users 20
conf_hownow 'trickle = no' 'crawl_limit = 1000' 'op_timeout = 10'
conf_synap 'trickle = no'
conf_thrive 'trickle = no' 'list_ttl = 1'
conf_avia 'trickle = no' 'list_ttl = 3600'
printf 'sandbox-secret\n' >"$T/hownow.secret"
chmod 600 "$T/hownow.secret"
conf_hownow "client_secret = file:$T/hownow.secret"
config_write hownow synap thrive avia
(cd "$T" && CONF=lmsfs.conf && t 60 "$LMSFS_BIN" mount "$CONF" "$(mkdir -p "$MNT"; echo "$MNT")") >>"$T/mount.log" 2>&1
mounted "$MNT" || bail "mounting by a relative path" "$(cat "$T/mount.log")"
DAEMON_PID=$(cat "$CACHE/lmsfs.pid")
pid_record "$DAEMON_PID"
users=$MNT/hownow/users
token='.path == "/token"'
log_has() { tail -n +"$((from + 1))" "$CACHE/lmsfs.log" | grep -q "$1"; }
hup() { # TEXT REGEX - SIGHUP, and the log says what came of it
    from=$(wc -l <"$CACHE/lmsfs.log")
    kill -HUP "$DAEMON_PID"
    check "$1" wait_until 20 log_has "$2"
}
id=$(state synap/users | jq -r '.users[2].objectId') other=$(state synap/users | jq -r '.users[3].objectId')
third=$(state synap/users | jq -r '.users[4].objectId')
check "HowNow is listed" ls "$users"
check "Synap is read" cat "$MNT/synap/users/ID-$id.json"
check "Thrive is listed" ls "$MNT/thrive/users"
check "AVIA is listed" ls "$MNT/avia/users"

# ---- an expired token ----
requests_clear
sandbox_post keys '{"revoke": true}' >/dev/null
for i in 1 2 3 4 5 6 7 8; do
    t 30 "$LMSFS_BIN" fetch "$users/$(t ls "$users" | sed -n "${i}p")" >/dev/null 2>&1 &
    fetches[i]=$!
done
wait "${fetches[@]}"
eq "a token that was withdrawn under eight requests costs one login" 1 "$(requests "$token")"
eq "… and each of them is answered" 8 "$(requests '(.path | startswith("/external/v1/users/")) and (.status == 200)')"

# ---- HowNow: the secret is rotated ----
sandbox_post keys '{"client_secret": "rotated-hownow", "revoke": true}' >/dev/null
requests_clear
began=${EPOCHREALTIME/./}
for i in $(seq 10 40); do
    not "$LMSFS_BIN" fetch "$users/$(t ls "$users" | sed -n "${i}p")" >/dev/null 2>&1 || break
done
took=$(((${EPOCHREALTIME/./} - began) / 1000000))
logins=1
for ((wait = 1, at = 1; at <= took; wait *= 2, at += wait)); do logins=$((logins + 1)); done
eq "with a secret that is wrong now, every one of 31 fails" 40 "$i"
within "… no storm of logins: one, then longer and longer waits ($took s)" 1 "$logins" "$(requests "$token")"
eq "… and a listing never seen is EACCES" EACCES "$(errno_of list "$MNT/hownow/groups")"
like "why, the status says" 'login refused' "$(not t "$LMSFS_BIN" fetch "$users/$(t ls "$users" | sed -n 50p)" 2>&1)"
check "what is known is still there" ls "$users"
printf 'rotated-hownow\n' >"$T/hownow.secret"
hup "L12 SIGHUP reads a secret's file again" '\[hownow\] has other credentials now'
requests_clear
check "… and at once, whatever the wait was, the new one is used" "$LMSFS_BIN" fetch "$users/$(t ls "$users" | sed -n 50p)"
eq "… by one login" 1 "$(requests "$token")"

# ---- Synap: the key is rotated ----
sandbox_post keys '{"org_secret": "rotated-synap", "api_key": "rotated-key"}' >/dev/null
eq "Synap with a key that is wrong now: EACCES" EACCES "$(errno_of read "$MNT/synap/users/ID-$other.json")"
conf_synap 'org_secret = rotated-synap' 'api_key = rotated-key'
config_write hownow synap thrive avia
hup "L12 SIGHUP: Synap's keys" '\[synap\] has other credentials now'
check "… are used without a remount" cat "$MNT/synap/users/ID-$other.json"

# ---- Thrive: HTTP Basic ----
sandbox_post keys '{"thrive_secret": "rotated-thrive"}' >/dev/null
printf '{"firstName": "Rotated"}' >"$T/x"
eq "Thrive with a secret that is wrong now: a save is EACCES" EACCES "$(errno_of save "$MNT/thrive/users/EXT-T000001.json" <"$T/x")"
conf_thrive 'secret = rotated-thrive'
config_write hownow synap thrive avia
hup "L12 SIGHUP: Thrive's secret" '\[thrive\] has other credentials now'
check "… is used without a remount" cp "$T/x" "$MNT/thrive/users/EXT-T000001.json"
eq "… and the save arrives" Rotated "$(state thrive/users/EXT-T000001 | jq -r .firstName)"

# ---- AVIA: a bearer token that somebody made, no login ----
sandbox_post keys '{"avia_token": "rotated-avia"}' >/dev/null
requests_clear
printf '{"first_name": "Rotated"}' >"$T/x"
eq "AVIA with a token that was withdrawn: a save is EACCES" EACCES "$(errno_of save "$MNT/avia/users/ID-3.json" <"$T/x")"
within "… asked for once or twice, not in a storm" 1 2 "$(requests '.path | startswith("/wp-json/avia/")')"
like "… in the LMS's words" 'not allowed to do that' "$(t "$LMSFS_BIN" why "$MNT/avia/users/ID-3.json")"
conf_avia 'access_token = rotated-avia'
config_write hownow synap thrive avia
hup "L12 SIGHUP: AVIA's token" '\[avia\] has other credentials now'
check "… is used without a remount" cp "$T/x" "$MNT/avia/users/ID-3.json"
eq "… and the save arrives" Rotated "$(state avia/users/ID-3 | jq -r .first_name)"

# ---- a bad file ----
cp "$CONF" "$T/good.conf"
sed -i 's/^api_key.*/api_keye = nonsense/' "$CONF"
hup "a file that is wrong keeps the credentials, and the log says where it is wrong" 'credentials stay as they were: .*lmsfs.conf:[0-9]*: .*api_keye'
check "… they are used on" cat "$MNT/synap/users/ID-$third.json"
cp "$T/good.conf" "$CONF"
chmod 644 "$CONF"
hup "one that others can read too" 'credentials stay as they were: .*chmod 600'
rm -f "$CONF"
hup "one that has gone too" 'credentials stay as they were: .*No such file'
cp "$T/good.conf" "$CONF"
rm -f "$T/hownow.secret"
hup "a secret's file that has gone too" 'credentials stay as they were: .*hownow.secret'
printf 'rotated-hownow\n' >"$T/hownow.secret"
chmod 600 "$T/hownow.secret" "$CONF"
hup "the right file again" 'no credentials have changed'
sed -i 's/^rate_per_minute = 0/rate_per_minute = 500/' "$CONF"
hup "what only a mount takes up is said to wait for it" 'differs in more than its credentials'
requests_clear
check "no new login for that" "$LMSFS_BIN" fetch "$users/$(t ls "$users" | sed -n 51p)"
eq "… the token is the same" 0 "$(requests "$token")"
check "no secret is in the log or anywhere below the cache folder" sh -c "! grep -raq rotated- '$CACHE'"
check "the unit has it as ExecReload" grep -q '^ExecReload=kill -HUP \$MAINPID$' packaging/systemd/lmsfs@.service
done_testing
