#!/bin/sh
# The life of a Job in curl lines: created, read, listed, waited for, its pods, events and log, deleted.
#
#   tour.sh URL NAMESPACE
#
# TOKEN_FILE  a file with a token, where callers show one
set -eu

jobs=${1%/}/api/v1/_raw/job/namespace/$2
here=$(dirname "$0")

# A refusal ends the tour, and shows the Status that says why.
api() {
    if [ -n "${TOKEN_FILE:-}" ]; then
        # From a file, and not as an argument, which other users of the machine could see.
        printf 'header = "Authorization: Bearer %s"\n' "$(cat "$TOKEN_FILE")" |
            curl --silent --show-error --fail-with-body --config - "$@"
    else
        curl --silent --show-error --fail-with-body "$@"
    fi
}

echo "== create"
api --data-binary "@$here/../sleep1.yaml" "$jobs" | head -c 80
echo
echo "== read, as YAML"
api --header 'Accept: application/yaml' "$jobs/name/sleep1" | grep '^  completions:'
echo "== list, as kubectl shows it"
api --header 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' "$jobs?fieldSelector=metadata.name=sleep1" |
    grep -o '"kind":"Table"'
echo "== wait"
api "$jobs/name/sleep1/wait?for=complete&timeoutSeconds=60" | grep -o '"succeeded":3'
echo "== pods"
api "$jobs/name/sleep1/pod" | grep -o '"phase":"[A-Za-z]*"'
echo "== events"
api "$jobs/name/sleep1/event" | grep -o '"reason":"Completed"'
echo "== log"
api "$jobs/name/sleep1/log"
echo "== delete, with its pods"
api --request DELETE "$jobs/name/sleep1" | grep -o '"status":"Success"'
