from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from campaigns import sign_in_settings
from campaigns.models import SignInSettings
from members.admin.base import VerbAdmin


@admin.register(SignInSettings)
class SignInSettingsAdmin(VerbAdmin):
    """The one row of settings for make-up cards: the list leads straight to it."""

    fieldsets = ((None, {"fields": (("make_up_cards", "make_up_days", "make_up_points"),)}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = sign_in_settings.current()
        if row._state.adding:
            row = sign_in_settings.change(changes={})
        address = reverse("admin:campaigns_signinsettings_change", args=[row.pk])
        return HttpResponseRedirect(address)

    def change(
        self, request: HttpRequest, row: SignInSettings, values: Mapping[str, Any]
    ) -> SignInSettings:
        return sign_in_settings.change(changes=values)
