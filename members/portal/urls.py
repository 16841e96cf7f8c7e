"""A member's own pages."""

from django.urls import path

from members.portal import views

app_name = "members"

urlpatterns = [
    path("join", views.join, name="join"),
    path("me", views.me, name="me"),
    path("me/code", views.code, name="code"),
    path("me/display", views.display, name="display"),
]
