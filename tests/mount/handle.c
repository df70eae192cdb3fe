/* handle.c — file handles, as an NFS server keeps them.
 *
 *   handle keep PATH FILE      the handle of PATH goes into FILE
 *   handle read MOUNT FILE     prints what the handle in FILE names, a file's bytes or a directory's names; or the errno's name, status 1
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct kept {
    struct file_handle h;
    unsigned char bytes[MAX_HANDLE_SZ];
};

static int failed(void)
{
    puts(strerrorname_np(errno));
    return 1;
}

static int keep(const char *path, const char *to)
{
    struct kept k = {.h = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount;
    if (name_to_handle_at(AT_FDCWD, path, &k.h, &mount, 0))
        return failed();
    FILE *f = fopen(to, "w");
    if (!f || fwrite(&k, sizeof k, 1, f) != 1 || fclose(f))
        return failed();
    return 0;
}

static int print_names(int fd)
{
    DIR *d = fdopendir(fd);
    if (!d)
        return failed();
    for (struct dirent *e; (e = readdir(d));)
        puts(e->d_name);
    closedir(d);
    return 0;
}

static int print_bytes(int fd)
{
    char buf[65536];
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) > 0)
        fwrite(buf, 1, (size_t)n, stdout);
    return n < 0 ? failed() : 0;
}

static int read_kept(const char *mountpoint, const char *from)
{
    struct kept k;
    struct stat st;
    FILE *f = fopen(from, "r");
    if (!f || fread(&k, sizeof k, 1, f) != 1)
        return failed();
    fclose(f);
    int mount = open(mountpoint, O_RDONLY | O_DIRECTORY);
    int fd = mount < 0 ? -1 : open_by_handle_at(mount, &k.h, O_RDONLY);
    if (fd < 0 || fstat(fd, &st))
        return failed();
    return S_ISDIR(st.st_mode) ? print_names(fd) : print_bytes(fd);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "keep") == 0)
        return keep(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "read") == 0)
        return read_kept(argv[2], argv[3]);
    fputs("usage: handle keep PATH FILE | handle read MOUNT FILE\n", stderr);
    return 2;
}
