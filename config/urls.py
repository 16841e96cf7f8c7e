"""Every address of the house."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("", include("members.portal.urls")),
    path("", include("loyalty.portal.urls")),
    path("", include("rewards.portal.urls")),
    path("", include("campaigns.portal.urls")),
    path("accounts/", include("members.portal.sign_in_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("config.api.urls")),
    path("console/members/member/<int:pk>/", include("config.membership_urls")),
    path("console/", admin.site.urls),
    path("healthz", views.health, name="health"),
]

handler500 = "config.views.server_error"
