/*
 * vfs.h -- SQLite's way to files: below one directory descriptor while a store is opened, and
 * none at all after. Nothing here needs a path that the process can see.
 */
#ifndef STORE_EMBEDDED_VFS_H
#define STORE_EMBEDDED_VFS_H

#include "base/disk.h"

/* The name of the directory, for SQLite only: every path below it is opened in directory_fd. */
#define VFS_DIRECTORY "/zone"

/*
 * From here on SQLite may open files in the directory; not for two directories at once. It reads
 * and writes through `disk`, which is copied; its syncs are fdatasync, which cannot be replaced.
 */
void vfs_allow(int directory_fd, const struct disk *disk);
/* Why SQLite could not read or write, since it was last asked here; OK: it could. */
enum err vfs_trouble(void);
/* From here on SQLite can open, unlink and lock nothing more; open files stay usable. */
void vfs_deny(void);

#endif
