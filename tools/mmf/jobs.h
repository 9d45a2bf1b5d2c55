/* jobs.h: the jobs of the command. Each gets its own name in argv[0] and returns the exit code. */
#ifndef MMF_TOOLS_JOBS_H
#define MMF_TOOLS_JOBS_H

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int job_read(int argc, char **argv);
int job_write(int argc, char **argv);
int job_dump(int argc, char **argv);
int job_status(int argc, char **argv);
int job_touch(int argc, char **argv);
int job_evict(int argc, char **argv);
int job_pin(int argc, char **argv);
int job_demo(int argc, char **argv);

#endif
