"""As much of SLURM as its commands: jobs are processes of this machine, in sessions of their own.

`installed(folder)` writes sbatch, srun, squeue, scancel and scontrol, which keep what they know in
a folder beside them, and svmtrain and dask, which are those of this Python.
"""

import os
import sys

from small_runs import environment

COMMANDS = {
    "sbatch": """
# sbatch [--ntasks=N ...] SCRIPT [WORD ...]: number the job, and start it apart from this shell.
tasks=
while case "$1" in -*) true;; *) false;; esac; do
    case "$1" in --ntasks=*) tasks=${1#*=};; esac
    shift
done
script=$1
[ -n "$tasks" ] || tasks=$(sed -n 's/^#SBATCH --ntasks=//p' "$script")
job=1
until mkdir "$JOBS/taken-$job" 2>/dev/null; do job=$((job + 1)); done
log=$(sed -n 's/^#SBATCH --output=//p' "$script" | sed "s/%j/$job/")
cp "$script" "$JOBS/$job.sh" # as SLURM does: the script may be gone by the time that it runs
shift
export SLURM_JOB_ID=$job SLURM_NTASKS=${tasks:-1}
setsid bash "$JOBS/$job.sh" "$@" >>"${log:-slurm-$job.out}" 2>&1 </dev/null &
echo $! >"$JOBS/$job"
echo "Submitted batch job $job"
""",
    "srun": """
# srun [--ntasks=N] COMMAND: run it so many times side by side; a signal is for all of them.
tasks=$SLURM_NTASKS
while case "$1" in -*) true;; *) false;; esac; do
    case "$1" in --ntasks=*) tasks=${1#*=};; esac
    shift
done
pids=
trap 'kill $pids' TERM
for rank in $(seq 0 $((tasks - 1))); do
    SLURM_PROCID=$rank "$@" &
    pids="$pids $!"
done
wait
wait
""",
    "squeue": """
# squeue: the numbers of the jobs that run.
for job in $(ls "$JOBS" | grep '^[0-9]*$'); do
    if kill -0 "$(cat "$JOBS/$job")" 2>/dev/null; then echo "$job"; fi
done
""",
    "scancel": """
# scancel JOB...: end all processes of the jobs.
for job; do kill -TERM "-$(cat "$JOBS/$job")" 2>/dev/null; done
true
""",
    "scontrol": """
echo "$@" >>"$JOBS/scontrol.log"
""",
}


def installed(folder):
    """Write the commands into a folder; return the environment in which they are found."""
    for name in ("bin", "jobs"):
        (folder / name).mkdir(parents=True)
    texts = {name: f"JOBS='{folder / 'jobs'}'\n{text}" for name, text in COMMANDS.items()}
    texts |= {one: f'exec {sys.executable} -m {one} "$@"\n' for one in ("svmtrain", "dask")}
    for name, text in texts.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}")
        (folder / "bin" / name).chmod(0o755)
    search = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    return {**environment(), "PATH": search}


def processes_of(folder):
    """Return the sessions of all jobs that were ever started, by their leaders."""
    return [int(path.read_text()) for path in (folder / "jobs").iterdir() if path.name.isdigit()]
