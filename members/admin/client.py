from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from members import clients
from members.admin.base import ConsoleAdmin
from members.errors import InvalidInput
from members.models import ApiClient


class ClientForm(forms.ModelForm[ApiClient]):
    """Makes the key when the form is complete: it exists in clear only in this answer."""

    key = ""
    name = forms.CharField(
        label=capfirst(_("name")), max_length=50, widget=UnfoldAdminTextInputWidget
    )
    scopes = forms.MultipleChoiceField(
        label=capfirst(_("scopes")),
        choices=ApiClient.Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": _("A key needs at least one scope.")},
    )

    def _post_clean(self) -> None:
        if self.errors or self.instance.pk:
            super()._post_clean()  # type: ignore[misc]
            return
        try:
            self.key = clients.create(
                name=self.cleaned_data["name"], scopes=self.cleaned_data["scopes"]
            )
        except InvalidInput as problem:
            self.add_error(problem.pointer.split("/")[1], problem.detail)
            return
        made: Any = ApiClient.objects.get_from_key(self.key)
        self.instance = made


@admin.register(ApiClient)
class ApiClientAdmin(ConsoleAdmin):
    form = ClientForm
    list_display = ("label", "beginning", "scope_words", "state", "made_at")
    sortable_by = ()
    search_fields = ("name", "prefix")
    ordering = ("-created",)
    fields = ("name", "scopes")

    @display(description=_("name"))
    def label(self, client: ApiClient) -> str:
        return client.name

    @display(description=_("begins with"))
    def beginning(self, client: ApiClient) -> str:
        return f"{client.prefix}…"

    @display(description=_("created at"))
    def made_at(self, client: ApiClient) -> Any:
        return client.created

    @display(description=_("scopes"))
    def scope_words(self, client: ApiClient) -> str:
        return gettext("、").join(str(ApiClient.Scope(scope).label) for scope in client.scopes)

    @display(description=_("state"), label={"in use": "success", "revoked": "danger"})
    def state(self, client: ApiClient) -> tuple[str, str]:
        return ("revoked", gettext("Revoked")) if client.revoked else ("in use", gettext("In use"))

    def get_fields(self, request: HttpRequest, obj: ApiClient | None = None) -> Any:
        return (*self.fields, "revoked", "beginning", "made_at") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiClient | None = None) -> Any:
        if obj is None:
            return ()
        # A revoked key never comes back.
        facts = ("beginning", "made_at")
        return (*facts, "revoked", "scopes", "name") if obj.revoked else facts

    def save_model(
        self,
        request: HttpRequest,
        obj: ApiClient,
        form: ClientForm,
        change: bool,  # noqa: FBT001
    ) -> None:
        if change:
            obj.save(update_fields=["name", "scopes", "revoked"])
            return
        messages.warning(
            request,
            _("The key of %(name)s: %(key)s (store it now, it is not shown again)")
            % {"name": obj.name, "key": form.key},
        )
