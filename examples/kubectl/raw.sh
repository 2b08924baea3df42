#!/bin/sh
# kubectl as a client of the service: what --raw asks for is what comes, and a Status is told as kubectl tells it.
#
#   raw.sh URL NAMESPACE
#
# TOKEN_FILE  a file with a token, where callers show one. kubectl shows it over HTTPS only.
set -eu

url=${1%/}
jobs=/api/v1/_raw/job/namespace/$2
here=$(dirname "$0")
# The service is no cluster of the kubeconfig's; nothing of that is to go there.
export KUBECONFIG=/dev/null

raw() {
    verb=$1
    shift
    set -- "$verb" --raw "$@" --server "$url"
    if [ -n "${TOKEN_FILE:-}" ]; then
        set -- "$@" --token "$(cat "$TOKEN_FILE")"
    fi
    kubectl "$@"
}

echo "== create"
raw create "$jobs" --filename "$here/../sleep1.yaml" | head -c 80
echo
echo "== wait"
raw get "$jobs/name/sleep1/wait?for=complete&timeoutSeconds=60" | grep -o '"succeeded":3'
echo "== log"
raw get "$jobs/name/sleep1/log"
echo "== watch, for a second"
raw get "$jobs?watch=true&fieldSelector=metadata.name=sleep1&timeoutSeconds=1" | grep -o '^{"type":"ADDED"'
echo "== delete, with its pods"
raw delete "$jobs/name/sleep1" | grep -o '"status":"Success"'
