# The gestures that every collection people are saved in is driven with, whatever the vendor. To be sourced after editors.sh and with FIELD
# and $users set; ways.sh has the gestures. A suite says how its vendor is asked:
#
#   somebody        the path of a person nobody has touched yet; each is given once
#   sent            what was sent to change something since zoo_mark, as a JSON array: of an upsert that is whole as this vendor wants it, the
#                   value of FIELD; of anything else, whatever says what it was
#   in_lms FILE     the person as the LMS has it, a JSON object
#   everybody       who is in the LMS, and who is active: a line each
#
#   zoo_home        what the gestures need, and a home folder of their own
#   zoo_next [N]    counts from 1, or from N
#   zoo_all         all that follows, and the end of the suite
#   zoo_gestures    each of them: one upsert, whole, in the log and in the LMS; nothing else, and nobody else changed
#   zoo_git         git checkout of several files, with one worker and with four, which unlink them all before they write the first
#   zoo_nothing     what changes nothing, or is no document: nothing is sent
#   zoo_over        nothing waits to be sent, and everybody is who they were
. tests/lib/ways.sh
ZOO_GESTURES='vim sed cp cp_remove mv install rsync rsync_inplace tar tar_overwrite python python_update bash dash truncate_then_append tee dd group git'

by_vim() {
    keyboard vim -c "%s/^  \"$FIELD\": .*/$line by_vim\",/" -c wq "$file"
    wait_until 20 screen_has 'ended 0'
}
by_git() {
    git_folder && cp "$T/new.json" "$T/w/$key.json" && git_commit && git_checkout 1 "$key.json"
}

git_folder() {
    rm -rf "$T/g" "$T/w"
    git init -q --separate-git-dir "$T/g" "$T/w"
}
git_commit() {
    git -C "$T/w" add . && git -C "$T/w" -c user.name=x -c user.email=x@example.org commit -qm x
}
git_checkout() { # WORKERS NAME…
    t 60 git -c checkout.workers="$1" -c checkout.thresholdForParallelism=1 --git-dir="$T/g" --work-tree="$users" checkout -f -- "${@:2}"
}

zoo_home() {
    # shellcheck disable=SC2086
    needs $WAYS_NEED vim tmux
    export HOME=$T/home
    mkdir -p "$HOME"
}

zoo_next() { # [FIRST]
    local n
    n=$(cat "$T/somebody" 2>/dev/null) && n=$((n + 1)) || n=${1:-1}
    echo "$n" | tee "$T/somebody"
}

at_rest() { # FILE
    [ "$(xattr_of state "$1")" = clean ]
}

value_of() { # FILE - in the LMS
    in_lms "$1" | jq -r ".$FIELD"
}

kept() { # FILE - all else that the LMS has of it
    in_lms "$1" | jq -Sc "del(.$FIELD, .updatedAt)"
}

edited() { # FILE VALUE - the document with that value
    t jq --arg v "$2" ".$FIELD = \$v" "$1"
}

# came TEXT FILE BEFORE VALUE - the one upsert of that value is asserted by who calls
came() {
    check "$1: … and is settled" wait_until 20 at_rest "$2"
    eq "$1: the LMS has it" "$4" "$(value_of "$2")"
    eq "$1: … and all else as it was" "$3" "$(kept "$2")"
    eq "$1: so has the file" "$4" "$(t jq -r ".$FIELD" "$2")"
}

zoo_begin() { # once everybody is known
    t ls -A "$users" >"$T/listing"
    everybody >"$T/everybody"
}

zoo_gestures() {
    local by before
    for by in $ZOO_GESTURES; do
        file=$(somebody) key=$(key_of "$file") name="By by_$by"
        t cat "$file" >"$T/now.json"
        before=$(kept "$file")
        edited "$T/now.json" "$name" >"$T/new.json"
        zoo_mark
        check "${by//_/ }" "by_$by"
        wait_until 10 eval '[ "$(sent)" = "$(names "$name")" ]'
        came "${by//_/ }" "$file" "$before" "$name"
        eq "${by//_/ }: one upsert, whole, and nothing else is sent" "$(names "$name")" "$(sent)"
        nothing_left "${by//_/ }"
    done
    keyboard_end
}

zoo_git() {
    local workers i files befores values
    for workers in 1 4; do
        files=() befores=() values=()
        git_folder
        for i in 1 2 3; do
            files+=("$(somebody)")
            befores+=("$(kept "${files[-1]}")")
            values+=("Git $workers $i")
            edited "${files[-1]}" "Git $workers $i" >"$T/w/$(basename "${files[-1]}")"
        done
        git_commit
        zoo_mark
        check "git checkout with $workers workers" git_checkout $workers "${files[@]##*/}"
        eq "… sends three upserts, and nothing else" "$(names "${values[@]}")" "$(sent | jq -c sort)"
        for i in 0 1 2; do
            came "git checkout with $workers workers, file $i" "${files[$i]}" "${befores[$i]}" "${values[$i]}"
        done
        nothing_left "git checkout with $workers workers"
    done
}

zoo_nothing() {
    local way before
    file=$(somebody) key=$(key_of "$file")
    t cat "$file" >"$T/same.json"
    before=$(in_lms "$file")
    zoo_mark
    for way in "cp '$T/same.json' '$file'" "cp '$T/same.json' '$T/s2' && mv '$T/s2' '$file'" "install -m 600 '$T/same.json' '$file'" \
        "rsync -a '$T/same.json' '$file'" "tar -C '$users' -c '$key.json' | tar -C '$users' -x" "sed -i 's/no such thing//' '$file'" \
        "printf '\n\n' >>'$file'" "tee '$file' <'$T/same.json' >/dev/null" "jq -S . '$T/same.json' >'$file'" "touch '$file'" ": >'$file'" \
        "(head -c 60 '$T/same.json'; exit 1) >'$file' || true" "(head -c 60 '$T/same.json'; kill -9 \$BASHPID) >'$file' || true" \
        "echo '{' >>'$file' || true" "truncate -s 40 '$file' || true" "! cp /dev/null '$file'"; do
        check "what changes nothing or is no document: ${way//$T\//}" bash -c "$way"
    done
    came_to_nothing "all of that"
    eq "… the file is what it was" "$(cat "$T/same.json")" "$(t cat "$file")"
    eq "… and so is the person in the LMS" "$before" "$(in_lms "$file")"
}

nothing_waits() {
    [ "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')" = 0 ]
}

zoo_over() {
    check "nothing waits to be sent, no removal among it" wait_until 20 nothing_waits
    eq "nobody came, nobody left, nobody was deactivated" "$(cat "$T/everybody")" "$(everybody)"
    check "the daemon ends well" mount_stop
}

zoo_all() {
    zoo_begin
    zoo_gestures
    zoo_git
    zoo_nothing
    zoo_over
    done_testing
}
