/* commands.h -- one function a command; bulkhead_main.c has the table. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int command_backup(int argc, char **argv);
int command_charter(int argc, char **argv);
int command_check(int argc, char **argv);
int command_cut(int argc, char **argv);
int command_device(int argc, char **argv);
int command_drill(int argc, char **argv);
int command_export(int argc, char **argv);
int command_import(int argc, char **argv);
int command_log(int argc, char **argv);
int command_rejoin(int argc, char **argv);
int command_report(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_status(int argc, char **argv);
int command_token(int argc, char **argv);
int command_up(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_where(int argc, char **argv);
int command_witness(int argc, char **argv);

#endif
