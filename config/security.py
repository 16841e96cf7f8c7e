"""Where the content security policy is relaxed: in the console and on the page that shows the API."""

from collections.abc import Callable, Mapping, Sequence

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

RELAXED: Mapping[str, Mapping[str, Sequence[str]]] = {
    "/console/": settings.CONSOLE_CONTENT_SECURITY_POLICY,
    "/api/v1/docs/": {"style-src": [SELF, UNSAFE_INLINE]},
}


class RelaxedPolicyMiddleware:
    """Add to the policy of the few prefixes that need it; every other page stays strict."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.strict = get_response
        self.relaxed = {
            prefix: csp_update(dict(policy))(get_response) for prefix, policy in RELAXED.items()
        }

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        for prefix, answer in self.relaxed.items():
            if request.path.startswith(prefix):
                return answer(request)
        return self.strict(request)
