"""Does one thing to a file and prints OK or the name of its errno: what a shell's tools say only in prose.

    errno.py save PATH      opens it as `>` does (create, truncate), writes stdin, closes
    errno.py fsave PATH     the same with an fsync before the close
    errno.py write PATH     opens it for writing without creating or truncating it, writes stdin at 0, closes
    errno.py create PATH    creates it (O_EXCL) and closes it
    errno.py read PATH      opens it, reads all of it
    errno.py open PATH [FLAG…]       with flags by name: O_RDWR O_NONBLOCK …
    errno.py stat | readlink | list | mkdir | rmdir | unlink PATH
    errno.py rename | exchange | noreplace | link | symlink OLD NEW
    errno.py truncate PATH SIZE, chmod PATH OCTAL, chown PATH UID GID, utime PATH SECONDS
    errno.py getxattr PATH NAME, setxattr PATH NAME VALUE, removexattr PATH NAME
    errno.py COMMAND…       anything else is run; the name comes from the message that it prints, or is FAILED
"""
import ctypes
import errno
import os
import subprocess
import sys


def spill(fd):
    data = sys.stdin.buffer.read()
    while data:
        data = data[os.write(fd, data):]


def save(path, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, sync=False):
    fd = os.open(path, flags, 0o600)
    try:
        spill(fd)
        if sync:
            os.fsync(fd)
    except OSError:
        try:
            os.close(fd)
        except OSError:
            pass  # the first error is the one to tell
        raise
    os.close(fd)


def read(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 16):
            pass


def renameat2(old, new, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def open_close(path, *flags):
    bits = 0
    for flag in flags:
        bits |= getattr(os, flag)
    os.close(os.open(path, bits, 0o600))


ACTS = {
    "save": save,
    "fsave": lambda path: save(path, sync=True),
    "write": lambda path: save(path, os.O_WRONLY),
    "create": lambda path: open_close(path, "O_WRONLY", "O_CREAT", "O_EXCL"),
    "read": read,
    "open": open_close,
    "stat": os.lstat,
    "readlink": os.readlink,
    "list": os.listdir,
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "rename": os.rename,
    "noreplace": lambda old, new: renameat2(old, new, 1),
    "exchange": lambda old, new: renameat2(old, new, 2),
    "link": os.link,
    "symlink": os.symlink,
    "truncate": lambda path, size: os.truncate(path, int(size)),
    "chmod": lambda path, mode: os.chmod(path, int(mode, 8)),
    "chown": lambda path, uid, gid: os.chown(path, int(uid), int(gid)),
    "utime": lambda path, when: os.utime(path, (float(when), float(when))),
    "getxattr": lambda path, name: os.getxattr(path, name, follow_symlinks=False),
    "setxattr": lambda path, name, value: os.setxattr(path, name, os.fsencode(value), follow_symlinks=False),
    "removexattr": lambda path, name: os.removexattr(path, name, follow_symlinks=False),
}


def errno_of_command(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return "OK"
    said = done.stdout.decode("utf-8", "replace")
    for number, name in errno.errorcode.items():
        if os.strerror(number) in said:
            return name
    return "FAILED"


def main(argv):
    if not argv:
        sys.exit(__doc__)
    try:
        if argv[0] in ACTS:
            ACTS[argv[0]](*argv[1:])
            print("OK")
        else:
            print(errno_of_command(argv))
    except OSError as error:
        print(errno.errorcode.get(error.errno, error.errno))


main(sys.argv[1:])
