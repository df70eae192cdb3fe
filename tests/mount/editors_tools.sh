#!/usr/bin/env bash
# Everything else that writes a file: one upsert each, whole; or none, where nothing changed. Nothing is ever sent under a temporary name.
. tests/lib/lib.sh
. tests/lib/editors.sh
. tests/lib/ways.sh
# shellcheck disable=SC2086
needs $WAYS_NEED

zoo_start
edits=0

# way TEXT FUNCTION - the function puts $T/new.json, which has $name as its name, in the place of $file.
way() {
    local text=$1 before
    file=$(somebody) key=$(key_of "$file") name="By $2"
    t cat "$file" >"$T/now.json"
    before=$(kept "$file")
    jq --arg v "$name" '.name = $v' "$T/now.json" >"$T/new.json"
    zoo_mark
    check "$text" "$2"
    wait_until 10 eval '[ "$(sent)" = "$(names "$name")" ]'
    came_to "$text" "$file" "$before" "$name"
    edits=$((edits + 1))
}
for by in $WAYS; do
    way "${by//_/ }" "by_$by"
done

# ---- git checkout of some files; with four workers it unlinks them all before it writes the first ----
git_somebodies() { # CONFIG…
    local i
    people=() befores=() rm_names=()
    rm -rf "$T/g" "$T/w"
    git init -q --separate-git-dir "$T/g" "$T/w"
    for i in 1 2 3; do
        people+=("$(basename "$(somebody)")")
        befores+=("$(kept "$users/${people[-1]}")")
        t jq --arg v "Git $1 $i" '.name = $v' "$users/${people[-1]}" >"$T/w/${people[-1]}"
        rm_names+=("Git $1 $i")
    done
    git -C "$T/w" add . && git -C "$T/w" -c user.name=x -c user.email=x@example.org commit -qm x
}
for workers in 1 4; do
    git_somebodies $workers
    zoo_mark
    check "git checkout with $workers workers" git -c checkout.workers=$workers -c checkout.thresholdForParallelism=1 --git-dir="$T/g" \
        --work-tree="$users" checkout -f -- "${people[@]}"
    eq "… sends three upserts, and nothing else" "$(names "${rm_names[@]}")" "$(sent | jq -c sort)"
    job_over
    for i in 0 1 2; do
        eq "… the file has its name" "${rm_names[$i]}" "$(t jq -r .name "$users/${people[$i]}")"
        eq "… and the LMS all else as it was" "${befores[$i]}" "$(kept "$users/${people[$i]}")"
    done
    nothing_left "git checkout with $workers workers"
    edits=$((edits + 3))
done
not_git_init() { not t git -C "$users" init; }
check "git init inside is refused" not_git_init
nothing_left "git init"

# ---- new people ----
newcomer() { printf '{"name": "%s", "email": "%s@example.org", "user_type": "ReadOnly"}' "$1" "$1"; }
listed() { t ls -A "$users" | sort >"$T/listing"; }
arrives() { # TEXT KEY CMD… - a new person comes by that command
    local text=$1 key=$2
    shift 2
    newcomer "$key" >"$T/new.json"
    zoo_mark
    check "a new person by $text" "$@"
    eq "… is one upsert" "$(names "$key")" "$(sent)"
    job_over
    eq "… and stands there" "$key" "$(wait_until 5 test -s "$users/EXT-$key.json"; t jq -r .name "$users/EXT-$key.json")"
    listed
    edits=$((edits + 1))
}
arrives "an appending bash" zoo-1 bash -c "cat '$T/new.json' >>'$users/EXT-zoo-1.json'"
arrives "an appending dash" zoo-2 dash -c "cat '$T/new.json' >>'$users/EXT-zoo-2.json'"
arrives "mv" zoo-3 mv "$T/new.json" "$users/EXT-zoo-3.json"
arrives "a group of children" zoo-4 bash -c "{ head -c 20 '$T/new.json'; tail -c +21 '$T/new.json'; } >'$users/EXT-zoo-4.json'"
arrives "rsync" zoo-5 rsync "$T/new.json" "$users/EXT-zoo-5.json"
arrives "an exclusive create" zoo-6 bash -c "set -C; cat '$T/new.json' >'$users/EXT-zoo-6.json'"

# ---- nothing changed ----
file=$(somebody)
t cat "$file" >"$T/same.json"
zoo_mark
same() { check "$1" "${@:2}"; came_to_nothing "$1"; }
same "cp of what is there" cp "$T/same.json" "$file"
same "mv of it" bash -c "cp '$T/same.json' '$T/same2.json' && mv '$T/same2.json' '$file'"
same "install of it" install -m 600 "$T/same.json" "$file"
same "rsync of it" rsync -a "$T/same.json" "$file"
same "tar of it" bash -c "tar -C '$users' -c '$(basename "$file")' | tar -C '$users' -x"
same "sed -i that finds nothing" sed -i 's/no such thing//' "$file"
same "perl -i that finds nothing" perl -pi -e 's/no such thing//' "$file"
same "ed that only writes" ed -s "$file" <<<$'w\nq'
same "blank lines appended" bash -c "printf '\n\n' >>'$file'"
same "touch" touch "$file"
same "chmod, chown" bash -c "chmod 644 '$file' && chown $(id -u) '$file'"
same "another order of its fields" bash -c "jq -S . '$T/same.json' >'$file'"
eq "the file is what it was" "$(cat "$T/same.json")" "$(t cat "$file")"

# ---- neither empty nor half a document is ever sent ----
half() { # TEXT CMD…
    check "$1: runs" "${@:2}"
    came_to_nothing "$1"
    eq "$1: the file is what it was" "$(cat "$T/same.json")" "$(t cat "$file")"
}
half "a lone >" bash -c ": >'$file'"
half "a lone > of dash" dash -c ": >'$file'"
half "a group that dies in the middle" bash -c "(head -c 100 '$T/same.json'; exit 1) >'$file' || true"
half "a writer that is killed" bash -c "(head -c 100 '$T/same.json'; kill -9 \$BASHPID) >'$file' || true"
half "an append that makes it no document" bash -c "echo '{' >>'$file' || true"
half "truncate" bash -c "truncate -s 100 '$file' || true"
half "cp of an empty file" bash -c "! cp /dev/null '$file'"
half "a rename of half a file" bash -c "head -c 100 '$T/same.json' >'$users/.half' && ! mv '$users/.half' '$file'; rm '$users/.half'"

# ---- two at once ----
file=$(somebody)
t cat "$file" >"$T/now.json"
jq '.name = "Writer A"' "$T/now.json" >"$T/a.json"
jq '.name = "Writer B"' "$T/now.json" >"$T/b.json"
zoo_mark
t bash -c "cp '$T/a.json' '$file' & cp '$T/b.json' '$file' & wait"
eq "two writers in place: nothing but one's or the other's is sent" '[]' "$(sent | jq -c '. - ["Writer A", "Writer B"]')"
job_over
last=$(sent | jq -r '.[-1]')
eq "… what was sent last stands in the LMS" "$last" "$(state "hownow/users/$(key_of "$file")" | jq -r .name)"
eq "… and in the file" "$last" "$(t jq -r .name "$file")"
edits=$((edits + $(sent | jq length)))
zoo_mark
t bash -c "sed -i 's/^  \"name\": .*/  \"name\": \"Sed A\",/' '$file' & sed -i 's/^  \"name\": .*/  \"name\": \"Sed B\",/' '$file' & wait" 2>"$T/two"
eq "two that rename: the same" '[]' "$(sent | jq -c '. - ["Sed A", "Sed B"]')"
job_over
last=$(sent | jq -r '.[-1]')
eq "… and the last stands in the LMS and the file" "$last $last" "$(state "hownow/users/$(key_of "$file")" | jq -r .name) $(t jq -r .name "$file")"
edits=$((edits + $(sent | jq length)))
t bash -c "rm -f '$users'/sed??????"
nothing_left "two writers"

# ---- rsync --delete of a folder that has almost nobody: the guard stops it ----
sleep 4
mkdir -p "$T/few" && cp "$T/same.json" "$T/few/"
not_rsync() { not t 60 rsync -a --delete "$T/few/" "$users/"; }
check "rsync --delete fails" not_rsync
sleep 4
eq "… and nobody is deactivated" "" "$(requests_list '.path | endswith("/deactivate")')"
check "… what was in its grace is taken back" "$LMSFS_BIN" drop "$MNT"
sleep 1
listed_now() { [ "$(t ls -A "$users" | sort)" = "$(sort "$T/listing")" ]; }
check "… everybody stands there again" wait_until 5 listed_now
zoo_end $edits
done_testing
