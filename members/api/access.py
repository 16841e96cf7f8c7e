"""Who may call the API: keys with scopes."""

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from members.models import ApiClient

if TYPE_CHECKING:
    from rest_framework.views import APIView

PRINTABLE = re.compile(r"[!-~]+")


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; `request.auth` is the ApiClient, there is no user."""

    def authenticate(self, request: Request) -> tuple[None, ApiClient] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != "api-key":
            return None
        try:
            client = _known_client(words[1])
        except ApiClient.DoesNotExist:
            raise AuthenticationFailed(
                _("This API key is not known or has been revoked.")
            ) from None
        if client.has_expired:
            raise AuthenticationFailed(_("This API key has expired."))
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


def _known_client(key: str) -> ApiClient:
    if not PRINTABLE.fullmatch(key):
        raise ApiClient.DoesNotExist
    client = ApiClient.objects.get_from_key(key)
    assert isinstance(client, ApiClient)
    return client


class HasScope(BasePermission):
    """The view names the scopes of each method: `scopes = {"GET": "read manage", "POST": "earn"}`.

    Any one of several is enough. A method the view does not know is let through to its 405.
    """

    message: str

    def has_permission(self, request: Request, view: "APIView") -> bool:
        client = request.auth
        method = "GET" if request.method == "HEAD" else request.method or ""
        if not isinstance(client, ApiClient):
            return False
        if method not in view.allowed_methods:
            return True
        scopes: dict[str, str] = getattr(view, "scopes", {})
        needed = scopes.get(method, "").split()
        self.message = _("The key lacks the scope: %(scope)s.") % {"scope": " / ".join(needed)}
        return not set(needed).isdisjoint(client.scopes)


def client_of(request: Request) -> ApiClient:
    """The caller of a request that was let through."""
    client = request.auth
    assert isinstance(client, ApiClient)
    return client


def scopes_of(request: Request) -> frozenset[str]:
    """What the caller's key may do."""
    client = request.auth
    return frozenset(client.scopes) if isinstance(client, ApiClient) else frozenset()


def signature_of(request: Request) -> str:
    """The caller as it is written down beside what it did."""
    client = client_of(request)
    return f"{client.name} ({client.prefix})"
