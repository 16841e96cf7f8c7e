"""The mall, what was redeemed, and the vouchers."""

from django.urls import path

from rewards.portal import gifts, mall, pictures, redeeming, redemptions, vouchers

app_name = "rewards"

urlpatterns = [
    path("rewards", mall.mall, name="mall"),
    path("rewards/<slug:code>", mall.reward, name="reward"),
    path("rewards/<slug:code>/redeem", redeeming.redeem, name="redeem"),
    path("rewards/<slug:code>/picture/<slug:digest>", pictures.picture, name="picture"),
    path("vouchers", vouchers.wallet, name="vouchers"),
    path("vouchers/<str:code>", vouchers.voucher, name="voucher"),
    path("vouchers/<str:code>/show", vouchers.show, name="show"),
    path("vouchers/<str:code>/give", gifts.give, name="give"),
    path("redemptions", redemptions.listing, name="redemptions"),
    path("redemptions/<str:number>", redemptions.order, name="redemption"),
    path("redemptions/<str:number>/done", redemptions.done, name="done"),
    path("redemptions/<str:number>/cancel", redemptions.cancel, name="cancel"),
]
