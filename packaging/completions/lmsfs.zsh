#compdef lmsfs

_lmsfs() {
    local -a commands
    commands=(
        'mount:mount what a configuration says'
        'umount:unmount'
        'status:state of every tenant'
        'check:check a configuration'
        'refresh:list again'
        'fetch:fetch the detail of records'
        'url:print the signed URLs of a record, fresh'
        'why:why a file was refused, in the words of the LMS'
        'wait:wait for the verdict on a file'
        'pending:saves that are not settled yet'
        'rejected:saves that were refused'
        'retry:send a refused save again'
        'release:send the removals that the guard holds'
        'drop:give up the removals that the guard holds'
        'adopt:make names known of what can only be written'
        'resend:send what a file shows once more'
        'forget:drop a name here'
        'log:what was changed, by whom, and the verdict'
        'sandbox:the services on loopback, with invented people'
        'demo:sandbox, mount and a guided tour'
        'help:the commands, or one of them'
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        _files
        return
    fi
    case $words[2] in
    mount) _arguments '-f[stay in the foreground]' '*-o[mount options]:options:(ro rw dry_run allow_other default_permissions uid= gid= file_mode= dir_mode= workers= debug)' '--help[how it is used]' '*:file:_files' ;;
    umount) _arguments '--help[how it is used]' '*:mount point:_directories' ;;
    sandbox)
        _arguments '--port[port on loopback]:port' '--port-file[the port is written there]:file:_files' \
            '--die-with-parent[end with the process that started it]' '--users[HowNow people]:number' '--synap-users[Synap people]:number' \
            '--thrive-users[Thrive people]:number' '--avia-users[AVIA people]:number' '--learningpool-users[Learning Pool people]:number' \
            '--seed[another number, other people]:number' '--latency[of every reply]:ms' '--job-seconds[of each job]:seconds' \
            '--token-seconds[life of a HowNow token]:seconds' '--rate[HowNow requests in 60 s]:number' \
            '--learningpool-rate[Learning Pool requests in 60 s]:number' '--seat-limit[most active HowNow people]:number' \
            '--client-id[of HowNow]:id' '--client-secret[of HowNow]:secret' '--org-id[of Synap]:id' '--org-secret[of Synap]:secret' \
            '--api-key[of Synap]:key' '--learningpool-tenant[of Learning Pool]:id' '--learningpool-key[of Learning Pool]:key' \
            '--thrive-tenant[of Thrive]:id' '--thrive-secret[of Thrive]:secret' '--avia-token[of AVIA]:token' '--help[how it is used]'
        ;;
    status) _arguments '--json[for programs]' '--watch[shown anew every two seconds]' '--verbose[collections too]' '--help[how it is used]' '*:path:_files' ;;
    log)
        _arguments '--json[for programs]' '(-f --follow)'{-f,--follow}'[go on as entries come]' '-n[the last so many]:number' \
            '--help[how it is used]' '*:path:_files'
        ;;
    demo) _arguments '--help[how it is used]' '*:mount point:_directories' ;;
    help) _describe command commands ;;
    *) _arguments '--json[for programs]' '--help[how it is used]' '*:path:_files' ;;
    esac
}

_lmsfs "$@"
