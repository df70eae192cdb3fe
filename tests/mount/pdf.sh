#!/usr/bin/env bash
# S16: the PDFs of learning records, ID-….files/<attribute>.pdf, up and down byte for byte and never whole in memory.
# timeout: 200
. tests/lib/lib.sh

sandbox_start --synap-users 30
conf_synap 'trickle = no' 'crawl_limit = 40' 'op_timeout = 10'
config_write synap
mount_start
people=$MNT/synap/users records=$MNT/synap/learning-records
why() { t "$LMSFS_BIN" why "$@" 2>&1; }
pdf() { # BYTES FILE - one with random bytes in it
    { printf '%%PDF-1.7\n' && head -c $(($1 - 9)) /dev/urandom; } >"$2"
}
attr_of() { # what the LMS holds: attr_of RECORD ATTRIBUTE
    state "synap/users/$id" | jq -c --arg r "$1" --arg a "$2" '[.. | objects | select(.objectId? == $r) | .attr[$a]] | .[0] | {fileName, mimeType, size}'
}

# ---- a record of somebody, and one with a certificate ----
for id in $(state synap/users | jq -r '.. | .objectId? // empty'); do
    t stat "$people/ID-$id.json" >/dev/null
    certified=$(state "synap/users/$id" | jq -r '[.. | objects | select(.attr?.certificate?) | .objectId] | .[0] // empty')
    [ -n "$certified" ] && break
done
learner=$records/ID-$id
requests_clear
files=$learner/ID-$certified.files
eq "ID-….files/ of a record that nobody listed is there" directory "$(t stat -c %F "$files")"
eq "… for one page of the list" 1 "$(requests)"
eq "it lists the attributes that have a file" certificate.pdf "$(t ls "$files")"
eq "no listing shows it" "" "$(t ls -A "$learner" | grep files)"
eq "its size is the attribute's" 55312 "$(t stat -c %s "$files/certificate.pdf")"
requests_clear
check "S16 a PDF is read" cp "$files/certificate.pdf" "$T/certificate.pdf"
eq "… whole" 55312 "$(stat -c %s "$T/certificate.pdf")"
eq "… as it is" '%PDF-1.4' "$(head -n 1 "$T/certificate.pdf")"
eq "… by a URL signed just now" 1 "$(requests '.path | startswith("/learning-records?")')"
eq "… without the tenant's credentials" 1 "$(requests "(.path | startswith(\"/files/$certified/certificate?\")) and .status == 200")"
eq "an attribute that has no file isn't there" ENOENT "$(errno_of read "$files/nothing.pdf")"
eq "nor one by another name" ENOENT "$(errno_of read "$files/certificate.txt")"

# ---- up and down ----
pdf 200000 "$T/a.pdf"
requests_clear
check "S16 cp x.pdf ID-….files/<attribute>.pdf" cp "$T/a.pdf" "$files/certificate.pdf"
eq "… is one PATCH of the record" "PATCH /learning-records/$certified 200" "$(requests_list '.method != "GET"')"
eq "… a form with the file in it" "{\"attr[certificate]\":{\"content_type\":\"application/pdf\",\"filename\":\"certificate.pdf\",\"size\":200000},\"userId\":\"$id\"}" "$(requests_bodies '.method == "PATCH"')"
eq "the LMS has it" '{"fileName":"certificate.pdf","mimeType":"application/pdf","size":200000}' "$(attr_of "$certified" certificate)"
check "it is read back byte for byte" cmp "$T/a.pdf" "$files/certificate.pdf"
eq "the document has its size" 200000 "$(t jq .attr.certificate.size "$learner/ID-$certified.json")"
eq "… and stat too" 200000 "$(t stat -c %s "$files/certificate.pdf")"
pdf 30000 "$T/b.pdf"
check "a new attribute" cp "$T/b.pdf" "$files/proof.pdf"
eq "… is listed" $'certificate.pdf\nproof.pdf' "$(t ls "$files")"
check "… and read back" cmp "$T/b.pdf" "$files/proof.pdf"
check "dd" dd if="$T/a.pdf" of="$files/proof.pdf" bs=7777 status=none
check "… byte for byte" cmp "$T/a.pdf" "$files/proof.pdf"
requests_clear
check "rsync, by a temporary name" rsync "$T/b.pdf" "$files/proof.pdf"
check "… byte for byte" cmp "$T/b.pdf" "$files/proof.pdf"
eq "… one PATCH" 1 "$(requests '.method == "PATCH"')"
eq "… leaves nothing behind" $'certificate.pdf\nproof.pdf' "$(t ls -A "$files")"
printf '%%PDF-more' | t dd of="$files/proof.pdf" conv=notrunc status=none
eq "a change in the middle of what is there" 30000 "$(t cat "$files/proof.pdf" | wc -c)"
eq "… is sent with the rest" '%PDF-more' "$(t head -c 9 "$files/proof.pdf")"
requests_clear
{ t sh -c "exec 3>'$files/shell.pdf'; cat '$T/b.pdf' >&3; exec 3>&-"; } && ok "a shell's redirection" || not_ok "a shell's redirection"
check "… byte for byte" cmp "$T/b.pdf" "$files/shell.pdf"
like "lmsfs url of a PDF is that one's" "^http://127.0.0.1:$PORT/files/$certified/shell\?Expires=[0-9]+&Signature=[0-9a-f]+\$" "$(t "$LMSFS_BIN" url "$files/shell.pdf" 2>&1)"
check "… and leads to it" sh -c "curl -sf \"\$('$LMSFS_BIN' url '$files/shell.pdf')\" | cmp - '$T/b.pdf'"
eq "the document's URL is unsigned" 0 "$(t grep -c Signature "$learner/ID-$certified.json")"

# ---- ten megabytes, and the daemon stays small ----
pdf $((10 * 1024 * 1024)) "$T/big.pdf"
before=$(rss_anon)
check "a PDF of 10 MB goes up" 60 cp "$T/big.pdf" "$files/big.pdf"
up=$(rss_anon)
check "… and comes down byte for byte" 60 cmp "$T/big.pdf" "$files/big.pdf"
down=$(rss_anon)
eq "the LMS has all of it" 10485760 "$(attr_of "$certified" big | jq .size)"
if [ "$SLOW" = 1 ]; then # a sanitizer keeps what is freed
    within "RssAnon grew by less than 4 MB on the way up" -100000 4096 $((up - before))
    within "… and on the way down" -100000 4096 $((down - before))
fi

# ---- what is no such PDF, before the wire ----
requests_clear
{ cat "$T/big.pdf" && printf x; } >"$T/over.pdf"
eq "a byte more than 10 MB is EFBIG" EFBIG "$(errno_of save "$files/big.pdf" <"$T/over.pdf")"
eq "… by rename too" EFBIG "$(t cp "$T/over.pdf" "$files/.over" && errno_of rename "$files/.over" "$files/big.pdf")"
t rm "$files/.over"
printf 'GIF89a, and no PDF at all' >"$T/gif.pdf"
eq "what isn't a PDF is EINVAL" EINVAL "$(errno_of save "$files/certificate.pdf" <"$T/gif.pdf")"
like "… and why says so" "certificate.*no pdf file.*%PDF-" "$(why "$files/certificate.pdf")"
eq "an empty one is EINVAL" EINVAL "$(errno_of save "$files/certificate.pdf" </dev/null)"
eq "an attribute's file can't be removed: the API has no way to" EPERM "$(errno_of unlink "$files/certificate.pdf")"
eq "… nor renamed" EPERM "$(errno_of rename "$files/certificate.pdf" "$files/other.pdf")"
eq "nothing was sent" 0 "$(requests '.method != "GET"')"
check "what the LMS has is read as before" cmp "$T/a.pdf" "$files/certificate.pdf"

# ---- the LMS's verdict ----
fault '{"path": "PATCH /learning-records/*", "status": 400, "body": {"message": "only .pdf files are supported"}}'
eq "a refusal is the close's errno" EINVAL "$(errno_of save "$files/certificate.pdf" <"$T/b.pdf")"
like "… and why has the LMS's words" 'only .pdf files are supported' "$(why "$files/certificate.pdf")"
check "… and the old one is there" cmp "$T/a.pdf" "$files/certificate.pdf"
fault '{"path": "PATCH /learning-records/*", "status": 403}'
eq "no access is EACCES" EACCES "$(errno_of fsave "$files/certificate.pdf" <"$T/b.pdf")"
fault '{"path": "PATCH /learning-records/*", "status": 503, "count": 1}'
check "a server that is busy is asked again, with the whole file" cp "$T/b.pdf" "$files/certificate.pdf"
check "… byte for byte" cmp "$T/b.pdf" "$files/certificate.pdf"
eq "the record is clean again" clean "$(xattr_of state "$learner/ID-$certified.json")"
fault '{"path": "GET /files/*", "status": 403, "body": "<Error>expired</Error>", "count": 5}'
eq "a URL that isn't honoured is an error" EACCES "$(errno_of read "$files/certificate.pdf")"
faults_clear
fault '{"path": "GET /files/*", "malformed": true, "count": 5}'
t cat "$files/certificate.pdf" >/dev/null 2>&1
faults_clear

# ---- single flight, crawls, the end ----
fault '{"path": "GET /files/*", "delay_ms": 1500, "count": 1}'
requests_clear
for _ in 1 2 3 4; do t cmp "$T/b.pdf" "$files/certificate.pdf" & done
# shellcheck disable=SC2046
wait $(jobs -p | grep -v "^$SANDBOX_PID$")
eq "four who read the same at once make one request" 1 "$(requests '.path | startswith("/files/")')"
faults_clear
for _ in $(seq 60); do t cat "$files/proof.pdf" >/dev/null 2>"$T/said" || break; done
like "a crawl over PDFs ends with EAGAIN" 'Resource temporarily unavailable' "$(cat "$T/said")"
check "nothing of a PDF is left in the cache folder" sh -c "! grep -rlaq '%PDF-1.7' '$CACHE'"
like "the audit has who changed what" 'PATCH.*/learning-records/' "$(t grep '"certificate":{"size":200000}' "$MNT/.lmsfs/audit.jsonl" | head -n 1)"
remount
check "after a remount they are read as before" cmp "$T/b.pdf" "$files/certificate.pdf"
done_testing
