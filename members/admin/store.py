from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from members import stores
from members.admin.base import VerbAdmin
from members.models import Store


@admin.register(Store)
class StoreAdmin(VerbAdmin):
    list_display = ("name", "code", "created_at")
    search_fields = ("name", "code")
    ordering = ("code",)
    fields = ("code", "name")
    fixed_fields = ("code",)

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Store:
        return stores.create(changes=values)

    def change(self, request: HttpRequest, row: Store, values: Mapping[str, Any]) -> Store:
        return stores.change(store=row, changes=values)
