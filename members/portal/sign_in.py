"""Signing in with a phone number and a one-time code: allauth's views, our pages and words."""

import math
from typing import Any

from allauth.account import views
from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

#: So many seconds pass before another code can be asked for.
BETWEEN_CODES = 60
SENT_AT = "sent_at"


class RequestCodeView(views.RequestLoginCodeView):
    template_name = "portal/sign_in.html"


class ConfirmCodeView(views.ConfirmLoginCodeView):
    template_name = "portal/sign_in_code.html"
    _process: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if self._process is None and not request.user.is_authenticated:
            messages.warning(request, _("The code has expired. Please ask for a new one."))
        return response

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        state = self._process.state
        since = timezone.now().timestamp() - state.get(SENT_AT, state["at"])
        wait = max(0, math.ceil(BETWEEN_CODES - since))
        context: dict[str, Any] = super().get_context_data(wait=wait, **more)
        return context

    def _resend_form_valid(self, form: Form) -> HttpResponse:
        phone = self._process.state["phone"]
        if ratelimit.consume(self.request, action="request_login_code", key=phone):
            self._process.state[SENT_AT] = timezone.now().timestamp()
            response: HttpResponse = super()._resend_form_valid(form)
            return response
        too_often = _("You have asked for too many codes. Please wait a minute and try again.")
        get_adapter().add_message(self.request, messages.ERROR, message=too_often)
        return HttpResponseRedirect(self.request.path)


class SignOutView(views.LogoutView):
    template_name = "portal/sign_out.html"


request_code = RequestCodeView.as_view()
confirm_code = ConfirmCodeView.as_view()
sign_out = SignOutView.as_view()
