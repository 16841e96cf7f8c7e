from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Store(models.Model):
    """A place where orders and visits happen."""

    code = models.CharField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.CheckConstraint(condition=~models.Q(code=""), name="store_code_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"
