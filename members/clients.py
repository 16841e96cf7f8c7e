"""Keys for those that talk to the API."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from members import validation
from members.errors import InvalidInput
from members.models import ApiClient


def create(*, name: str, scopes: Sequence[str]) -> str:
    """Make a client and return its key, which is shown this once: only a hash of it is stored."""
    plain = validation.text(longest=50, shortest=1)(name, "/name")
    if not scopes:
        raise InvalidInput("/scopes", "required", _("A key needs at least one scope."))
    known = validation.choice(ApiClient.Scope.values)
    wanted = {known(scope, f"/scopes/{place}") for place, scope in enumerate(scopes)}
    in_order = [scope for scope in ApiClient.Scope.values if scope in wanted]
    _client, key = ApiClient.objects.create_key(name=plain, scopes=in_order)
    return str(key)
