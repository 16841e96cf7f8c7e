"""Logins of staff and what their roles may do."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from members.models import User

# What a permission of Django means in this house.
ACTS = {
    "view": _("look at"),
    "add": _("add"),
    "change": _("change"),
    "change_voucher": _("use up"),
    "change_redemption": _("cancel"),
    "fulfil_redemption": _("hand over and take the money"),
    "change_order": _("note its steps and refund it"),
    "change_hold": _("release"),
    "change_member": _("change, and see the whole phone number"),
    "add_member": _("enrol and import"),
    "freeze_member": _("freeze and unfreeze"),
    "close_member": _("close for good"),
    "merge_member": _("merge"),
    "add_tierchange": _("give a tier by hand"),
    "add_adjustment": _("give and take points"),
    "approve_adjustment": _("approve and reject"),
    "activate_campaign": _("start, pause and end"),
    "approve_campaign": _("approve those of others"),
    "give_handout": _("give points to a segment"),
}
# Records of what happened are only looked at; a reference stays empty in the console.
OFFERED = {
    "members": (
        "member",
        "tier",
        "tierchange",
        "store",
        "message",
        "messagetemplate",
        "user",
        "apiclient",
    ),
    "loyalty": (
        "program",
        "order",
        "entry",
        "adjustment",
        "hold",
        "transfer",
        "donation",
        "buyback",
        "seal",
        "daysheet",
        "verificationrun",
    ),
    "rewards": (
        "reward",
        "rewardreport",
        "variant",
        "offer",
        "redemption",
        "voucher",
        "voucherbatch",
        "partnercode",
        "draw",
        "drawround",
        "drawplay",
        "donationproject",
    ),
    "campaigns": (
        "campaign",
        "segment",
        "handout",
        "act",
        "campaignaward",
        "conversion",
        "checkin",
        "benefitgrant",
        "signinsettings",
    ),
}
LOOKED_AT = (
    "entry",
    "seal",
    "daysheet",
    "verificationrun",
    "message",
    "drawround",
    "drawplay",
    "act",
    "campaignaward",
    "conversion",
    "checkin",
    "benefitgrant",
)
# What no screen does.
NOT_DONE = (
    "add_program",
    "add_signinsettings",
    "add_redemption",
    "add_voucher",
    "add_messagetemplate",
    "change_voucherbatch",
    "change_partnercode",
    "add_order",
    "add_hold",
    "change_adjustment",
    "change_transfer",
    "change_donation",
    "change_buyback",
)

admin.site.unregister(Group)


class PermissionChoice(forms.ModelMultipleChoiceField[Permission]):
    """The permissions of our own screens, in words."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, permission: Any) -> str:
        model = permission.content_type.model_class()
        act = ACTS.get(permission.codename) or ACTS[permission.codename.partition("_")[0]]
        return gettext("%(model)s: %(act)s") % {"model": model._meta.verbose_name, "act": act}


def offered_permissions() -> QuerySet[Permission]:
    """The permissions that a role can be given."""
    models = [model for names in OFFERED.values() for model in names]
    found = Permission.objects.filter(
        content_type__app_label__in=OFFERED, content_type__model__in=models
    )
    read_only = found.filter(content_type__model__in=LOOKED_AT).exclude(
        codename__startswith="view"
    )
    return (
        found.exclude(codename__startswith="delete")
        .exclude(pk__in=read_only)
        .exclude(codename__in=NOT_DONE)
        .select_related("content_type")
        .order_by("content_type__app_label", "content_type__model", "-codename")
    )


class GroupForm(forms.ModelForm[Group]):
    permissions = PermissionChoice(
        label=_("Permissions"), queryset=Permission.objects.none(), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["permissions"].queryset = offered_permissions()  # type: ignore[attr-defined]

    def clean_permissions(self) -> list[Permission]:
        """What is ticked, and what the role holds besides."""
        ticked = list(self.cleaned_data["permissions"])
        if self.instance.pk:
            ticked += self.instance.permissions.exclude(pk__in=offered_permissions())
        return ticked


@admin.register(User)
class UserAdmin(BaseUserAdmin[User], ModelAdmin):
    """Staff alone: the logins of members come and go with the portal."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("headline", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("username", "name")
    ordering = ("username",)
    fieldsets = (
        (None, {"fields": (("username", "name"), "email", "password")}),
        (_("Permissions"), {"fields": ("groups", ("is_active", "is_superuser"))}),
        (_("Important dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": (("username", "name"), "groups", ("password1", "password2"))}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    compressed_fields = False
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(is_staff=True).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        field.label, field.help_text = _("Roles"), ""
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    @display(description=_("login"), header=True)
    def headline(self, user: User) -> list[str]:
        return [str(user), user.username, str(user)[:1]]

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        return gettext("、").join(group.name for group in user.groups.all()) or "—"


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    """Roles."""

    form = GroupForm
    filter_horizontal = ()
    compressed_fields = False
    show_full_result_count = False
    actions = None
