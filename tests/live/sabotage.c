/* sabotage.c -- sabotage PID ACTION: see sabotage.h. Exit 0 when it was done, 1 when not. */
#include "tests/live/sabotage.h"

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: sabotage PID extra|closed|both|code|filter|dumpable|limit\n");
        return 2;
    }
    return sabotage((pid_t)strtol(argv[1], NULL, 10), argv[2]) ? 0 : 1;
}
