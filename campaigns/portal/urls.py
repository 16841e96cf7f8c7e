"""What there is to do for points: signing in, tasks, friends, campaigns."""

from django.urls import path

from campaigns.portal import friends, offers, signing

app_name = "campaigns"

urlpatterns = [
    path("check-in", signing.calendar, name="check_in"),
    path("check-in/make-up", signing.make_up, name="make_up"),
    path("tasks", offers.tasks, name="tasks"),
    path("campaigns", offers.campaigns, name="campaigns"),
    path("campaigns/<slug:campaign>", offers.campaign, name="campaign"),
    path("friends", friends.friends, name="friends"),
    path("invite/<str:referral>", friends.invite, name="invite"),
]
