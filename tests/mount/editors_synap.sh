#!/usr/bin/env bash
# The zoo on a vendor that answers at once: each save is one PATCH of what changed, and nothing else is ever sent.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/editors.sh
. tests/lib/ways.sh
# shellcheck disable=SC2086
needs $WAYS_NEED vim emacs nano tmux

export HOME=$T/home
mkdir -p "$HOME"
sandbox_start --synap-users 60
conf_synap 'trickle = no' 'crawl_limit = 6000'
config_write synap
mount_start
users=$MNT/synap/users
state synap/users | jq -r '[.. | .objectId? // empty][]' >"$T/ids"
# A person nobody has touched yet becomes known by its name.
somebody() {
    local n
    n=$(($(cat "$T/somebody" 2>/dev/null || echo 0) + 1))
    echo $n >"$T/somebody"
    echo "$users/ID-$(sed -n "${n}p" "$T/ids").json"
}
know() { # FILE
    t stat "$1" >/dev/null
    t ls -A "$users" >"$T/listing"
}
in_lms() { # FILE - the person as the LMS has it
    state "synap/users/$(basename "$1" .json | cut -c 4-)" | jq -c '.user // .'
}
kept() { in_lms "$1" | jq -Sc 'del(.name, .updatedAt, .learningRecords[].attr[]?.url)'; }
sent() {
    requests_all | jq -c --argjson n "$ZOO_MARK" '[.requests[$n:][] | select(.method != "GET")
        | if .method == "PATCH" and (.body | keys) == ["name"] then .body.name else "\(.method) \(.path) \(.body)" end]'
}
came_to() { # TEXT FILE BEFORE NAME…
    local text=$1 file=$2 before=$3 last=${*: -1}
    shift 3
    eq "$text: $# PATCH(es) of the name alone, and nothing else is sent" "$(names "$@")" "$(sent)"
    eq "$text: the LMS has the name" "$last" "$(in_lms "$file" | jq -r .name)"
    eq "$text: and all else as it was" "$before" "$(kept "$file")"
    eq "$text: so does the file" "$last" "$(t jq -r .name "$file")"
    nothing_left "$text"
}

way() { # TEXT FUNCTION
    local text=$1 before
    file=$(somebody) key=$(key_of "$file") name="By $2"
    know "$file"
    t cat "$file" >"$T/now.json"
    before=$(kept "$file")
    jq --arg v "$name" '.name = $v' "$T/now.json" >"$T/new.json"
    zoo_mark
    check "$text" "$2"
    came_to "$text" "$file" "$before" "$name"
}
for by in ${WAYS/ noclobber_mv/}; do # whose rm of a person is refused: below
    way "${by//_/ }" "by_$by"
done

# ---- at a terminal: three saves of one session each ----
complaints='E[0-9]+:|W1[0-9]|changed since|swap file|changed on disk|really edit|error writing|invalid'
session() { # TEXT EDITOR-FUNCTION LEFT CMD…
    local text=$1 editor=$2 left=$3 before
    shift 3
    file=$(somebody)
    know "$file"
    before=$(kept "$file")
    zoo_mark
    keyboard "$@" "$file"
    sees "$text shows the file" '"name":'
    for i in 1 2 3; do
        $editor "$text $i"
        wait_until 10 eval '[ "$(sent | jq length)" = $i ]'
    done
    ${editor}_ends
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    LEFT=${left:+$(basename "$file")$left}
    came_to "$text" "$file" "$before" "$text 1" "$text 2" "$text 3"
    [ -z "$left" ] || t rm -f "$file$left"
    LEFT=
}
vim_saves() { types Escape ":%s/^  \"name\": .*/  \"name\": \"$1\",/" Enter ':w' Enter; }
vim_saves_ends() { types ':q' Enter; }
emacs_saves() { types 'M-<' M-x 're-search-forward' Enter '^ *"name": ' Enter C-k "\"$1\"," C-x C-s; }
emacs_saves_ends() { types C-x C-c; }
nano_saves() { types 'M-\' C-w '"name":' Enter Home C-k "  \"name\": \"$1\"," Enter C-s; }
nano_saves_ends() { types C-x; }
for copy in auto yes no no,breaksymlink; do
    session "vim $copy" vim_saves '' vim --cmd 'set backupskip=' -c "set backupcopy=$copy"
done
session emacs emacs_saves '~' emacs -nw --eval '(setq backup-enable-predicate (lambda (name) t))'
session nano nano_saves '' nano
session "nano -B" nano_saves '~' nano -B
keyboard_end

# ---- nothing changed, and nothing whole ----
file=$(somebody)
know "$file"
t cat "$file" >"$T/same.json"
jq '.name = "Not sent"' "$T/same.json" >"$T/new.json"
zoo_mark
for way in "! (rm '$file' || exit 1; mv -n '$T/new.json' '$file') 2>/dev/null" "cp '$T/same.json' '$file'" "cp '$T/same.json' '$T/s2' && mv '$T/s2' '$file'" "sed -i 's/no such thing//' '$file'" ": >'$file'" \
    "(head -c 60 '$T/same.json'; exit 1) >'$file' || true" "jq -S . '$T/same.json' >'$file'" "! cp /dev/null '$file'"; do
    check "${way//$T/…}" bash -c "$way"
done
came_to_nothing "what changes nothing or is no document"
eq "the file is what it was" "$(cat "$T/same.json")" "$(t cat "$file")"

# ---- two writers at once ----
jq '.name = "Writer A"' "$T/same.json" >"$T/a.json"
jq '.name = "Writer B"' "$T/same.json" >"$T/b.json"
zoo_mark
t bash -c "cp '$T/a.json' '$file' & cp '$T/b.json' '$file' & wait"
eq "two writers: nothing but one's or the other's is sent" '[]' "$(sent | jq -c '. - ["Writer A", "Writer B"]')"
last=$(sent | jq -r '.[-1]')
eq "… the last stands in the LMS and the file" "$last $last" "$(in_lms "$file" | jq -r .name) $(t jq -r .name "$file")"
eq "in the end nothing was sent but PATCHes" "" "$(requests_list '(.method != "GET") and (.method != "PATCH")')"
eq "nothing waits to be sent" 0 "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')"
check "the daemon ends well" mount_stop
done_testing
