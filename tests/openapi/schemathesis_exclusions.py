"""What Schemathesis finds and is no failure, each with its reason; anything else that it finds is one.

Nearly all of it is what a schema cannot say. A run prints how often each was needed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A finding that is none.

    Attributes:
        check: Schemathesis' check that has it.
        reason: why it is none.
        told: what the answer's body says, as a regular expression.
        calls: the calls, by operationId, of which it is to be expected; empty for any.
        codes: the answers' codes; empty for any.
        query: what query parameters the call was sent with, as regular expressions.
    """

    check: str
    reason: str
    told: str = ""
    calls: Collection[str] = ()
    codes: Collection[int] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    def covers(self, checks: Collection[str], call: str, code: int, body: str, query: Mapping[str, Any]) -> bool:
        """Tell whether this is what one of some checks has of an answer."""
        return (
            self.check in checks
            and (not self.calls or call in self.calls)
            and (not self.codes or code in self.codes)
            and re.search(self.told, body) is not None
            and all(re.fullmatch(each, str(query.get(name, ""))) for name, each in self.query.items())
        )


_LISTS = ("listJobs", "listAllJobs", "listJobPods")
_REFUSED = "positive_data_acceptance"

EXCLUSIONS = (
    Exclusion(
        _REFUSED,
        "a manifest that is valid by schema may be no Job yet: what else it takes is the apiserver's to say",
        r'"message": ?"(line \d+, column|Job\.batch .* is invalid|Job in version|strict decoding error)',
        calls=("createJob",),
        codes=(400, 422),
    ),
    Exclusion(
        _REFUSED,
        "a field manager's name has bounds that are the apiserver's to say",
        r"CreateOptions.* is invalid: .*fieldManager: ",
        calls=("createJob",),
        codes=(422,),
    ),
    Exclusion(
        _REFUSED,
        "parameters may exclude each other, or need each other; OpenAPI has no words for that",
        r"exclude each other|is given twice|cannot be both set|is forbidden (for|unless|when)|requires setting",
        codes=(400, 422),
    ),
    *(
        Exclusion(
            _REFUSED,
            "a selector, or a place in a list, is a language of its own, which the apiserver reads",
            r'"reason": ?"(BadRequest|Expired)"',
            calls=_LISTS,
            codes=(400, 410),
            query={parameter: "(?s).+"},
        )
        for parameter in ("labelSelector", "fieldSelector", "continue")
    ),
    Exclusion(
        _REFUSED,
        "a log that is not there yet, or no more, cannot be read, however it is asked for",
        r"nothing of the log .* can be read|previous terminated container|container .* is none of pod",
        calls=("readJobLog",),
        codes=(400,),
    ),
    Exclusion(
        _REFUSED,
        "a duration may have as many digits as one likes, and is yet 292 years at most",
        r"query parameter 'timeout' is",
        codes=(400,),
    ),
    Exclusion(
        _REFUSED,
        "DeleteOptions are known in most of Kubernetes' apiVersions, and in no other",
        r"no kind .* is registered for version|unexpected GroupVersion string",
        calls=("deleteJob",),
        codes=(400,),
    ),
    Exclusion(
        _REFUSED,
        "1.0 is an integer to JSON Schema, and none to Kubernetes",
        r"Expected `int \| null`, got `float`",
        calls=("deleteJob",),
        codes=(400,),
    ),
    Exclusion(
        "negative_data_rejection",
        "with dryRun the Idempotency-Key is not looked at, whatever it is",
        calls=("createJob",),
        codes=(201,),
        query={"dryRun": "All"},
    ),
    Exclusion(
        "not_a_server_error",
        "504 is the answer of a wait that is over, and not met",
        "ConditionNotMet",
        calls=("waitForJob",),
        codes=(504,),
    ),
    Exclusion(
        "not_a_server_error",
        "504 is the apiserver's answer where it is given less time than it needs",
        '"reason":"Timeout"',
        codes=(504,),
        query={"timeout": ".+"},
    ),
    Exclusion(
        "not_a_server_error",
        "the sandbox does not know all of Kubernetes, and says so",
        "the sandbox does not know",
        codes=(501,),
    ),
    Exclusion(
        "response_schema_conformance",
        "a watch's lines come as application/json, as the apiserver has it: one object after the other, no JobList",
        r'^({"type":"[A-Z]+","object":{|$)',
        calls=("listJobs", "listAllJobs"),
        codes=(200,),
        query={"watch": "true|1|True"},
    ),
    Exclusion(
        "use_after_free",
        "that a Job is gone is what this call waits for",
        '"status":"Success"',
        calls=("waitForJob",),
        codes=(200,),
        query={"for": "delete"},
    ),
)
