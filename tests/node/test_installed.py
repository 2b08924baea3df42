"""The image and the chart with its default values, in Pods that really run."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress

import aiohttp
import pytest

from tests.apiserver.accounts import Account, Accounts
from tests.callers import Caller, assert_is_status
from tests.cluster.cluster import KubectlError
from tests.cluster.node.real_node import RealNode
from tests.cluster.polling import eventually
from tests.conftest import Figure
from tests.contract.paths import job, jobs
from tests.deploy.helm import helm_program
from tests.image.inputs import revision
from tests.image.local_image import local_image
from tests.node.load import Request, load
from tests.node.release import NAME, Release, release_of
from tests.node.running import create, finished, log, script_job
from tests.readme import section, steps
from tests.waiting import eventually_true

pytestmark = pytest.mark.node

# Fewer, while two Pods after the other are waited for, would show nothing.
ENOUGH_REQUESTS = 100


@pytest.fixture(scope="module")
def release(real_node: RealNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Return the installed release, which is uninstalled when the module is over."""
    found = release_of(real_node, local_image(), helm_program(), tmp_path_factory.mktemp("helm"))
    found.install()
    yield found
    found.uninstall()


@pytest.fixture
def service(release: Release, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller without a token, through the Service."""
    return Caller(http_client, release.url(), {})


@pytest.fixture
async def stranger(direct: Caller, namespace: str) -> Account:
    """Return an account that may do nothing."""
    return await Accounts(direct, namespace).new()


@pytest.fixture
async def editor(direct: Caller, namespace: str, release: Release) -> Account:
    """Return an account that may do in its namespace what the chart's role for callers allows."""
    account = await Accounts(direct, namespace).new()
    where = f"--namespace={namespace}"
    role, subject = f"{release.namespace}:{NAME}:edit", f"{namespace}:{account.name}"
    binding = ("create", "rolebinding", "edits", f"--clusterrole={role}", f"--serviceaccount={subject}")
    release.node.kubectl(*binding, where)

    def may_create() -> bool:
        with suppress(KubectlError):  # so it says no
            release.node.kubectl("auth", "can-i", "create", "jobs.batch", where, f"--as={account.username}")
            return True
        return False

    await asyncio.to_thread(eventually, may_create, "the account may create Jobs")
    return account


def as_account(service: Caller, account: Account) -> Caller:
    return Caller(service.session, service.url, account.headers)


def first_example() -> bytes:
    """Return the Job that the README's tour creates first, as it stands there."""
    commands = steps(section("A tour"))[1].commands
    return commands.partition("<<'EOF'\n")[2].partition("EOF\n")[0].encode()


async def test_helm_test_passes_and_the_service_says_which_commit_it_is(release: Release, service: Caller) -> None:
    printed = await asyncio.to_thread(release.test)
    assert "Phase:          Succeeded" in printed
    assert "FAILED" not in printed
    told = (await service("GET", "/version")).json
    assert told["gitCommit"] == (revision() or None)


async def test_the_first_example_runs_for_a_caller_who_may_and_for_no_other(
    service: Caller, stranger: Account, editor: Account, namespace: str
) -> None:
    assert_is_status(await service("POST", jobs(namespace), first_example()), 401, "Unauthorized")
    refused = await as_account(service, stranger)("POST", jobs(namespace), first_example())
    assert stranger.username in assert_is_status(refused, 403, "Forbidden")["message"]
    api = as_account(service, editor)
    await create(api, namespace, first_example())
    await finished(api, namespace, "sleep1")
    lines = (await log(api, namespace, "sleep1", "prefix=false")).body
    assert lines == b"220\n" * 3


async def test_an_upgrade_and_a_deleted_pod_fail_no_request(
    release: Release, service: Caller, editor: Account, namespace: str, figure: Figure
) -> None:
    manifest = script_job("there", "true", suspend=True)
    await create(as_account(service, editor), namespace, manifest)
    asked = (
        Request("GET", job(namespace, "there"), 200),
        Request("GET", jobs(namespace), 200),
        Request("GET", f"{job(namespace, 'there')}?resourceVersion=0", 200),
        Request("POST", f"{jobs(namespace)}?dryRun=All", 201, script_job("other", "true")),
    )
    before = await asyncio.to_thread(release.pods)
    async with load(service.url, editor.headers, *asked) as outcome:
        await asyncio.to_thread(release.upgrade, {"podAnnotations": {"changed": "yes"}})
        after = await asyncio.to_thread(release.pods)
        await asyncio.to_thread(release.delete_pod, min(after))
        last = await asyncio.to_thread(release.pods)
    figure(f"while Pods were replaced by an upgrade and by hand: {outcome}")
    assert not before & after
    assert min(after) not in last
    assert outcome.failed == []
    assert outcome.answered.total() > ENOUGH_REQUESTS


def test_variables_of_a_service_of_its_own_name_do_not_disturb_the_start(release: Release) -> None:
    template = release.get("deployment")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "linked"},
        "spec": {**template["spec"], "enableServiceLinks": True},
    }
    where = f"--namespace={release.namespace}"
    release.node.kubectl("create", "--filename=-", where, input=json.dumps(pod))
    release.node.kubectl("wait", "--for=condition=Ready", "pod/linked", "--timeout=50s", where)
    variables = release.node.kubectl("exec", "linked", where, "--", "python", "-c", "import os; print(*os.environ)")
    assert {"JOB_API_PORT", "JOB_API_SERVICE_HOST"} <= set(variables.split())
    release.node.kubectl("delete", "pod", "linked", "--wait=false", where)


async def test_the_line_of_the_readme_that_tries_the_image_serves_the_sandbox(
    release: Release, http_client: aiohttp.ClientSession
) -> None:
    (tried,) = [step.commands for step in steps(section("The image")) if not step.commands.startswith("make ")]
    command = re.fullmatch(r"docker run .* (job-api:\S+) (.*)\n", tried)
    assert command, tried
    image, arguments = command.groups()
    node, name = release.node, "tried"
    node.kubectl("run", name, f"--image={image}", "--image-pull-policy=Never", "--", *arguments.split())
    node.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=50s")
    address = node.kubectl("get", "pod", name, "--output=jsonpath={.status.podIP}")
    caller = Caller(http_client, f"http://127.0.0.1:{node.forward(address, 8080)}", {})

    async def serves() -> bool:
        try:
            return (await caller("GET", jobs("default"))).status == 200
        except aiohttp.ClientError:
            return False  # it has not started yet

    await eventually_true(serves)
    node.kubectl("delete", "pod", name, "--now", "--wait=false")


def test_it_runs_with_a_token_that_is_its_own_and_on_files_that_it_cannot_change(release: Release) -> None:
    script = (
        "import os, pathlib;"
        "print(os.getuid(), os.environ['JOB_API_LISTEN']);"
        "print(pathlib.Path('/var/run/secrets/kubernetes.io/serviceaccount/token').read_text().count('.'));"
        "[print(e.strerror) for p in ('/opt/x', '/tmp/x', '/x') for e in [tried(p)]]"
    )
    tried = "def tried(path):\n  try: open(path, 'w')\n  except OSError as error: return error\n"
    pod = min(release.pods())
    where = f"--namespace={release.namespace}"
    printed = release.node.kubectl("exec", pod, where, "--", "python", "-c", tried + script)
    assert printed.splitlines() == ["65532 0.0.0.0:8080", "2", *["Read-only file system"] * 3]


# The last one: the others would have to install it again.
def test_uninstalling_it_leaves_nothing_behind(release: Release) -> None:
    kinds = {each.partition("/")[0].partition(".")[0] for each in release.labelled()}
    assert {"deployment", "service", "clusterrole", "clusterrolebinding", "pod", "endpointslice"} <= kinds
    release.uninstall()
    eventually(lambda: not release.labelled(), "nothing bears its label")
