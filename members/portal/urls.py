"""A member's own pages."""

from django.urls import path

from members.portal import inbox, views

app_name = "members"

urlpatterns = [
    path("join", views.join, name="join"),
    path("me", views.me, name="me"),
    path("me/code", views.code, name="code"),
    path("me/display", views.display, name="display"),
    path("messages", inbox.inbox, name="inbox"),
    path("messages/read", inbox.read_all, name="read_all"),
    path("messages/<int:message_id>/open", inbox.open_message, name="open_message"),
]
