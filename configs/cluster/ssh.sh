#!/bin/sh
# Workers of Dask on other machines, begun by SSH, until Ctrl-C:
#
#     sh ssh.sh HOST...
#     svmtrain fit CONFIG --cluster scheduler.json    in another terminal
#
# Every host is logged in to without a password, has svmtrain[cluster] in the same versions as this
# machine, and sees the data under the same paths. Variables:
#
#     WORKERS=4             workers of each host, of one thread each
#     PYTHON=python3        the Python of the hosts that has svmtrain
#     LISTEN=tcp://         where the scheduler listens: tcp://ADDRESS:PORT of a private network
#     SCHEDULER=            words for `dask scheduler`, such as --tls-ca-file ca.pem ...
#     WORKER=               words for `dask worker`, likewise, by paths of the hosts
set -eu

: "${1:?usage: sh ssh.sh HOST...}"
file=scheduler.json
rm -f "$file"

# Word splitting is meant: SCHEDULER and WORKER hold several words.
dask scheduler --host "${LISTEN:-tcp://}" --port 0 --scheduler-file "$file" ${SCHEDULER:-} &
scheduler=$!
# When the scheduler ends, so do its workers, wherever they are.
trap 'kill "$scheduler" 2>/dev/null; rm -f "$file"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
until [ -s "$file" ]; do
    kill -0 "$scheduler"
    sleep 0.2
done
address=$(sed -n 's/.*"address": "\([^"]*\)".*/\1/p' "$file" | head -n 1)

for host; do
    ssh -n "$host" "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1; exec \
        ${PYTHON:-python3} -m dask worker $address --nthreads 1 --nworkers ${WORKERS:-4} \
        --death-timeout 60 --local-directory \${TMPDIR:-/tmp} ${WORKER:-}" &
done
wait "$scheduler"
