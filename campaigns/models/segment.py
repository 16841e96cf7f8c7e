from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Segment(models.Model):
    """A named, rule-made set of members. `rules` is `{"all"|"any": [{"field", "op", "value"}]}`."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    rules = models.JSONField(_("rules"), default=dict)
    # Segments with the same group exclude each other: a member is in the first by position.
    group = models.CharField(_("group"), max_length=50, blank=True)
    position = models.PositiveIntegerField(pgettext_lazy("in a list", "position"), default=0)
    size = models.BigIntegerField(_("members"), null=True, editable=False)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.CheckConstraint(
                condition=Q(size__isnull=True) | Q(size__gte=0), name="segment_size_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class SegmentMember(models.Model):
    """Who was in a segment when it was refreshed last.

    Written by the hundred thousand, from the members' own table; neither members nor segments are deleted. To check every
    row against both would lock every member.
    """

    segment = models.ForeignKey(
        Segment,
        models.CASCADE,
        related_name="+",
        verbose_name=_("segment"),
        db_index=False,
        db_constraint=False,
    )
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(fields=["segment", "member"], name="segmentmember_once"),
        ]
        indexes = [models.Index(fields=["member"], name="segmentmember_of_member")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Handout(models.Model):
    """Points given once to everybody in a segment: a holiday's gift."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    title = models.CharField(_("title"), max_length=100, help_text=_("Members read it."))
    segment = models.ForeignKey(
        Segment, models.PROTECT, related_name="+", verbose_name=_("segment")
    )
    points = models.BigIntegerField(_("points for each member"))
    expires_at = models.DateTimeField(_("points expire at"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)
    at = models.DateTimeField(_("given at"), null=True, blank=True)
    members = models.BigIntegerField(_("members"), default=0)
    by = models.CharField(_("by"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("grant to a segment")
        verbose_name_plural = _("grants to segments")
        permissions = [("give_handout", _("Can give points to a segment"))]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="handout_points_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.code})"
