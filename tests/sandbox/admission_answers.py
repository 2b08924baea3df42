"""The answers to the table's manifests: a real apiserver's, the sandbox's, and how they are compared."""

import json
import re
import ssl
from pathlib import Path
from typing import Any

import aiohttp

from service.errors import ApiError
from service.sandbox.admission.admit import admit
from tests.cluster.control_plane import ControlPlane
from tests.sandbox.admission_table import CASES, Case

RECORD = Path(__file__).parents[1] / "data" / "admission.json"
MANAGER = "test"

_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r'"(time|creationTimestamp)": ?"[0-9TZ:-]+"')
_WARNING = re.compile(r'299 - ("(?:[^"\\]|\\.)*")')
_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"

Answer = dict[str, Any]


def recorded() -> dict[str, Answer]:
    """Return what a real apiserver answered when the record was made."""
    answers: dict[str, Answer] = json.loads(RECORD.read_text())
    return answers


def of_the_sandbox(case: Case) -> Answer:
    try:
        admitted = admit(
            case.body, namespace="default", field_validation=case.field_validation, field_manager=MANAGER
        )
    except ApiError as error:
        return comparable(
            case, error.code, warning_texts(error.headers.get("Warning", "")), json.loads(error.status())
        )
    return comparable(case, 201, list(admitted.warnings), admitted.job)


async def of_the_apiserver(control_plane: ControlPlane) -> dict[str, Answer]:
    """Send every manifest of the table to a real apiserver and return its answers."""
    headers = {"Authorization": f"Bearer {control_plane.admin_token}", "Content-Type": "application/yaml"}
    url = f"{control_plane.server}/apis/batch/v1/namespaces/default/jobs"
    tls = ssl.create_default_context(cafile=control_plane.ca_file)
    answers = {}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        for name, case in CASES.items():
            asked = {"dryRun": "All", "fieldManager": MANAGER, "fieldValidation": case.field_validation}
            is_json = {"Content-Type": "application/json"} if case.body.startswith(b"{") else {}
            async with session.post(url, data=case.body, params=asked, headers=is_json) as response:
                warnings = warning_texts(", ".join(response.headers.getall("Warning", ())))
                answers[name] = comparable(case, response.status, warnings, await response.json())
    return answers


def warning_texts(header: str) -> list[str]:
    return [json.loads(text) for text in _WARNING.findall(header)]


def comparable(case: Case, code: int, warnings: list[str], body: Any) -> Answer:
    """Return an answer without what differs from one time to the next."""
    text = _TIME.sub(r'"\1": "TIME"', _UID.sub("UID", json.dumps(body)))
    prefix = re.search(rb'"generateName": "([^"]*)"', case.body)
    if prefix:
        start = prefix[1].decode()[:58]
        text = re.sub(rf"{re.escape(start)}{_SUFFIX}(?![a-z0-9])", f"{start}-----", text)
    return {"code": code, "warnings": warnings, "body": json.loads(text)}
