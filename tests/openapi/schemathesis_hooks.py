"""What Schemathesis loads into its own process: bounds for what is sent, and the findings that are none.

The bounds are for what would not end, would be made in another namespace, or would not be there to be asked for. A
value that is to be refused goes as it was drawn.
"""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation

from tests.contract.manifests import ending
from tests.openapi.schemathesis_exclusions import EXCLUSIONS
from tests.openapi.schemathesis_run import FOLLOWS, NAMESPACE, NEEDED, WHOLE_MANIFESTS

# Calls that have been answered with a watch, which takes the second for which it lasts; once is enough.
_watched: set[str] = set()
_needed: Counter[int] = Counter()


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Take any object for a manifest's metadata and spec, unless they are asked for."""
    if not os.environ[WHOLE_MANIFESTS]:
        properties = raw_schema["components"]["schemas"]["JobManifest"]["properties"]
        properties["metadata"] = properties["spec"] = {"type": "object"}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Bound a call."""
    call = _name(case)
    if "namespace" in case.path_parameters and not _is_negative(case, ParameterLocation.PATH):
        case.path_parameters["namespace"] = os.environ[NAMESPACE]
    _bound_time(call, case.query)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    match case.meta.phase.name.value, call:
        case "fuzzing", "createJob":
            case.body = _ending(case.body)
        case "stateful", "createJob":
            case.body = _job(case.body)
            _drop(case, "dryRun")
        case "stateful", "deleteJob":
            _drop(case, "dryRun", "propagationPolicy", "propagation", "orphanDependents", "preconditions")


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Remember what needs no second time."""
    if response.status_code == 200 and _watches(case.query):
        _watched.add(_name(case))


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Keep what is a failure."""
    call = _name(case)
    for number, exclusion in enumerate(EXCLUSIONS):
        if exclusion.covers(failure.checks, call, response.status_code, response.text, case.query):
            _needed[number] += 1
            Path(os.environ[NEEDED]).write_text(json.dumps(_needed))
            return False
    return True


def _name(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])


def _watches(query: dict[str, Any]) -> bool:
    return str(query.get("watch")) in {"True", "true", "1"}


def _is_negative(case: Case[Any], location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _bound_time(call: str, query: dict[str, Any]) -> None:
    if call == "waitForJob" and _is_whole(query.get("timeoutSeconds", 1), least=1, most=3600):
        query["timeoutSeconds"] = 1
    if _watches(query) and _is_whole(query.get("timeoutSeconds", 1)):
        query |= {"watch": "false"} if call in _watched else {"timeoutSeconds": 1}
    if query.get("follow") and not os.environ[FOLLOWS]:
        query["follow"] = "false"
    if query.get("resourceVersion") and _is_whole(query["resourceVersion"], least=0):
        # Nearly any other is of the future, which the apiserver waits for.
        query["resourceVersion"] = "0"


def _is_whole(value: object, least: int = -(2**63), most: int = 2**64 - 1) -> bool:
    try:
        return least <= int(str(value)) <= most
    except ValueError:
        return False


def _ending(drawn: Any) -> Any:
    """Return a manifest as it was drawn, but of a Job that ends; every other time one that is surely a Job."""
    if len(str(drawn)) % 2 or not isinstance(drawn, dict) or not isinstance(drawn.get("spec"), dict):
        return _job(drawn)
    return {**drawn, "spec": {**drawn["spec"], "suspend": False, "activeDeadlineSeconds": 1}}


def _job(drawn: object) -> Any:
    """Return a Job that every apiserver takes and that ends by itself, the same for the same that was drawn."""
    digest = hashlib.sha256(json.dumps(drawn, default=str).encode()).hexdigest()
    return json.loads(ending(f"fuzzed-{digest[:8]}", int(digest[0], 16) % 2, 0.1, backoffLimit=0))


def _drop(case: Case[Any], *options: str) -> None:
    """Leave options out, so that what is created is there for the next call, and what is deleted is gone."""
    for name in options:
        case.query.pop(name, None)
        if isinstance(case.body, dict):
            case.body.pop(name, None)
