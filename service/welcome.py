"""What a person sees who started the service on the sandbox: what it is, and lines to paste."""

_TEXT = """\
The service is in front of its own sandbox: Jobs go from created to complete, but no container runs. All is kept in
memory, {most} at most, and gone when this ends; Ctrl-C ends it. Try it: paste this into another terminal.

JOBS={url}/api/v1/_raw/job/namespace/default
curl -sS --data-binary @- $JOBS <<'EOF'
apiVersion: batch/v1
kind: Job
metadata:
  name: sleep1
spec:
  completions: 3
  template:
    spec:
      containers:
        - name: sleep
          image: busybox
          command: [echo, "220"]
      restartPolicy: Never
EOF
curl -sS $JOBS/name/sleep1/wait         # the raw Job, as soon as it is finished
curl -sS -X PUT $JOBS/name/sleep1       # 405: a Job is not edited here
curl -sS -X DELETE $JOBS/name/sleep1    # its pods go too

"""


def welcome(url: str, limits: object) -> str:
    """Return the text.

    Args:
        url: the service's own, such as http://127.0.0.1:8080.
        limits: how much the sandbox holds at most, as it says itself.
    """
    return _TEXT.format(url=url, most=limits)
