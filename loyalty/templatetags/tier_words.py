"""How the steps of a tier are told to members and to staff."""

from django import template

from loyalty import tier_wording

register = template.Library()
register.filter("account", tier_wording.account)
register.filter("account_for_staff", tier_wording.account_for_staff)
