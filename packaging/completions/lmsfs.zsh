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
        'sandbox:the services on loopback, with invented people'
        'demo:sandbox, mount and a guided tour'
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        _files
        return
    fi
    case $words[2] in
    mount) _arguments '-f[stay in the foreground]' '*-o[mount options]:options:(ro rw dry_run allow_other default_permissions)' '*:file:_files' ;;
    umount) _arguments '*:mount point:_directories' ;;
    sandbox) _arguments '--port[port on loopback]:port' '--users[people to invent]:number' ;;
    status) _arguments '--json[for programs]' '--watch[shown anew every two seconds]' '--verbose[collections too]' '*:path:_files' ;;
    pending|rejected) _arguments '--json[for programs]' ;;
    *) _files ;;
    esac
}

_lmsfs "$@"
