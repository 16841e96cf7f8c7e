"""The mall and the member's vouchers."""

from django.urls import path

from rewards.portal import mall, vouchers

app_name = "rewards"

urlpatterns = [
    path("rewards", mall.mall, name="mall"),
    path("rewards/<slug:code>", mall.reward, name="reward"),
    path("rewards/<slug:code>/redeem", mall.redeem, name="redeem"),
    path("vouchers", vouchers.wallet, name="vouchers"),
    path("vouchers/<str:code>", vouchers.voucher, name="voucher"),
    path("redemptions/<str:number>/cancel", vouchers.cancel, name="cancel"),
]
