# Every way to write a file but an editor on a terminal. To be sourced after editors.sh.
#
# Each by_… puts $T/new.json, whose $FIELD is "By by_…", in the place of $file, which stands in $users as $key.json; $name is that value.
: "${FIELD:=name}"
WAYS='ed sed sed_backup perl patch sponge cp cp_remove cp_backup mv install rsync rsync_inplace tar tar_overwrite python python_tempfile python_update bash bash_builtin bash_here dash dash_here group group_background dash_group exec tee dd dd_sync truncate_then_append rename_dance noclobber_mv'
WAYS_NEED='ed sed perl jq sponge rsync tar git python3 dash tee dd install patch'
line="  \"$FIELD\": \"By" # what line editors put into its place

by_ed() { printf '/^  "%s":/c\n%s by_ed",\n.\nw\nq\n' "$FIELD" "$line" | t ed -s "$file"; }
by_sed() { t sed -i "s/^  \"$FIELD\": .*/$line by_sed\",/" "$file"; }
by_sed_backup() { t sed -i.bak "s/^  \"$FIELD\": .*/$line by_sed_backup\",/" "$file" && t rm "$file.bak"; }
by_perl() { t perl -pi -e "s/^  \"$FIELD\": .*/$line by_perl\",/" "$file"; }
by_patch() { diff -u "$T/now.json" "$T/new.json" | t patch -s "$file"; }
by_sponge() { t bash -c "jq --arg v '$name' '.$FIELD = \$v' '$file' | sponge '$file'"; }
by_cp() { t cp "$T/new.json" "$file"; }
by_cp_remove() { t cp --remove-destination "$T/new.json" "$file"; }
by_cp_backup() { t cp -b -p "$T/new.json" "$file" && t rm "$file~"; }
by_mv() { t mv "$T/new.json" "$file"; }
by_install() { t install -m 600 "$T/new.json" "$file"; }
by_rsync() { t rsync -a "$T/new.json" "$file"; }
by_rsync_inplace() { t rsync -a --inplace "$T/new.json" "$file"; }
by_tar() { (cd "$T" && mkdir -p tar && cp new.json "tar/$key.json") && tar -C "$T/tar" -c "$key.json" | t tar -C "$users" -x; }
by_tar_overwrite() { (cd "$T" && cp new.json "tar/$key.json") && tar -C "$T/tar" -c "$key.json" | t tar -C "$users" -x --overwrite; }
by_python() { t python3 -c "import os; open('$users/.$key.tmp','w').write(open('$T/new.json').read()); os.replace('$users/.$key.tmp','$file')"; }
by_python_tempfile() {
    t python3 -c "import os,tempfile
f=tempfile.NamedTemporaryFile('w',dir='$users',delete=False); f.write(open('$T/new.json').read()); f.flush(); os.fsync(f.fileno()); f.close(); os.rename(f.name,'$file')"
}
by_python_update() { t python3 -c "f=open('$file','r+'); f.seek(0); f.write(open('$T/new.json').read()); f.truncate(); f.close()"; }
by_bash() { t bash -c "cat '$T/new.json' >'$file'"; }
by_bash_builtin() { t bash -c "x=\$(cat '$T/new.json'); echo \"\$x\" >'$file'"; }
by_bash_here() { t bash -c "cat >'$file' <<END"$'\n'"$(cat "$T/new.json")"$'\n'END; }
by_dash() { t dash -c "cat '$T/new.json' >'$file'"; }
by_dash_here() { t dash -c "cat >'$file' <<END"$'\n'"$(cat "$T/new.json")"$'\n'END; }
by_group() { t bash -c "{ head -n 3 '$T/new.json'; sleep 0.1; tail -n +4 '$T/new.json' | head -n 5; sleep 0.1; tail -n +9 '$T/new.json'; } >'$file'"; }
by_group_background() { t bash -c "{ head -n 3 '$T/new.json'; (sleep 0.2; tail -n +4 '$T/new.json'); } >'$file'"; }
by_dash_group() { t dash -c "{ head -n 3 '$T/new.json'; tail -n +4 '$T/new.json'; } >'$file'"; }
by_exec() { t bash -c "exec 3>'$file'; head -n 4 '$T/new.json' >&3; tail -n +5 '$T/new.json' >&3; exec 3>&-"; }
by_tee() { t tee "$file" <"$T/new.json" >/dev/null; }
by_dd() { t dd if="$T/new.json" of="$file" bs=7 status=none; }
by_dd_sync() { t dd if="$T/new.json" of="$file" bs=50 conv=fsync status=none; }
by_truncate_then_append() { t bash -c "exec 3>>'$file'; truncate -s 0 /dev/fd/3; cat '$T/new.json' >&3"; }
by_rename_dance() { t bash -c "mv '$file' '$file.old' && cp '$T/new.json' '$file' && rm '$file.old'"; }
by_noclobber_mv() { t bash -c "rm '$file'; mv -n '$T/new.json' '$file'"; }
