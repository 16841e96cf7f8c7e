"""The console's decisions about one member."""

from django.contrib import admin
from django.urls import path

from config import membership

urlpatterns = [
    path("freeze/", admin.site.admin_view(membership.FreezeView.as_view()), name="freeze_member"),
    path(
        "unfreeze/",
        admin.site.admin_view(membership.UnfreezeView.as_view()),
        name="unfreeze_member",
    ),
    path("close/", admin.site.admin_view(membership.CloseView.as_view()), name="close_member"),
    path("merge/", admin.site.admin_view(membership.MergeView.as_view()), name="merge_member"),
]
