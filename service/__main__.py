"""The command line: `python -m service`, installed as `job-api`."""

import asyncio
import os
import sys

import structlog

from service import descriptors, logging, version
from service.kube.credentials import CredentialsError
from service.server import StartError, serve
from service.serving_certificate import CertificateError
from service.settings import Settings, SettingsError, read_settings, unknown_variables


def main() -> int:
    """Run the service until it is told to end, and return the process' exit code.

    A setting that cannot be used is 2, before a port is opened; a start that fails otherwise is 1.
    """
    try:
        settings = read_settings(sys.argv[1:], os.environ)
    except SettingsError as error:
        return _refuse(error, 2)
    _start_log(settings)
    descriptors.raise_limit(settings)
    try:
        asyncio.run(serve(settings))
    except (CertificateError, CredentialsError) as error:
        return _refuse(error, 2)
    except StartError as error:
        return _refuse(error, 1)
    return 0


def _start_log(settings: Settings) -> None:
    logging.configure(settings.log_format, settings.log_level)
    log = structlog.stdlib.get_logger("service")
    if unknown := unknown_variables(os.environ):
        log.warning("environment variables that are no settings", names=unknown)


def _refuse(error: Exception, code: int) -> int:
    sys.stderr.write(f"{version.NAME}: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
