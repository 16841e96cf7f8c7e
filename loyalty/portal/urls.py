"""A member's points."""

from django.urls import path

from loyalty.portal import giving, views

app_name = "loyalty"

urlpatterns = [
    path("points", views.history, name="history"),
    path("points/give", giving.give, name="give"),
    path("points/<int:entry_id>", views.entry, name="entry"),
    path("tier", views.tier, name="tier"),
]
