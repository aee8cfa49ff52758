#!/bin/sh
# Train until it is done, whatever stops the process in between:
#
#     sh restart.sh CONFIG [OPTION ...]          the words of `svmtrain fit`
#
# Exit code 75 says: stopped by SIGUSR1, everything is saved, run me again. 137 is a kill -9 (an
# administrator, or a system out of memory), and 138 a SIGUSR1 before Python was up. All of them
# are gone on with. Any other code ends the loop and is the code of this script: 0 when the model
# is there; an error, which would be the same the next time; or Ctrl-C, when somebody wants it.
#
# Signals are for svmtrain and not for this script, which has nothing to save: pkill -USR1 svmtrain.

kills=0
while :; do
    svmtrain fit "$@" --resume
    code=$?
    case $code in
        75 | 138) kills=0 ;;
        137) kills=$((kills + 1)) ;;
        *) exit "$code" ;;
    esac
    if [ "$kills" -ge "${KILLS:-10}" ]; then # in a row: it may never fit into the memory
        echo "restart.sh: killed $kills times in a row; giving up" >&2
        exit "$code"
    fi
    echo "restart.sh: exit code $code; going on" >&2
    sleep "${PAUSE:-1}"
done
