/* command_witness.c -- bulkhead witness: become the separate program that an outside body runs. */
#include "cli/commands.h"

#include "cli/tool.h"

#include <errno.h>
#include <unistd.h>

int
command_witness(int argc, char **argv)
{
    char libexec[TOOL_PATH_SIZE], program[TOOL_PATH_SIZE + 32];
    (void)argc;
    if (!tool_libexec(libexec, sizeof(libexec)))
        return EXIT_CANNOT;
    snprintf(program, sizeof(program), "%s/bulkhead-witness", libexec);
    argv[0] = program;
    execv(program, argv);
    fprintf(stderr, "bulkhead: cannot run %s: %s\n", program, strerror(errno));
    return EXIT_CANNOT;
}
