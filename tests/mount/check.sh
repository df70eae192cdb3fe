#!/usr/bin/env bash
# lmsfs check: a line a tenant, within ten seconds, whatever stands at the other end.
. tests/lib/lib.sh

sandbox_start --users 30 --synap-users 5 --thrive-users 20
config_write hownow synap thrive
checked() { # [CONFIG] - sets OUT, STATUS and TOOK
    local began=${EPOCHREALTIME/./}
    OUT=$(t 60 "$LMSFS_BIN" check "${1:-$CONF}" 2>&1)
    STATUS=$?
    TOOK=$(((${EPOCHREALTIME/./} - began) / 1000000))
}
line() { sed -n "s/^$1: //p" <<<"$OUT"; }

sed -i '/^\[hownow\]/,/^\[synap\]/s/^rate_per_minute = 0/plan = pro/' "$CONF"
checked
eq "all is well" 0 "$STATUS"
eq "a line a tenant" 3 "$(wc -l <<<"$OUT")"
eq "HowNow: what it can list, and what the plan allows" "reachable, credentials good, 30 users listed, 100 requests a minute" "$(line hownow)"
eq "Synap: that it lists nobody" "reachable, credentials good, no list to be had: it shows who is known, no limit set" "$(line synap)"
eq "Thrive" "reachable, credentials good, 20 users listed, no limit set" "$(line thrive)"
within "… by few requests" 1 7 "$(requests)"
eq "… that change nothing" 0 "$(requests '(.method != "GET") and (.path != "/token")')"

sed 's/sandbox-secret/wrong/; s/sandbox-key/wrong/; s/sandbox-thrive-secret/wrong/' "$CONF" >"$T/wrong.conf"
chmod 600 "$T/wrong.conf"
checked "$T/wrong.conf"
eq "wrong credentials: it fails" 1 "$STATUS"
like "HowNow says which to look at" '^credentials refused: .*client_secret' "$(line hownow)"
like "Synap too" '^credentials refused: Unauthorised Request \(HTTP 401\); check org_id, org_secret and api_key$' "$(line synap)"
like "Thrive too" '^credentials refused: You must be authorized.*HTTP 401.*check tenant_id and secret$' "$(line thrive)"

html='"count": 0, "status": 200, "content_type": "text/html", "body": "<!DOCTYPE html><html>Sign in to the guest network</html>"'
fault "{\"path\": \"GET *\", $html}"
fault "{\"path\": \"POST /token\", $html}"
checked
eq "a proxy's page with a 200: it fails" 1 "$STATUS"
for tenant in hownow synap thrive; do
    like "$tenant says that it isn't the API" "HTML" "$(line $tenant)"
    like "… and never that the credentials are good" '^[^§]*$' "$(line $tenant | sed 's/.*credentials good.*/§/')"
done
faults_clear
fault '{"path": "GET *", "count": 0, "status": 503, "content_type": "text/html", "body": "<html>upstream</html>"}'
checked
like "a proxy's 503 is one too" "not the API's .*HTTP 503.*base_url" "$(line thrive)"
faults_clear
fault '{"path": "GET /rest/v1/users?page=1&perPage=1000", "status": 403, "body": {"status": 403, "error": "Forbidden", "message": "No reading for this key"}}'
checked
like "a list that may not be read, though the credentials are good" "^credentials good, but users can't be listed: No reading for this key" "$(line thrive)"
like "… says nothing against the others" 'reachable, credentials good' "$(line synap)"
faults_clear

sed 's/127\.0\.0\.1:[0-9]*/127.0.0.1:1/' "$CONF" >"$T/dead.conf"
chmod 600 "$T/dead.conf"
checked "$T/dead.conf"
eq "a dead port: it fails" 1 "$STATUS"
like "… and says what to look at" '^not reachable: .*check base_url and the network$' "$(line thrive)"
within "… soon" 0 $((11 * SLOW)) "$TOOK"

# A server that takes connections and never says a word.
python3 - "$T/silent" <<'PY' &
import signal, socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(64)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
import os
os.rename(sys.argv[1] + ".new", sys.argv[1])
signal.pause()
PY
silent=$!
pid_record $silent
wait_until 20 test -s "$T/silent" || bail "the silent server starts"
sed "s/127\.0\.0\.1:[0-9]*/127.0.0.1:$(cat "$T/silent")/" "$CONF" >"$T/silent.conf"
chmod 600 "$T/silent.conf"
checked "$T/silent.conf"
eq "a server that never answers: it fails" 1 "$STATUS"
like "… and says so" '^no answer within 9 s' "$(line hownow)"
like "… of every tenant" '^no answer within 9 s' "$(line thrive)"
within "… all of them at once, within ten seconds" 5 $((10 * SLOW + 1)) "$TOOK"
kill $silent
wait $silent 2>/dev/null
check "it made no cache folder" test ! -e "$CACHE"
done_testing
