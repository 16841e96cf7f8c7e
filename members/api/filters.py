"""Query parameters of lists."""

import re
from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from rest_framework import serializers

from members.api.moments import MomentField

# A plus sign that was not encoded in an address arrives as a blank.
LOST_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")


class MomentFormField(forms.CharField):
    """The same strict reading of a time as in a body."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            moment: datetime = MomentField().run_validation(LOST_PLUS.sub("+", text))
        except serializers.ValidationError as error:
            detail: Any = error.detail[0]  # type: ignore[index]
            raise ValidationError(str(detail), code=detail.code) from None
        return moment


class MomentFilter(django_filters.Filter):  # type: ignore[misc]
    """A time with its offset."""

    field_class = MomentFormField
