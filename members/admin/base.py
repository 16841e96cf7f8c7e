"""How every screen of the console behaves: forms call verbs, ledgers are read-only, lists never count."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from members.errors import InvalidInput, NotFound, Refusal

CENTS = 2
Save = Callable[[Mapping[str, Any], models.Model | None], models.Model]


class VerbForm(forms.ModelForm[Any]):
    """A form that saves by calling a verb; what the verb refuses appears on the field it names.

    The verb runs as the last step of validation, inside the transaction of Django's change view.
    """

    save_by: Save
    # Which field a refusal is about, by its code; the others stand above the form.
    refusal_fields: Mapping[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():
            if isinstance(value, Decimal) and value.as_tuple().exponent < -CENTS:  # type: ignore[operator]
                self.initial[name] = f"{value.normalize():f}"

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            self.instance = self.save_by(
                self.changes(), self.instance if self.instance.pk else None
            )
        except InvalidInput as problem:
            self.add_error(self._field_of(problem.pointer), problem.detail)
        except NotFound as problem:
            self.add_error(self._field_of(problem.pointer), str(problem))
        except Refusal as refusal:
            self.add_error(self.field_of_refusal(refusal), str(refusal))

    def field_of_refusal(self, refusal: Refusal) -> str | None:
        """The field that a refusal is about; None: it stands above the form."""
        return self.refusal_fields.get(refusal.code)

    def changes(self) -> dict[str, Any]:
        """What the verb is called with."""
        return {name: self.cleaned_data[name] for name in self._to_save()}

    def _to_save(self) -> list[str]:
        if self.instance.pk:
            return [name for name in self.fields if name in self.changed_data]
        return [name for name in self.fields if self.cleaned_data[name] not in (None, "")]

    def _field_of(self, pointer: str) -> str | None:
        """The field of a JSON pointer: /expiry/months is expiry_months, /consents/sms is consents."""
        steps = pointer.removeprefix("/").split("/")
        names = ("_".join(steps), steps[0])
        return next((name for name in names if name in self.fields), None)


class ConsoleAdmin(ModelAdmin):
    """The common ground: nothing is deleted, and lists of unbounded tables are not counted."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = False
    warn_unsaved_form = True
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VerbAdmin(ConsoleAdmin):
    """A screen whose form is saved by the verbs `create` and `change`."""

    form = VerbForm
    fixed_fields: tuple[str, ...] = ()

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> models.Model:
        """Call the verb that makes one."""
        raise NotImplementedError

    def change(self, request: HttpRequest, row: Any, values: Mapping[str, Any]) -> models.Model:
        """Call the verb that changes `row`."""
        raise NotImplementedError

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, *self.fixed_fields) if obj else fields

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)

        def save_by(values: Mapping[str, Any], row: models.Model | None) -> models.Model:
            if row is None:
                return self.create(request, values)
            return self.change(request, row, values)

        form.save_by = staticmethod(save_by)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Nothing: the form's verb has saved it."""


class ReadOnlyAdmin(ConsoleAdmin):
    """A screen to look at: no adding, changing or deleting, not by URL either."""

    paginator = InfinitePaginator
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
