"""The screens of libraries: dressed in the theme, or taken off where nobody should use them."""

from typing import Any

# Importing a library's screens registers them, whatever its place in INSTALLED_APPS.
from allauth.account import admin as _allauth_screens  # noqa: F401
from allauth.account.models import EmailAddress
from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from rest_framework_api_key import admin as _key_screens  # noqa: F401
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

UNUSED = (EmailAddress, APIKey, SolarSchedule, ClockedSchedule)

for model in (*UNUSED, PeriodicTask, CrontabSchedule, IntervalSchedule):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class _TaskChoice(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The known tasks, in the theme's clothes."""


class _PeriodicTaskForm(beat.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = _TaskChoice()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, ModelAdmin):
    form = _PeriodicTaskForm


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat.CrontabScheduleAdmin, ModelAdmin):
    pass


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    pass
