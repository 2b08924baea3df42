"""Runs a Job and waits for its end: what a service that launches batch work does, with nothing but aiohttp.

    run_job.py URL NAMESPACE MANIFEST [--token-file FILE] [--delete]

The log goes to standard output while it is written. It ends with 0 when the Job is complete, 1 when it failed or
was deleted, 2 when the service cannot be used; being interrupted, it deletes the Job.
"""

import argparse
import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

import aiohttp

JOBS = "/api/v1/_raw/job/namespace/{namespace}"
# How often a call that may be made again is made at most, with a second or more between.
MOST_ATTEMPTS = 10
# After a POST 504 says that nobody knows whether there is a Job: the key lets it be asked for again all the same.
PASSING = frozenset((429, 503, 504))
WAIT_SECONDS = 60
# A wait answers in its time, and a log says something now and then; the total may take as long as the Job.
DEADLINES = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WAIT_SECONDS + 30)


class Refused(Exception):
    """The service, or the apiserver through it, says no.

    Attributes:
        code: the HTTP status code.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class JobApi:
    """The calls that it takes to run a Job.

    Args:
        session: a session whose base URL is the service's.
        token_file: where the caller's token is; it is read for each call, as projected tokens are renewed. None
            where callers show none.
    """

    def __init__(self, session: aiohttp.ClientSession, token_file: Path | None) -> None:
        self._session = session
        self._token_file = token_file

    async def create(self, namespace: str, manifest: bytes) -> str:
        """Create a Job and return its path: just one, however often it takes to get an answer."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/yaml"}
        path = JOBS.format(namespace=namespace)
        async with await self._answered("POST", path, data=manifest, headers=headers) as response:
            return response.headers["Location"]

    async def wait(self, job: str) -> dict[str, Any]:
        """Return the Job once it is finished."""
        while True:
            try:
                async with await self._answered("GET", f"{job}/wait?timeoutSeconds={WAIT_SECONDS}") as response:
                    found: dict[str, Any] = await response.json()
                    return found
            except Refused as refused:
                if refused.code != 504:  # not yet
                    raise

    async def follow_log(self, job: str) -> None:
        """Write the Job's log out while it is written."""
        try:
            async with await self._answered("GET", f"{job}/log?follow=true") as response:
                async for chunk in response.content.iter_any():
                    sys.stdout.buffer.write(chunk)
                    sys.stdout.buffer.flush()
        except (Refused, aiohttp.ClientError, TimeoutError) as error:
            tell(f"the log broke off: {error}")

    async def delete(self, job: str) -> None:
        """Delete the Job, and its pods."""
        async with await self._answered("DELETE", job):
            pass

    async def _answered(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """Return an answer that is no error, however often it has to be asked for.

        Raises:
            Refused: it is an error, and no passing one, or one too many.
            aiohttp.ClientError, TimeoutError: there is no answer.
        """
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return await self._once(method, path, **options)
            except Refused as refused:
                may_pass = refused.code in PASSING and not (method == "GET" and refused.code == 504)
                if not may_pass or attempt == MOST_ATTEMPTS:
                    raise
            except (aiohttp.ClientConnectionError, TimeoutError):
                if attempt == MOST_ATTEMPTS:
                    raise
            await asyncio.sleep(attempt)
        raise AssertionError

    async def _once(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        token = {"Authorization": f"Bearer {self._token_file.read_text().strip()}"} if self._token_file else {}
        response = await self._session.request(method, path, headers={**token, **(headers or {})}, **options)
        if response.ok:
            return response
        async with response:
            raise Refused(response.status, await message_of(response))


async def message_of(response: aiohttp.ClientResponse) -> str:
    """Return what a Kubernetes Status says; every error of the service is one."""
    if response.content_type != "application/json":
        return f"{response.status} {response.reason}"
    status = await response.json()
    return str(status.get("message", ""))


async def run(options: argparse.Namespace) -> int:
    """Run the Job, and return the exit code."""
    async with aiohttp.ClientSession(options.url, timeout=DEADLINES) as session:
        api = JobApi(session, options.token_file)
        job = await api.create(options.namespace, options.manifest.read_bytes())
        tell(job)
        try:
            await api.follow_log(job)
            conditions = (await api.wait(job))["status"]["conditions"]
        except asyncio.CancelledError:
            await api.delete(job)
            raise
        end = next(
            each for each in conditions if each["type"] in {"Complete", "Failed"} and each["status"] == "True"
        )
        tell(f"{end['type']}: {end.get('message', '')}")
        if options.delete:
            await api.delete(job)
    return 0 if end["type"] == "Complete" else 1


def tell(text: str) -> None:
    """Say something beside the log."""
    sys.stderr.write(f"run_job: {text}\n")


def main() -> int:
    """Read the command line, run the Job, and return the exit code."""
    parser = argparse.ArgumentParser(description="Run a Job through Job API, and wait for its end.")
    parser.add_argument("url", help="the service's, such as http://127.0.0.1:8080")
    parser.add_argument("namespace")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--token-file", type=Path, help="read for each call")
    parser.add_argument("--delete", action="store_true", help="delete the Job once it has ended")
    try:
        return asyncio.run(run(parser.parse_args()))
    except Refused as refused:
        tell(str(refused))
        return 1 if refused.code == 404 else 2
    except (aiohttp.ClientError, TimeoutError) as error:
        tell(f"the service does not answer: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
