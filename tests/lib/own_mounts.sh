# A suite in a mount namespace of its own, where it may mount over /usr, /etc or /mnt. To be sourced first, in place of lib.sh.
if [ -z "${OWN_MOUNTS:-}" ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
    exec env OWN_MOUNTS=1 unshare --mount --propagation private ${as_root[@]+"${as_root[@]}"} bash "$0"
fi
. tests/lib/lib.sh

# What other suites have mounted came along as a copy, and their daemons wouldn't hear of an unmount for as long as that is there.
foreign_mounts_leave() {
    local other
    awk '/ - fuse\.lmsfs / { print $5 }' /proc/self/mountinfo | while read -r other; do
        timeout 10 umount -i -l -c "$other" 2>/dev/null
    done
}
foreign_mounts_leave
