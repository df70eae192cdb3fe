# For the suites that sit at a mount with real editors. To be sourced after lib.sh.
#
#   zoo_start                                a sandbox with invented people, mounted
#   file=$(somebody)                         a person nobody has touched yet
#   before=$(kept "$file")
#   zoo_mark
#   keyboard vim "$file"
#   types ':%s/^  "name": .*/  "name": "Vim",/' Enter ':wq' Enter
#   came_to "vim" "$file" "$before" Vim      one upsert, of this name, all else as it was, nothing left behind
#   zoo_end                                  nobody was deactivated, in the end
#
# Editors run with their own defaults: an empty home, and the terminal that tmux gives.

TMUX_SOCKET=$T/tmux
SCREEN=$T/screen
ZOO_MARK=0 ZOO_NEXT=0
users=$MNT/hownow/users
unset VIMINIT EXINIT EDITOR VISUAL XDG_CONFIG_HOME TMUX

needs() { # PROGRAM… - a zoo without its animals proves nothing
    local program
    for program; do
        command -v "$program" >/dev/null || bail "$program is installed" "packaging/install-deps test installs it"
    done
}

zoo_start() { # [SANDBOX-OPTION…]
    export HOME=$T/home
    mkdir -p "$HOME"
    sandbox_start --users 60 --job-seconds 1 "$@"
    conf_hownow 'trickle = no' 'crawl_limit = 6000'
    config_write hownow
    mount_start
    t ls "$users" >/dev/null
    t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json >"$T/people"
    ls -A "$users" >"$T/listing"
}

# The next person, as the file's path; each is given once.
somebody() {
    local n
    n=$(($(cat "$T/somebody" 2>/dev/null || echo 0) + 1))
    echo $n >"$T/somebody"
    sed -n "${n}p" "$T/people"
}

key_of() { # FILE
    basename "$1" .json
}

# What an edit of the name must leave as it is in the LMS.
kept() { # FILE
    state "hownow/users/$(key_of "$1")" | jq -Sc 'del(.name, .full_name, .updated_at, .last_updated_at, .version)'
}

requests_all() {
    sandbox_curl requests?limit=1000000
}

zoo_mark() {
    ZOO_MARK=$(requests_all | jq '.requests | length')
}

# What was sent to change something since the mark: the names of upserts, the method and path of anything else.
sent() {
    requests_all | jq -c --argjson n "$ZOO_MARK" '[.requests[$n:][] | select(.method != "GET" and .path != "/token")
        | if .path == "/external/v1/users/upsert" then .body.name else "\(.method) \(.path)" end]'
}

job_over() {
    [ ! -e "$MNT/hownow/jobs/last.json" ] || t 30 cat "$MNT/hownow/jobs/last.json" >/dev/null
}

names() { # NAME… - as `sent` has them
    jq -nc '$ARGS.positional' --args "$@"
}

# came_to TEXT FILE BEFORE NAME… - an upsert for each of these names, the last of them stands, and no trace of the editor but $LEFT.
came_to() {
    local text=$1 file=$2 before=$3 last=${*: -1}
    shift 3
    eq "$text: $# upsert(s), whole, and nothing else is sent" "$(names "$@")" "$(sent)"
    job_over
    eq "$text: the LMS has the name" "$last" "$(state "hownow/users/$(key_of "$file")" | jq -r .name)"
    eq "$text: and all else as it was" "$before" "$(kept "$file")"
    eq "$text: so does the file" "$last" "$(t jq -r .name "$file")"
    nothing_left "$text"
}

came_to_nothing() { # TEXT
    eq "$1: nothing is sent" '[]' "$(sent)"
    nothing_left "$1"
}

nothing_left() { # TEXT - LEFT: what the editor leaves by design
    eq "$1: the listing is what it was${LEFT:+, and ${LEFT//$'\n'/, }}" "$({ cat "$T/listing"; [ -z "${LEFT:-}" ] || echo "$LEFT"; } | sort)" \
        "$(t ls -A "$users" | sort)"
}

# A removal that somebody's unlink had noted would be out by now.
zoo_end() { # UPSERTS
    local others='(.method != "GET") and (.path != "/token") and (.path != "/external/v1/users/upsert")'
    sleep 4
    eq "in the end nothing was sent but upserts" "" "$(requests_list "$others")"
    eq "… as many as there were edits" "$1" "$(requests '.path == "/external/v1/users/upsert"')"
    eq "… no temporary name among them" 0 "$(requests_bodies '.path == "/external/v1/users/upsert"' | jq -r .external_user_id | grep -vc '^e-[0-9]*$\|^zoo-')"
    eq "nothing waits to be sent" 0 "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')"
    check "the daemon ends well" mount_stop
}

# ---- a keyboard and a screen ----

keyboard() { # CMD… - in a terminal of its own; one at a time
    keyboard_end
    : >"$SCREEN"
    printf '%q ' "$@" >"$T/typed.sh"
    printf '; echo "[ended $?]"; sleep 600\n' >>"$T/typed.sh"
    TERM=screen-256color tmux -S "$TMUX_SOCKET" -f /dev/null new-session -d -x 110 -y 40 "bash '$T/typed.sh'"
    tmux -S "$TMUX_SOCKET" pipe-pane "cat >>'$SCREEN'"
    pid_record "$(tmux -S "$TMUX_SOCKET" display-message -p '#{pid}')" "$(tmux -S "$TMUX_SOCKET" display-message -p '#{pane_pid}')"
}

keyboard_end() {
    [ ! -S "$TMUX_SOCKET" ] || tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null
    rm -f "$TMUX_SOCKET"
}

types() { # KEY… - as tmux send-keys has them; what isn't a key's name is typed as it is
    local key
    for key; do
        tmux -S "$TMUX_SOCKET" send-keys "$key"
        sleep 0.05
    done
}

screen() {
    tmux -S "$TMUX_SOCKET" capture-pane -p
}

screen_has() { # REGEX
    screen | grep -Eq -- "$1"
}

# sees TEXT REGEX [SECONDS]
sees() {
    if wait_until "${3:-15}" screen_has "$2"; then
        ok "$1"
        return 0
    fi
    not_ok "$1" "no /$2/ on the screen:"$'\n'"$(screen)"
    return 1
}

# never_saw TEXT REGEX - in all that this keyboard's screen ever showed
never_saw() {
    eq "$1" "" "$(tr -d '\r' <"$SCREEN" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | grep -Eio -- ".{0,40}($2).{0,60}" | head -n 3)"
}
