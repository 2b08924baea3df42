"""A no, worded as the apiserver words it."""

from service.errors import Forbidden
from service.kube.reviews import AccessAttributes


def denial(username: str, wanted: AccessAttributes, reason: str) -> Forbidden:
    """Return the error that tells a user what it may not do.

    Args:
        username: the user.
        wanted: what the user wanted to do.
        reason: the authorizer's; may be empty.
    """
    resource = wanted.resource.plural
    qualified = f"{resource}.{wanted.resource.group}" if wanted.resource.group else resource
    about = f'{qualified} "{wanted.name}"' if wanted.name else qualified
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    told = (
        f'{about} is forbidden: User "{username}" cannot {wanted.verb} resource "{wanted.resource.rule}" '
        f'in API group "{wanted.resource.group}" {where}'
    )
    named = {"name": wanted.name} if wanted.name else {}
    details = {**named, **({"group": wanted.resource.group} if wanted.resource.group else {}), "kind": resource}
    return Forbidden(f"{told}: {reason}" if reason else told, details=details)
