"""Every controller of the API, in the order of the documentation."""

from litestar.types import ControllerRouterHandler

from hub.accounts.api import VendorAccountController
from hub.adjustments.api import AdjustmentController, VendorAdjustmentController
from hub.cart.api import CartController, QuoteController
from hub.checkout.api import OrderController
from hub.checkout.commission_api import CommissionController, VendorCommissionController
from hub.checkout.vendor_api import VendorOrderController
from hub.customers.api import CustomerController
from hub.feeds.api import VendorFeedController
from hub.gateways.bank.api import BankReceiptController
from hub.gateways.bank.orders_api import BankOrderController
from hub.inventory.api import VendorOfferController, VendorRowController
from hub.ledger.api import LedgerController
from hub.liveness.api import LivenessController, VendorLivenessController
from hub.notifications.api import WebhookDeliveryController, WebhookEndpointController
from hub.notifications.operators_api import WebhookOperationsController
from hub.onboarding.api import InvitationAcceptanceController, VendorOnboardingController
from hub.onboarding.operators_api import InvitationController, ReviewController
from hub.ops.api import OperationsController
from hub.ops.metrics import MetricsController
from hub.ops.trespass_api import TrespassController
from hub.ops.vendor_books import VendorBooksController
from hub.payments.availability import PaymentMethodController
from hub.payouts.api import PayoutController, VendorPayoutController
from hub.promises.api import PromisesController, VendorPromisesController
from hub.promises.scorecard_api import ScorecardController, VendorScorecardController
from hub.promises.suspension_api import SuspensionController
from hub.reconcile.api import ReconciliationController
from hub.refunds.api import AdminRefundController, BuyerRefundController, VendorRefundController
from hub.returns.api import BuyerReturnController
from hub.returns.operators_api import ReturnController
from hub.returns.vendor_api import VendorReturnController
from hub.runtime.health import HealthController
from hub.runtime.keys import KeyController
from hub.search.api import SearchController
from hub.triage.api import AuditController, DeadLetterController
from hub.triage.plans_api import QuarantineController, ReplayController, ReplayRuleController
from hub.triage.vendor_api import VendorDeadLetterController
from hub.vendors.api import VendorController
from hub.vendors.keys_api import VendorAccessController, VendorKeyController, VendorVacationController
from hub.vendors.terms_api import TermsController, VendorTermsController
from hub.webhooks.api import ProviderEventController, WebhookController

CONTROLLERS: list[ControllerRouterHandler] = [
    SearchController,
    CartController,
    QuoteController,
    OrderController,
    VendorOfferController,
    VendorFeedController,
    VendorRowController,
    VendorOrderController,
    VendorCommissionController,
    CommissionController,
    VendorController,
    VendorAccessController,
    VendorKeyController,
    VendorVacationController,
    TermsController,
    LivenessController,
    VendorLivenessController,
    VendorTermsController,
    PayoutController,
    VendorPayoutController,
    AdjustmentController,
    VendorAdjustmentController,
    PromisesController,
    VendorPromisesController,
    ScorecardController,
    VendorScorecardController,
    SuspensionController,
    VendorAccountController,
    InvitationController,
    InvitationAcceptanceController,
    VendorOnboardingController,
    ReviewController,
    WebhookController,
    ProviderEventController,
    WebhookEndpointController,
    WebhookDeliveryController,
    WebhookOperationsController,
    PaymentMethodController,
    BankReceiptController,
    BankOrderController,
    BuyerRefundController,
    VendorRefundController,
    AdminRefundController,
    BuyerReturnController,
    VendorReturnController,
    ReturnController,
    CustomerController,
    KeyController,
    OperationsController,
    TrespassController,
    DeadLetterController,
    ReplayController,
    QuarantineController,
    ReplayRuleController,
    AuditController,
    VendorDeadLetterController,
    LedgerController,
    VendorBooksController,
    ReconciliationController,
    HealthController,
    MetricsController,
]
