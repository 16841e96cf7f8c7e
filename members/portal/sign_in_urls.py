"""The part of allauth that is used: phone and code, no passwords and no e-mail."""

from django.urls import path

from members.portal import sign_in

urlpatterns = [
    path("login", sign_in.request_code, name="account_login"),
    path("login", sign_in.request_code, name="account_request_login_code"),
    path("login/code", sign_in.confirm_code, name="account_confirm_login_code"),
    path("logout", sign_in.sign_out, name="account_logout"),
]
