"""The words of messages, with a look at how they read, and the messages that members got."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from members import message_templates, queries
from members.admin.base import ReadOnlyAdmin, VerbAdmin, VerbForm
from members.admin.filters import DaysFilter
from members.models import Message, MessageTemplate

LANGUAGES = {"zh-hans": "简体中文", "en": "English"}


class MessageTemplateForm(VerbForm):
    class Meta:
        model = MessageTemplate
        fields = (*message_templates.TEXTS, "active")
        widgets = {
            name: UnfoldAdminTextareaWidget(attrs={"rows": 3}) for name in ("body_zh", "body_en")
        }
        help_texts = {
            "active": _("Switched off, nothing of this kind is sent."),
        }


@admin.register(MessageTemplate)
class MessageTemplateAdmin(VerbAdmin):
    """The kinds of messages: each app brings its own, the merchant changes the words."""

    form = MessageTemplateForm
    list_display = ("shown_title", "code", "active", "changed_by", "moment")
    list_display_links = ("shown_title",)
    ordering = ("code",)
    sortable_by = ()
    fieldsets = (
        (_("In Chinese"), {"fields": ("title_zh", "body_zh")}),
        (_("In English"), {"fields": ("title_en", "body_en")}),
        (_("Sending"), {"fields": ("active",)}),
    )
    change_form_outer_after_template = "admin/members/messagetemplate/preview.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        return super().get_queryset(request).filter(code__in=message_templates.all_templates())

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        message_templates.seed()
        return super().changelist_view(request, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if object_id else None
        below = _preview_of(row) if row is not None else {}
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **below}
        )

    def change(
        self, request: HttpRequest, row: MessageTemplate, values: Mapping[str, Any]
    ) -> MessageTemplate:
        by = request.user.get_username()
        return message_templates.change(code=row.code, changes=values, by=by, at=timezone.now())

    @display(description=_("title"))
    def shown_title(self, row: MessageTemplate) -> str:
        return row.title_en if get_language() == "en" else row.title_zh

    @display(description=_("changed at"))
    def moment(self, row: MessageTemplate) -> str:
        return (
            date_format(timezone.localtime(row.changed_at), "DATETIME_FORMAT")
            if row.changed_at
            else "—"
        )


def _preview_of(row: MessageTemplate) -> dict[str, Any]:
    """How it reads with sample data, and what may stand in braces."""
    template = message_templates.template(row.code)
    texts = message_templates.preview(code=row.code, texts={})
    return {
        "previews": [(LANGUAGES[language], words) for language, words in texts.items()],
        "placeholders": [(f"{{{name}}}", value) for name, value in template.samples.items()],
    }


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What members were told, for support: who it was shows masked."""

    list_display = ("heading", "owner", "template", "moment", "seen")
    list_select_related = ("member",)
    list_filter = (("sent_at", DaysFilter),)
    list_filter_submit = True
    search_fields = ("reference",)
    search_help_text = _("A member's phone or number")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {"fields": (("heading", "owner"), "text", ("moment", "seen"), ("template", "link"))},
        ),
    )
    readonly_fields = ("heading", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).select_related("member")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(member__in=queries.search(term).order_by().values("pk")), False

    @display(description=_("title"))
    def heading(self, row: Message) -> str:
        return _words(row)["title"]

    @display(description=_("text"))
    def text(self, row: Message) -> str:
        return _words(row)["body"]

    @display(description=_("member"))
    def owner(self, row: Message) -> str:
        return f"{row.member.masked_name} · {row.member.number}"

    @display(description=_("sent at"))
    def moment(self, row: Message) -> str:
        return date_format(timezone.localtime(row.sent_at), "DATETIME_FORMAT")

    @display(description=_("read at"))
    def seen(self, row: Message) -> str:
        return (
            date_format(timezone.localtime(row.read_at), "DATETIME_FORMAT") if row.read_at else "—"
        )


def _words(row: Message) -> dict[str, str]:
    found: dict[str, str] = row.texts.get(get_language()) or row.texts["zh-hans"]
    return found
