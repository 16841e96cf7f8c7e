from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class MessageTemplate(models.Model):
    """The words of a kind of message, with {placeholders}; in Chinese and in English."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    title_zh = models.CharField(_("title in Chinese"), max_length=100)
    body_zh = models.TextField(_("text in Chinese"), max_length=1_000)
    title_en = models.CharField(_("title in English"), max_length=100)
    body_en = models.TextField(_("text in English"), max_length=1_000)
    active = models.BooleanField(_("is sent"), default=True)
    changed_by = models.CharField(_("changed by"), max_length=150, blank=True, editable=False)
    changed_at = models.DateTimeField(_("changed at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")

    def __str__(self) -> str:
        return self.code


class Message(models.Model):
    """A message in a member's inbox, in the words its template had when it was sent."""

    member = models.ForeignKey(
        "members.Member",
        models.CASCADE,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    template = models.CharField(_("template"), max_length=50)
    # What it is about: the same is told once.
    reference = models.CharField(_("reference"), max_length=200)
    # {"zh-hans": {"title", "body"}, "en": {"title", "body"}}
    texts = models.JSONField(_("texts"))
    # A path of the portal to go on to.
    link = models.CharField(_("link"), max_length=200, blank=True)
    sent_at = models.DateTimeField(_("sent at"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = pgettext_lazy("inbox", "message")
        verbose_name_plural = pgettext_lazy("inbox", "messages")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "template", "reference"], name="message_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True) | Q(read_at__gte=F("sent_at")),
                name="message_read_after_it_was_sent",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-sent_at", "-id"], name="message_of_member"),
            models.Index(
                fields=["member"], condition=Q(read_at__isnull=True), name="message_unread"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.template}"
