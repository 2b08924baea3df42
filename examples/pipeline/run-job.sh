#!/bin/sh
# A pipeline's step: creates a Job, shows its log while it runs, and ends as the Job ends. Needs curl, and no Kubernetes.
#
#   run-job.sh URL NAMESPACE MANIFEST
#
# URL is the service's, such as http://job-api.job-api:8080; a manifest with generateName makes each run a Job of its own.
# RUN_JOB_TOKEN_FILE  a file with the caller's token; it is read for each call, as projected tokens are renewed
# RUN_JOB_KEY         the Idempotency-Key: a step that is repeated with the same one creates no second Job
# RUN_JOB_DELETE      yes: delete the Job once it is complete
# RUN_JOB_ATTEMPTS    how often in a row a call may fail, a second apart: 10
#
# It ends with 0 when the Job is complete, 1 when it failed or was deleted, 2 when the service could not be used. Being
# cancelled (INT, TERM), it deletes the Job, with its pods.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: run-job.sh URL NAMESPACE MANIFEST" >&2
    exit 2
fi
url=${1%/} namespace=$2 manifest=$3
key=${RUN_JOB_KEY:-$(cat /proc/sys/kernel/random/uuid 2>/dev/null || echo "$(hostname)-$$-$(date +%s)")}
most_failures=${RUN_JOB_ATTEMPTS:-10}

job=
creating=
calling=
answer=$(mktemp -d)
trap 'rm -rf "$answer"' EXIT
trap 'cancelled 130' INT
trap 'cancelled 143' TERM

# fetch CURL-ARGUMENT...: in the background, for a shell runs no trap while it waits for a command in front of it.
fetch() {
    : > "$answer/token"
    if [ -n "${RUN_JOB_TOKEN_FILE:-}" ]; then
        printf 'Authorization: Bearer %s\n' "$(cat "$RUN_JOB_TOKEN_FILE")" > "$answer/token"
    fi
    curl --silent --header "@$answer/token" "$@" &
    calling=$!
    wait "$calling"
}

# call CURL-ARGUMENT...: leaves the answer's code in $code, 000 for none, its head and its body in $answer.
call() {
    : > "$answer/head"
    : > "$answer/body"
    fetch --dump-header "$answer/head" --output "$answer/body" --write-out '%{http_code}' "$@" > "$answer/code" || true
    code=$(cat "$answer/code")
}

# What a Status says; those of the service and of the apiserver are one line of JSON.
message() {
    sed -n 's/.*"message":"\(\([^"\\]\|\\.\)*\)".*/\1/p' "$answer/body" | head -n 1 | sed 's/\\"/"/g'
}

give_up() {
    echo "run-job: $1: $code $(message)" >&2
    exit 2
}

# again WHAT: waits before a call is made again; after too many failures in a row it gives up.
again() {
    failures=$((failures + 1))
    [ "$failures" -lt "$most_failures" ] || give_up "$1"
    sleep 1
}

cancelled() {
    trap '' INT TERM
    kill "$calling" 2> /dev/null || true
    if [ -n "$creating" ]; then
        ask_for_job # which may be there, though nobody has said so: with the same key it is found
    fi
    if [ -n "$job" ]; then
        call --request DELETE "$url$job"
        echo "run-job: cancelled; the Job is deleted: $code" >&2
    fi
    exit "$1"
}

ask_for_job() {
    call --header "Idempotency-Key: $key" --data-binary "@$manifest" "$url/api/v1/_raw/job/namespace/$namespace"
    job=$(tr -d '\r' < "$answer/head" | sed -n 's/^[Ll]ocation: *//p')
}

create() {
    creating=yes
    failures=0
    while :; do
        ask_for_job
        case $code in
            200 | 201) break ;;
            000 | 429 | 503 | 504) again "the Job cannot be created" ;;
            *) give_up "the Job is refused" ;;
        esac
    done
    creating=
    echo "run-job: ${job##*/}" >&2
}

# Ends when the Job does; what was cut off on the way is shown by show_log.
follow_log() {
    fetch --no-buffer --fail "$url$job/log?follow=true"
}

show_log() {
    echo "run-job: the log broke off; all of it that there is:" >&2
    fetch --fail "$url$job/log" || echo "run-job: the log cannot be read" >&2
}

show_events() {
    call "$url$job/event"
    grep -o '"message":"\([^"\\]\|\\.\)*"' "$answer/body" | tail -n 5 | sed 's/^"message":/run-job: event: /' >&2 || true
}

wait_for_end() {
    failures=0
    while :; do
        call "$url$job/wait?for=complete&timeoutSeconds=60"
        case $code in
            200) return 0 ;;
            404 | 409) return 1 ;;
            504) failures=0 ;;
            000 | 429 | 503) again "the Job cannot be waited for" ;;
            *) give_up "the Job cannot be waited for" ;;
        esac
    done
}

create
follow_log || broke_off=yes
if wait_for_end; then
    ended=0
else
    ended=1
    echo "run-job: $(message)" >&2
fi
[ -z "${broke_off:-}" ] || show_log
[ "$ended" -eq 0 ] || show_events
if [ "$ended" -eq 0 ] && [ "${RUN_JOB_DELETE:-}" = yes ]; then
    call --request DELETE "$url$job"
fi
exit "$ended"
