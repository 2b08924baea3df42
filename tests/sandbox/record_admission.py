"""`python -m tests.sandbox.record_admission` asks a real apiserver, and writes tests/data/admission.json."""

import asyncio
import json

from tests.cluster.control_plane import ControlPlane
from tests.sandbox.admission_answers import RECORD, of_the_apiserver


def main() -> None:
    with ControlPlane() as control_plane:
        answers = asyncio.run(of_the_apiserver(control_plane))
    lines = (f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items())
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
