/*
 * vfs.h -- SQLite's way to files: below one directory descriptor while a store is opened, and
 * none at all after. Nothing here needs a path that the process can see.
 */
#ifndef STORE_EMBEDDED_VFS_H
#define STORE_EMBEDDED_VFS_H

#include "base/base.h"

/* The name of the directory, for SQLite only: every path below it is opened in directory_fd. */
#define VFS_DIRECTORY "/zone"

/* From here on SQLite may open files in the directory; not for two directories at once. */
void vfs_allow(int directory_fd);
/* From here on SQLite can open, unlink and lock nothing more; open files stay usable. */
void vfs_deny(void);

#endif
